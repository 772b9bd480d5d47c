//! Callbacks: what is called while a model trains.
//!
//! Source: <https://keras.io/api/callbacks/>.

mod backup_and_restore;
mod csv_logger;
mod early_stopping;
mod file_name;
mod model_checkpoint;
mod monitor;
mod progress;
mod reduce_lr;
mod simple;

pub use backup_and_restore::BackupAndRestore;
pub use csv_logger::CSVLogger;
pub use early_stopping::EarlyStopping;
pub use model_checkpoint::{ModelCheckpoint, SaveFreq};
pub use monitor::MonitorMode;
pub use progress::Progress;
pub use reduce_lr::ReduceLROnPlateau;
pub use simple::{LambdaCallback, LearningRateScheduler, TerminateOnNaN};

use keras_kernels::View;

use crate::Result;
use crate::engine::Network;
use crate::saving::Array;
use crate::training::{Logs, TrainedModel};

/// What a callback sees and may change.
pub struct Training<'a> {
    /// The model: its weights, its optimizer.
    pub model: &'a mut dyn TrainedModel,
    /// Numbers so far: of the batch in batch hooks, of the epoch in [`Callback::on_epoch_end`]. Callbacks may add to them;
    /// later callbacks and the history see that.
    pub logs: &'a mut Logs,
    /// Set it to end training after this epoch (from a batch hook: after this batch).
    pub stop: &'a mut bool,
    /// Epoch after the last, as given to `fit`.
    pub epochs: usize,
    /// Epoch that training started with.
    pub initial_epoch: usize,
    /// Steps of an epoch, where known.
    pub steps: Option<usize>,
    /// Whether validation ran in this epoch; none without samples for validation.
    pub validated: Option<bool>,
}

impl Training<'_> {
    /// Ends training after this epoch (from a batch hook: after this batch).
    pub fn stop_training(&mut self) {
        *self.stop = true;
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        self.model.optimizer().learning_rate()
    }

    /// Sets the learning rate.
    ///
    /// # Errors
    /// If it follows a schedule.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        self.model.optimizer_mut().set_learning_rate(learning_rate)
    }
}

/// What a callback sees while a model predicts.
pub struct Predicting<'a> {
    /// The model's weights and structure.
    pub network: &'a mut Network,
    /// Batches, where known.
    pub steps: Option<usize>,
    /// Set it to end predicting after this batch: what was predicted until then is the result.
    pub stop: &'a mut bool,
    pub(crate) outputs: &'a [View],
}

impl Predicting<'_> {
    /// The batch's predictions for output `i`; none before the batch, or if there is no such output.
    pub fn output(&self, i: usize) -> Option<Array> {
        self.outputs.get(i).map(|view| Array::download(self.network.device(), *view))
    }
}

/// Something that is called while a model trains, is evaluated or predicts. Every hook may fail, which ends training with the error.
///
/// ```
/// use keras_runtime::Result;
/// use keras_runtime::callbacks::{Callback, Training};
///
/// /// Stops when the loss is small.
/// struct GoodEnough(f64);
///
/// impl Callback for GoodEnough {
///     fn on_epoch_end(&mut self, _epoch: usize, at: &mut Training<'_>) -> Result<()> {
///         if at.logs["loss"] < self.0 {
///             at.stop_training();
///         }
///         Ok(())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a callback",
    label = "expected a callback, such as `EarlyStopping::new(\"val_loss\")`"
)]
pub trait Callback: Send {
    /// Before the first epoch; `at.logs` is empty. May answer the epoch to start with (when training goes on from a file).
    fn on_train_begin(&mut self, _at: &mut Training<'_>) -> Result<Option<usize>> {
        Ok(None)
    }
    /// After the last epoch.
    fn on_train_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// Before an epoch, counted from 0.
    fn on_epoch_begin(&mut self, _epoch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// After an epoch and its validation.
    fn on_epoch_end(&mut self, _epoch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// Before a training step, counted from 0 in its epoch.
    fn on_train_batch_begin(&mut self, _batch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// After a training step.
    fn on_train_batch_end(&mut self, _batch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// Before an evaluation.
    fn on_test_begin(&mut self, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// After an evaluation.
    fn on_test_end(&mut self, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// Before a batch of an evaluation.
    fn on_test_batch_begin(&mut self, _batch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// After a batch of an evaluation.
    fn on_test_batch_end(&mut self, _batch: usize, _at: &mut Training<'_>) -> Result<()> {
        Ok(())
    }
    /// Before predicting.
    fn on_predict_begin(&mut self, _at: &mut Predicting<'_>) -> Result<()> {
        Ok(())
    }
    /// After predicting.
    fn on_predict_end(&mut self, _at: &mut Predicting<'_>) -> Result<()> {
        Ok(())
    }
    /// Before a batch is predicted, counted from 0.
    fn on_predict_batch_begin(&mut self, _batch: usize, _at: &mut Predicting<'_>) -> Result<()> {
        Ok(())
    }
    /// After a batch was predicted.
    fn on_predict_batch_end(&mut self, _batch: usize, _at: &mut Predicting<'_>) -> Result<()> {
        Ok(())
    }
}

/// A callback that its owner keeps, to look at it after training.
impl<C: Callback + ?Sized> Callback for &mut C {
    fn on_train_begin(&mut self, at: &mut Training<'_>) -> Result<Option<usize>> {
        (**self).on_train_begin(at)
    }
    fn on_train_end(&mut self, at: &mut Training<'_>) -> Result<()> {
        (**self).on_train_end(at)
    }
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_epoch_begin(epoch, at)
    }
    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_epoch_end(epoch, at)
    }
    fn on_train_batch_begin(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_train_batch_begin(batch, at)
    }
    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_train_batch_end(batch, at)
    }
    fn on_test_begin(&mut self, at: &mut Training<'_>) -> Result<()> {
        (**self).on_test_begin(at)
    }
    fn on_test_end(&mut self, at: &mut Training<'_>) -> Result<()> {
        (**self).on_test_end(at)
    }
    fn on_test_batch_begin(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_test_batch_begin(batch, at)
    }
    fn on_test_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        (**self).on_test_batch_end(batch, at)
    }
    fn on_predict_begin(&mut self, at: &mut Predicting<'_>) -> Result<()> {
        (**self).on_predict_begin(at)
    }
    fn on_predict_end(&mut self, at: &mut Predicting<'_>) -> Result<()> {
        (**self).on_predict_end(at)
    }
    fn on_predict_batch_begin(&mut self, batch: usize, at: &mut Predicting<'_>) -> Result<()> {
        (**self).on_predict_batch_begin(batch, at)
    }
    fn on_predict_batch_end(&mut self, batch: usize, at: &mut Predicting<'_>) -> Result<()> {
        (**self).on_predict_batch_end(batch, at)
    }
}
