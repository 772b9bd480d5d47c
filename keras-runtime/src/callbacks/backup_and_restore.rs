//! Going on after a crash.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::{Value, json};

use super::model_checkpoint::SaveFreq;
use super::{Callback, Training};
use crate::saving::{self, Array, Group, Loading, Stored, atomic};
use crate::{Error, Result};

/// Saves weights, optimizer and progress into a folder while training, so that the same program, started again after a
/// crash, goes on with the epoch after the last whole one, to the same weights bit for bit.
///
/// The folder holds `latest.weights.h5` and `training_metadata.json`, as in Keras, which reads them. The weights' file also
/// says which epoch comes next: it is replaced as a whole, so that a crash between the two files does no harm. The backup is
/// removed when training ends, unless [`BackupAndRestore::delete_checkpoint`] is set to false. Other callbacks start afresh.
///
/// Source: <https://keras.io/api/callbacks/backup_and_restore/>.
///
/// ```
/// use keras_runtime::callbacks::{BackupAndRestore, SaveFreq};
/// let backup = BackupAndRestore::new("backup").save_freq(SaveFreq::Batches(500)).double_checkpoint(true);
/// ```
#[derive(Clone, Debug)]
pub struct BackupAndRestore {
    folder: PathBuf,
    save_freq: SaveFreq,
    double_checkpoint: bool,
    delete_checkpoint: bool,
    epoch: usize,
    batches: usize,
}

/// Where the weights' file says which epoch comes next, and how many batches of it were seen. Keras does not look there.
const PROGRESS: [&str; 2] = ["backup", "vars"];

impl BackupAndRestore {
    /// Backs up into a folder of its own, which is made if it is not there.
    pub fn new(folder: impl Into<PathBuf>) -> BackupAndRestore {
        BackupAndRestore {
            folder: folder.into(),
            save_freq: SaveFreq::Epoch,
            double_checkpoint: false,
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

    /// Whether the backup before the last is kept too, and used if the last is damaged (default false).
    #[must_use]
    pub fn double_checkpoint(mut self, double: bool) -> Self {
        self.double_checkpoint = double;
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

    /// The file of the backup before the last.
    fn previous(path: &Path) -> PathBuf {
        let mut name = path.as_os_str().to_owned();
        name.push(".bkp");
        PathBuf::from(name)
    }

    /// Saves; `epoch` is the one to start with after a crash.
    fn save(&self, epoch: usize, batch: usize, at: &Training<'_>) -> Result<()> {
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        if self.double_checkpoint {
            for path in [self.weights(), self.metadata()].iter().filter(|path| path.exists()) {
                fs::copy(path, Self::previous(path)).map_err(|e| Error::io(path, e))?;
            }
        }
        let mut group = saving::tree_of(&*at.model);
        let progress = [epoch, batch].map(|number| Array::scalar(Stored::I64, number as f64));
        group.make(PROGRESS).set_numbered(progress);
        saving::write_hdf5(&self.weights(), &group)?;
        atomic::write(&self.metadata(), json!({"epoch": epoch, "batch": batch}).to_string().as_bytes())
    }

    /// Gives the model what a backup holds; the epoch to go on with.
    fn restore(&self, weights: &Path, metadata: &Path, at: &mut Training<'_>) -> Result<Option<usize>> {
        let group = saving::read_hdf5(weights)?;
        let epoch = match epoch_of(&group) {
            Some(epoch) => Some(epoch),
            // A backup of Python Keras.
            None if metadata.exists() => Some(epoch_in(metadata)?),
            None => None,
        };
        let (network, optimizer) = at.model.parts_mut();
        saving::restore(network, optimizer, &group.into(), Loading::new())
            .map_err(|e| Error::file(weights, e.to_string()))?;
        Ok(epoch)
    }
}

/// The epoch that a backup says comes next.
fn epoch_of(group: &Group) -> Option<usize> {
    let progress = group.find(PROGRESS)?.numbered();
    let epoch = *progress.first()?.to_f64().first()?;
    (epoch >= 0.0).then_some(epoch as usize)
}

fn epoch_in(path: &Path) -> Result<usize> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    let json: Value = serde_json::from_str(&text).map_err(|e| Error::file(path, e.to_string()))?;
    let epoch = json.get("epoch").and_then(Value::as_u64).and_then(|epoch| usize::try_from(epoch).ok());
    epoch.ok_or_else(|| Error::file(path, "lacks a whole number at `epoch`"))
}

impl Callback for BackupAndRestore {
    fn on_train_begin(&mut self, at: &mut Training<'_>) -> Result<Option<usize>> {
        if self.folder.as_os_str().is_empty() {
            return Err(Error::Argument("BackupAndRestore: the name of the folder is empty".into()));
        }
        self.save_freq.check("BackupAndRestore")?;
        self.batches = 0;
        // What cannot be written is told before the first epoch, not after it.
        fs::create_dir_all(&self.folder).map_err(|e| Error::io(&self.folder, e))?;
        let (weights, metadata) = (self.weights(), self.metadata());
        let (old_weights, old_metadata) = (Self::previous(&weights), Self::previous(&metadata));
        if !weights.exists() && !old_weights.exists() {
            return Ok(None);
        }
        match self.restore(&weights, &metadata, at) {
            Err(_) if old_weights.exists() => self.restore(&old_weights, &old_metadata, at),
            result => result,
        }
    }

    fn on_epoch_begin(&mut self, epoch: usize, _at: &mut Training<'_>) -> Result<()> {
        self.epoch = epoch;
        Ok(())
    }

    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.save_freq.due_after_batch(&mut self.batches) {
            self.save(self.epoch, batch, at)
        } else {
            Ok(())
        }
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.save_freq == SaveFreq::Epoch { self.save(epoch + 1, 0, at) } else { Ok(()) }
    }

    fn on_train_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        if !self.delete_checkpoint {
            return Ok(());
        }
        let (weights, metadata) = (self.weights(), self.metadata());
        [&weights, &metadata].into_iter().for_each(|path| atomic::remove_leftovers(path));
        for path in [Self::previous(&metadata), Self::previous(&weights), metadata, weights] {
            if path.exists() {
                fs::remove_file(&path).map_err(|e| Error::io(&path, e))?;
            }
        }
        // Something else may lie in it.
        let _ = fs::remove_dir(&self.folder);
        Ok(())
    }
}
