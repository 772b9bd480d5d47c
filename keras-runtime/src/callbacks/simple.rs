//! Callbacks of a few lines.

use super::{Callback, Training};
use crate::training::python;
use crate::{Error, Result};

/// Sets the learning rate of each epoch: a function of the epoch, counted from 0, and of the rate so far. The logs get
/// `learning_rate`. With an optimizer whose rate follows a schedule it is an error.
///
/// Source: <https://keras.io/api/callbacks/learning_rate_scheduler/>.
///
/// ```
/// use keras_runtime::callbacks::LearningRateScheduler;
/// let slower = LearningRateScheduler::new(|epoch, rate| if epoch < 10 { rate } else { rate * 0.9 });
/// ```
pub struct LearningRateScheduler<F> {
    schedule: F,
    verbose: bool,
}

impl<F: FnMut(usize, f64) -> f64 + Send> LearningRateScheduler<F> {
    /// By this function.
    pub fn new(schedule: F) -> Self {
        LearningRateScheduler { schedule, verbose: false }
    }

    /// Whether each rate is told (false).
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }
}

impl<F: FnMut(usize, f64) -> f64 + Send> Callback for LearningRateScheduler<F> {
    fn on_epoch_begin(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        let rate = (self.schedule)(epoch, at.learning_rate());
        at.set_learning_rate(rate)?;
        if self.verbose {
            let rate = python(rate);
            println!("\nEpoch {}: LearningRateScheduler setting learning rate to {rate}.", epoch + 1);
        }
        Ok(())
    }

    fn on_epoch_end(&mut self, _: usize, at: &mut Training<'_>) -> Result<()> {
        let rate = at.learning_rate();
        at.logs.set("learning_rate", rate);
        Ok(())
    }
}

/// Ends training when the loss is not a number or infinite.
///
/// Source: <https://keras.io/api/callbacks/terminate_on_nan/>.
///
/// ```
/// use keras_runtime::callbacks::TerminateOnNaN;
/// let careful = TerminateOnNaN::new();
/// let strict = TerminateOnNaN::new().raise_error(true);
/// ```
#[derive(Clone, Copy, Debug, Default)]
pub struct TerminateOnNaN {
    raise_error: bool,
}

impl TerminateOnNaN {
    /// Ends training as if all epochs were done.
    pub fn new() -> Self {
        TerminateOnNaN::default()
    }

    /// Whether training ends with an error instead, so that what callbacks do at the end (as removing a backup) is not done
    /// (false).
    #[must_use]
    pub fn raise_error(mut self, raise: bool) -> Self {
        self.raise_error = raise;
        self
    }
}

impl Callback for TerminateOnNaN {
    fn on_train_batch_end(&mut self, batch: usize, at: &mut Training<'_>) -> Result<()> {
        let Some(loss) = at.logs.get("loss").filter(|loss| !loss.is_finite()) else { return Ok(()) };
        if self.raise_error {
            let loss = python(loss);
            return Err(Error::Data(format!(
                "NaN or Inf loss encountered at batch {batch}. Loss value: {loss}. Terminating training immediately."
            )));
        }
        println!("Batch {batch}: Invalid loss, terminating training");
        at.stop_training();
        Ok(())
    }
}

type Hook<'a> = Box<dyn FnMut(usize, &mut Training<'_>) -> Result<()> + Send + 'a>;

/// A callback made of closures. Hooks without an epoch or a batch get 0.
///
/// Source: <https://keras.io/api/callbacks/lambda_callback/>.
///
/// ```
/// use keras_runtime::callbacks::LambdaCallback;
/// let tell = LambdaCallback::new().on_epoch_end(|epoch, at| {
///     println!("after epoch {epoch}: {}", at.logs);
///     Ok(())
/// });
/// ```
#[derive(Default)]
pub struct LambdaCallback<'a> {
    train_begin: Option<Hook<'a>>,
    train_end: Option<Hook<'a>>,
    epoch_begin: Option<Hook<'a>>,
    epoch_end: Option<Hook<'a>>,
    batch_begin: Option<Hook<'a>>,
    batch_end: Option<Hook<'a>>,
    test_begin: Option<Hook<'a>>,
    test_end: Option<Hook<'a>>,
    test_batch_begin: Option<Hook<'a>>,
    test_batch_end: Option<Hook<'a>>,
}

fn call(hook: &mut Option<Hook<'_>>, number: usize, at: &mut Training<'_>) -> Result<()> {
    hook.as_mut().map_or(Ok(()), |hook| hook(number, at))
}

macro_rules! lambda {
    ($($(#[$doc:meta])* $name:ident($($number:ident)?): $field:ident),* $(,)?) => {
        impl<'a> LambdaCallback<'a> {
            /// Without closures.
            pub fn new() -> Self {
                LambdaCallback::default()
            }
            /// Before the first epoch.
            #[must_use]
            pub fn on_train_begin(
                mut self,
                hook: impl FnMut(usize, &mut Training<'_>) -> Result<()> + Send + 'a,
            ) -> Self {
                self.train_begin = Some(Box::new(hook));
                self
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

        impl Callback for LambdaCallback<'_> {
            fn on_train_begin(&mut self, at: &mut Training<'_>) -> Result<Option<usize>> {
                call(&mut self.train_begin, 0, at).map(|()| None)
            }
            $(
                fn $name(&mut self, $($number: usize,)? at: &mut Training<'_>) -> Result<()> {
                    call(&mut self.$field, 0 $(+ $number)?, at)
                }
            )*
        }
    };
}
lambda! {
    /// After the last epoch.
    on_train_end(): train_end,
    /// Before an epoch.
    on_epoch_begin(epoch): epoch_begin,
    /// After an epoch.
    on_epoch_end(epoch): epoch_end,
    /// Before a training step.
    on_train_batch_begin(batch): batch_begin,
    /// After a training step.
    on_train_batch_end(batch): batch_end,
    /// Before an evaluation, that of validation too.
    on_test_begin(): test_begin,
    /// After an evaluation.
    on_test_end(): test_end,
    /// Before a batch of an evaluation.
    on_test_batch_begin(batch): test_batch_begin,
    /// After a batch of an evaluation.
    on_test_batch_end(batch): test_batch_end,
}
