//! Callbacks by options.

use std::path::PathBuf;

use clap::Args;
use keras::callbacks::{
    BackupAndRestore, CSVLogger, Callback, EarlyStopping, ModelCheckpoint, ReduceLROnPlateau, TerminateOnNaN,
};

/// What is watched and done while a model trains.
#[derive(Args, Clone, Debug, Default)]
pub struct Watching {
    /// The number that the other options watch [default: val_loss with validation, else loss]
    #[arg(long, value_name = "NAME", help_heading = "Callbacks")]
    monitor: Option<String>,
    /// Stop after so many epochs without improvement, and take back the best weights
    #[arg(long, value_name = "EPOCHS", help_heading = "Callbacks")]
    early_stopping: Option<usize>,
    /// Save the model whenever it is better than before: .keras, or .weights.h5 for weights alone; the name may have
    /// {epoch} and {val_loss}
    #[arg(long, value_name = "FILE", help_heading = "Callbacks")]
    checkpoint: Option<String>,
    /// Multiply the learning rate by --reduce-lr-factor after so many epochs without improvement
    #[arg(long, value_name = "EPOCHS", help_heading = "Callbacks")]
    reduce_lr: Option<usize>,
    /// See --reduce-lr
    #[arg(
        long,
        value_name = "FACTOR",
        default_value_t = 0.1,
        requires = "reduce_lr",
        help_heading = "Callbacks"
    )]
    reduce_lr_factor: f64,
    /// Write the numbers of each epoch to a .csv file
    #[arg(long, value_name = "FILE", help_heading = "Callbacks")]
    csv_log: Option<PathBuf>,
    /// Back the training up in a folder after each epoch: the same command goes on there after a crash
    #[arg(long, value_name = "FOLDER", help_heading = "Callbacks")]
    backup: Option<PathBuf>,
    /// Stop when the loss is not a number
    #[arg(long, help_heading = "Callbacks")]
    terminate_on_nan: bool,
}

impl Watching {
    /// The callbacks, in an order in which each sees what those before it did.
    pub fn callbacks(&self, validates: bool) -> Vec<Box<dyn Callback>> {
        let monitor = self.monitor.clone().unwrap_or(if validates { "val_loss" } else { "loss" }.into());
        let mut out: Vec<Box<dyn Callback>> = Vec::new();
        if let Some(folder) = &self.backup {
            out.push(Box::new(BackupAndRestore::new(folder)));
        }
        if self.terminate_on_nan {
            out.push(Box::new(TerminateOnNaN::new()));
        }
        if let Some(epochs) = self.reduce_lr {
            let callback = ReduceLROnPlateau::new(&monitor).patience(epochs).factor(self.reduce_lr_factor);
            out.push(Box::new(callback));
        }
        if let Some(path) = &self.checkpoint {
            let weights = path.ends_with(".weights.h5");
            let callback = ModelCheckpoint::new(path).monitor(&monitor).save_best_only(true);
            out.push(Box::new(callback.save_weights_only(weights)));
        }
        if let Some(path) = &self.csv_log {
            out.push(Box::new(CSVLogger::new(path)));
        }
        if let Some(epochs) = self.early_stopping {
            out.push(Box::new(EarlyStopping::new(&monitor).patience(epochs).restore_best_weights(true)));
        }
        out
    }
}
