//! Going on after a crash.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::model_checkpoint::SaveFreq;
use super::{Callback, Training};
use crate::saving::{self, atomic};
use crate::{Error, Result};

/// Saves weights, optimizer and progress into a folder while training, so that the same program, started again after a
/// crash, goes on with the epoch after the last whole one.
///
/// The backup is removed when training ends, unless [`BackupAndRestore::delete_checkpoint`] is set to false.
///
/// Source: <https://keras.io/api/callbacks/backup_and_restore/>.
///
/// ```
/// use keras_runtime::callbacks::BackupAndRestore;
/// let backup = BackupAndRestore::new("backup");
/// ```
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    folder: PathBuf,
    save_freq: SaveFreq,
    delete_checkpoint: bool,
    epoch: usize,
    batches: usize,
}

impl BackupAndRestore {
    /// Backs up into a folder of its own, which is made if it is not there.
    pub fn new(folder: impl Into<PathBuf>) -> BackupAndRestore {
        BackupAndRestore {
            folder: folder.into(),
            save_freq: SaveFreq::Epoch,
            delete_checkpoint: true,
            epoch: 0,
            batches: 0,
        }
    }

    /// When to save (default after each epoch). What was saved within an epoch starts that epoch again.
    #[must_use]
    pub fn save_freq(mut self, freq: SaveFreq) -> Self {
        self.save_freq = freq;
        self
    }

    /// Whether the backup is removed when training ends (default true).
    #[must_use]
    pub fn delete_checkpoint(mut self, delete: bool) -> Self {
        self.delete_checkpoint = delete;
        self
    }

    fn weights(&self) -> PathBuf {
        self.folder.join("latest.weights.h5")
    }

    fn metadata(&self) -> PathBuf {
        self.folder.join("training_metadata.json")
    }

    /// Saves; `epoch` is the one to start with after a crash.
    fn save(&self, epoch: usize, batch: usize, at: &Training<'_>) -> Result<()> {
        saving::save_weights(&*at.model, self.weights())?;
        // The weights come first: without metadata they are not looked at, and metadata of an epoch before them only
        // repeats that epoch.
        atomic::write(&self.metadata(), json!({"epoch": epoch, "batch": batch}).to_string().as_bytes())
    }
}

fn epoch_of(path: &Path) -> Result<usize> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let json: Value = serde_json::from_str(&text).map_err(|e| Error::file(path, e.to_string()))?;
    let epoch = json.get("epoch").and_then(Value::as_u64).and_then(|epoch| usize::try_from(epoch).ok());
    epoch.ok_or_else(|| Error::file(path, "lacks a whole number at `epoch`"))
}

impl Callback for BackupAndRestore {
    fn on_train_begin(&mut self, at: &mut Training<'_>) -> Result<Option<usize>> {
        if self.save_freq == SaveFreq::Batches(0) {
            return Err(Error::Argument("BackupAndRestore: `save_freq` must be at least 1 batch".into()));
        }
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        if !self.metadata().exists() {
            return Ok(None);
        }
        saving::load_weights(at.model, self.weights())?;
        epoch_of(&self.metadata()).map(Some)
    }

    fn on_epoch_begin(&mut self, epoch: usize, _at: &mut Training<'_>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        let SaveFreq::Batches(every) = self.save_freq else { return Ok(()) };
        self.batches += 1;
        if self.batches.is_multiple_of(every) { self.save(self.epoch, batch, at) } else { Ok(()) }
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch { self.save(epoch + 1, 0, at) } else { Ok(()) }
    }

    fn on_train_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        if !self.delete_checkpoint {
            return Ok(());
        }
        for path in [self.metadata(), self.weights()] {
            if path.exists() {
                fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        // Something else may lie in it.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}
