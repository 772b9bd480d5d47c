//! Logs as a table in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::{Callback, Training};
use crate::training::python;
use crate::{Error, Result};

/// Writes the numbers of each epoch as a line of a CSV file, byte for byte as Keras does: `epoch`, counted from 0, then the
/// logs by name.
///
/// The first epoch tells the columns; if it has no number of validation, each column has a `val_` one beside it. A number
/// that an epoch lacks is `NA`.
///
/// Source: <https://keras.io/api/callbacks/csv_logger/>.
///
/// ```
/// use keras_runtime::callbacks::CSVLogger;
/// let log = CSVLogger::new("training.csv").separator(';').append(true);
/// ```
#[derive(Debug)]
pub struct CSVLogger {
    path: PathBuf,
    separator: char,
    append: bool,
    file: Option<File>,
    keys: Vec<String>,
    header: bool,
}

impl CSVLogger {
    /// Logs to a file, which is replaced.
    pub fn new(path: impl Into<PathBuf>) -> CSVLogger {
        CSVLogger {
            path: path.into(),
            separator: ',',
            append: false,
            file: None,
            keys: Vec::new(),
            header: true,
        }
    }

    /// What stands between columns (default a comma).
    #[must_use]
    pub fn separator(mut self, separator: char) -> Self {
        self.separator = separator;
        self
    }

    /// Whether lines are added to a file that is there already (default false).
    #[must_use]
    pub fn append(mut self, append: bool) -> Self {
        self.append = append;
        self
    }

    fn write(&mut self, cells: impl Iterator<Item = String>) -> Result<()> {
        let special = [self.separator, '"', '\r', '\n'];
        let quoted = |cell: String| {
            if cell.contains(special) { format!("\"{}\"", cell.replace('"', "\"\"")) } else { cell }
        };
        let line = cells.map(quoted).collect::<Vec<_>>().join(&self.separator.to_string());
        match &mut self.file {
            // Lines end as RFC 4180 says.
            Some(file) => write!(file, "{line}\r\n").map_err(|e| Error::io(&self.path, e)),
            None => Ok(()),
        }
    }
}

impl Callback for CSVLogger {
    fn on_train_begin(&mut self, _at: &mut Training<'_>) -> Result<Option<usize>> {
        let there = std::fs::metadata(&self.path).is_ok_and(|file| file.len() > 0);
        self.header = !(self.append && there);
        self.keys.clear();
        let mut options = OpenOptions::new();
        options.write(true).create(true).append(self.append).truncate(!self.append);
        self.file = Some(options.open(&self.path).map_err(|e| Error::io(&self.path, e))?);
        Ok(None)
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        if self.keys.is_empty() {
            let mut keys: Vec<String> = at.logs.iter().map(|(name, _)| name.to_string()).collect();
            keys.sort();
            if !keys.iter().any(|key| key.starts_with("val_")) {
                // Validation may come in later epochs.
                let validation: Vec<String> = keys.iter().map(|key| format!("val_{key}")).collect();
                keys.extend(validation);
            }
            if self.header {
                self.write(["epoch".to_string()].into_iter().chain(keys.iter().cloned()))?;
            }
            self.keys = keys;
        }
        let value = |key: &String| at.logs.get(key).map_or("NA".to_string(), python);
        let line: Vec<String> = [epoch.to_string()].into_iter().chain(self.keys.iter().map(value)).collect();
        self.write(line.into_iter())
    }

    fn on_train_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
