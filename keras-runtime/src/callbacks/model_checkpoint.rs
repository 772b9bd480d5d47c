//! Saving the model while it trains.

use std::path::PathBuf;

use super::file_name;
use super::monitor::{Monitor, MonitorMode};
use super::{Callback, Training};
use crate::{Error, Result, saving};

/// How often a callback saves.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum SaveFreq {
    /// After each epoch.
    #[default]
    Epoch,
    /// After so many batches, counted over epochs.
    Batches(usize),
}

impl SaveFreq {
    /// Refuses saving after every 0 batches.
    pub(super) fn check(self, callback: &str) -> Result<()> {
        match self {
            SaveFreq::Batches(0) => {
                Err(Error::Argument(format!("{callback}: `save_freq` must be at least 1 batch, is 0")))
            }
            _ => Ok(()),
        }
    }

    /// Counts a batch and says whether it is time to save.
    pub(super) fn due_after_batch(self, seen: &mut usize) -> bool {
        let SaveFreq::Batches(every) = self else { return false };
        *seen += 1;
        seen.is_multiple_of(every)
    }
}

/// Saves the model, or its weights, after each epoch or after so many batches.
///
/// The name may contain `{epoch}` (counted from 1), `{batch}` and numbers of the logs, in Python's format:
/// `net-{epoch:02d}-{val_loss:.2f}.keras`. Files are replaced as a whole: a crash while saving leaves the old one. Folders
/// are made where they are missing.
///
/// With [`ModelCheckpoint::save_best_only`] a number that the logs do not have is an error, and epochs without validation do
/// not count for one of validation (Keras warns, and saves).
///
/// Source: <https://keras.io/api/callbacks/model_checkpoint/>.
///
/// ```
/// use keras_runtime::callbacks::ModelCheckpoint;
/// let best = ModelCheckpoint::new("best.keras").monitor("val_accuracy").save_best_only(true);
/// ```
#[derive(Clone, Debug)]
pub struct ModelCheckpoint {
    path: String,
    monitor: Monitor,
    save_best_only: bool,
    save_weights_only: bool,
    save_freq: SaveFreq,
    verbose: bool,
    epoch: usize,
    batches: usize,
}

impl ModelCheckpoint {
    /// Saves to a file whose name may contain numbers.
    pub fn new(path: impl Into<String>) -> ModelCheckpoint {
        ModelCheckpoint {
            path: path.into(),
            monitor: Monitor::new("val_loss"),
            save_best_only: false,
            save_weights_only: false,
            save_freq: SaveFreq::Epoch,
            verbose: false,
            epoch: 0,
            batches: 0,
        }
    }

    /// The number to watch (default `val_loss`).
    #[must_use]
    pub fn monitor(mut self, name: impl Into<String>) -> Self {
        self.monitor.name = name.into();
        self
    }

    /// Whether only a model that is better than all before is saved (default false).
    #[must_use]
    pub fn save_best_only(mut self, only: bool) -> Self {
        self.save_best_only = only;
        self
    }

    /// Whether only weights are saved (default false); the name then ends in `.weights.h5`.
    #[must_use]
    pub fn save_weights_only(mut self, only: bool) -> Self {
        self.save_weights_only = only;
        self
    }

    /// Which direction is better (default: told from the name).
    #[must_use]
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// When to save (default after each epoch).
    #[must_use]
    pub fn save_freq(mut self, freq: SaveFreq) -> Self {
        self.save_freq = freq;
        self
    }

    /// What a model must be better than to be saved at all (default: the first one is saved).
    #[must_use]
    pub fn initial_value_threshold(mut self, value: f64) -> Self {
        self.monitor.best = Some(value);
        self
    }

    /// Whether each save is told (default false).
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    fn save(&mut self, epoch: usize, batch: Option<usize>, at: &mut Training<'_>) -> Result<()> {
        let number = epoch + 1;
        let path = PathBuf::from(file_name::format(&self.path, number, batch.map(|b| b + 1), at.logs)?);
        let (verbose, name, to) = (self.verbose, &self.monitor.name, path.display());
        let say = |what: std::fmt::Arguments<'_>| {
            if verbose {
                println!("\nEpoch {number}: {what}");
            }
        };
        if self.save_best_only {
            let Some(value) = self.monitor.value("ModelCheckpoint", at)? else { return Ok(()) };
            let best = self.monitor.best.map_or("None".to_string(), |best| format!("{best:.5}"));
            let better = self.monitor.is_better(value, 0.0)?;
            if !better {
                say(format_args!("{name} did not improve from {best}"));
                return Ok(());
            }
            say(format_args!("{name} improved from {best} to {value:.5}, saving model to {to}"));
            self.monitor.best = Some(value);
        } else {
            say(format_args!("saving model to {to}"));
        }
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        if self.save_weights_only {
            saving::save_weights(&*at.model, &path)?;
        } else {
            saving::save(&*at.model, &path)?;
        }
        say(format_args!("finished saving model to {to}"));
        Ok(())
    }
}

impl Callback for ModelCheckpoint {
    fn on_train_begin(&mut self, _at: &mut Training<'_>) -> Result<Option<usize>> {
        let ending = if self.save_weights_only { ".weights.h5" } else { ".keras" };
        if !self.path.ends_with(ending) {
            let message =
                format!("ModelCheckpoint: the file's name must end in `{ending}`, found `{}`", self.path);
            return Err(Error::Argument(message));
        }
        self.save_freq.check("ModelCheckpoint")?;
        if self.save_best_only {
            self.monitor.maximizes()?;
        }
        Ok(None)
    }

    fn on_epoch_begin(&mut self, epoch: usize, _at: &mut Training<'_>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        if !self.save_freq.due_after_batch(&mut self.batches) {
            return Ok(());
        }
        self.save(self.epoch, Some(batch), at)
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch { self.save(epoch, None, at) } else { Ok(()) }
    }
}
