//! Logs as a table in a file.

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::path::PathBuf;

use super::{Callback, Training};
use crate::{Error, Result};

/// Writes the numbers of each epoch as a line of a CSV file: `epoch`, then the logs by name.
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

    fn write(&mut self, cells: &[String]) -> Result<()> {
        let line = cells.join(&self.separator.to_string());
        match &mut self.file {
            Some(file) => {
                writeln!(file, "{line}").and_then(|()| file.flush()).map_err(|e| Error::io(&self.path, e))
            }
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
            self.keys = at.logs.iter().map(|(name, _)| name.to_string()).collect();
            self.keys.sort();
            if self.header {
                let head: Vec<String> =
                    ["epoch".to_string()].into_iter().chain(self.keys.iter().cloned()).collect();
                self.write(&head)?;
            }
        }
        let value = |key: &String| at.logs.get(key).map_or("NA".to_string(), |value| value.to_string());
        let line: Vec<String> = [epoch.to_string()].into_iter().chain(self.keys.iter().map(value)).collect();
        self.write(&line)
    }

    fn on_train_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        self.file = None;
        Ok(())
    }
}
