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

/// Saves the model, or its weights, after each epoch or after so many batches.
///
/// The name may contain `{epoch}` (counted from 1), `{batch}` and numbers of the logs, in Python's format:
/// `net-{epoch:02d}-{val_loss:.2f}.keras`. Files are replaced as a whole: a crash while saving leaves the old one.
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
        if self.save_best_only {
            let value = self.monitor.value(at.logs)?;
            if !self.monitor.improves(value)? {
                return Ok(());
            }
        }
        let path = PathBuf::from(file_name::format(&self.path, epoch + 1, batch.map(|b| b + 1), at.logs)?);
        if let Some(folder) = path.parent().filter(|folder| !folder.as_os_str().is_empty()) {
            std::fs::create_dir_all(folder).map_err(|e| Error::io(folder, e))?;
        }
        if self.save_weights_only {
            saving::save_weights(&*at.model, &path)?;
        } else {
            saving::save(&*at.model, &path)?;
        }
        if self.verbose {
            println!("Epoch {}: saved to {}", epoch + 1, path.display());
        }
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
        if self.save_freq == SaveFreq::Batches(0) {
            return Err(Error::Argument("ModelCheckpoint: `save_freq` must be at least 1 batch".into()));
        }
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
        let SaveFreq::Batches(every) = self.save_freq else { return Ok(()) };
        self.batches += 1;
        if self.batches.is_multiple_of(every) { self.save(self.epoch, Some(batch), at) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch { self.save(epoch, None, at) } else { Ok(()) }
    }
}
