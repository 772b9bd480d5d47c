//! Callbacks of a few lines.

use super::{Callback, Training};
use crate::Result;

/// Sets the learning rate of each epoch: a function of the epoch, counted from 0, and of the rate so far.
pub struct LearningRateScheduler<F> {
    schedule: F,
}

impl<F: FnMut(usize, f64) -> f64 + Send> LearningRateScheduler<F> {
    /// By this function.
    pub fn new(schedule: F) -> Self {
        LearningRateScheduler { schedule }
    }
}

impl<F: FnMut(usize, f64) -> f64 + Send> Callback for LearningRateScheduler<F> {
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        let rate = (self.schedule)(epoch, at.learning_rate());
        at.set_learning_rate(rate)
    }

    fn on_epoch_end(&mut self, _: usize, at: &mut Training<'_>) -> Result<()> {
        let rate = at.learning_rate();
        at.logs.set("learning_rate", rate);
        Ok(())
    }
}

/// Ends training when the loss is not a number or infinite.
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN;

impl Callback for TerminateOnNaN {
    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        if at.logs.get("loss").is_some_and(|loss| !loss.is_finite()) {
            println!("Batch {batch}: Invalid loss, terminating training");
            at.stop_training();
        }
        Ok(())
    }
}

type Hook<'a> = Box<dyn FnMut(usize, &mut Training<'_>) -> Result<()> + Send + 'a>;

/// A callback made of closures. The hooks of the whole training get 0 for an epoch.
#[derive(Default)]
pub struct LambdaCallback<'a> {
    train_begin: Option<Hook<'a>>,
    train_end: Option<Hook<'a>>,
    epoch_begin: Option<Hook<'a>>,
    epoch_end: Option<Hook<'a>>,
    batch_begin: Option<Hook<'a>>,
    batch_end: Option<Hook<'a>>,
}

macro_rules! lambda {
    ($($(#[$doc:meta])* $name:ident: $field:ident),* $(,)?) => {
        impl<'a> LambdaCallback<'a> {
            /// Without closures.
            pub fn new() -> Self {
                LambdaCallback::default()
            }
            $(
                $(#[$doc])*
                #[must_use]
                pub fn $name(
                    mut self,
                    hook: impl FnMut(usize, &mut Training<'_>) -> Result<()> + Send + 'a,
                ) -> Self {
                    self.$field = Some(Box::new(hook));
                    self
                }
            )*
        }
    };
}
lambda! {
    /// Before the first epoch.
    on_train_begin: train_begin,
    /// After the last epoch.
    on_train_end: train_end,
    /// Before an epoch.
    on_epoch_begin: epoch_begin,
    /// After an epoch.
    on_epoch_end: epoch_end,
    /// Before a training step.
    on_train_batch_begin: batch_begin,
    /// After a training step.
    on_train_batch_end: batch_end,
}

impl Callback for LambdaCallback<'_> {
    fn on_train_begin(&mut self, at: &mut Training<'_>) -> Result<Option<usize>> {
        self.train_begin.as_mut().map_or(Ok(()), |hook| hook(0, at)).map(|()| None)
    }
    fn on_train_end(&mut self, at: &mut Training<'_>) -> Result<()> {
        self.train_end.as_mut().map_or(Ok(()), |hook| hook(0, at))
    }
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        self.epoch_begin.as_mut().map_or(Ok(()), |hook| hook(epoch, at))
    }
    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        self.epoch_end.as_mut().map_or(Ok(()), |hook| hook(epoch, at))
    }
    fn on_train_batch_begin(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        self.batch_begin.as_mut().map_or(Ok(()), |hook| hook(batch, at))
    }
    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        self.batch_end.as_mut().map_or(Ok(()), |hook| hook(batch, at))
    }
}
