use super::monitor::{Monitor, MonitorMode};
use super::{Callback, Training};
use crate::training::python;
use crate::{Error, Result};

/// Lowers the learning rate when a number has stopped getting better. The logs get `learning_rate`.
///
/// A number that the logs do not have is an error; epochs without validation do not count for one of validation.
///
/// Source: <https://keras.io/api/callbacks/reduce_lr_on_plateau/>.
///
/// ```
/// use keras_runtime::callbacks::ReduceLROnPlateau;
/// let slower = ReduceLROnPlateau::new("val_loss").factor(0.2).patience(5).min_lr(1e-5);
/// ```
#[derive(Clone, Debug)]
pub struct ReduceLROnPlateau {
    monitor: Monitor,
    factor: f64,
    patience: usize,
    min_delta: f64,
    cooldown: usize,
    min_lr: f64,
    verbose: bool,
    wait: usize,
    cooling: usize,
}

impl ReduceLROnPlateau {
    /// Watches this number: `val_loss`.
    pub fn new(monitor: impl Into<String>) -> ReduceLROnPlateau {
        ReduceLROnPlateau {
            monitor: Monitor::new(monitor),
            factor: 0.1,
            patience: 10,
            min_delta: 1e-4,
            cooldown: 0,
            min_lr: 0.0,
            verbose: false,
            wait: 0,
            cooling: 0,
        }
    }

    /// The learning rate is multiplied by this (0.1).
    #[must_use]
    pub fn factor(mut self, factor: f64) -> Self {
        self.factor = factor;
        self
    }

    /// Epochs without improvement before the learning rate falls (10).
    #[must_use]
    pub fn patience(mut self, patience: usize) -> Self {
        self.patience = patience;
        self
    }

    /// Whether smaller or larger is better (by the name).
    #[must_use]
    pub fn mode(mut self, mode: MonitorMode) -> Self {
        self.monitor.mode = mode;
        self
    }

    /// Smaller changes do not count (0.0001).
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Epochs after a fall that do not count (0).
    #[must_use]
    pub fn cooldown(mut self, cooldown: usize) -> Self {
        self.cooldown = cooldown;
        self
    }

    /// Where it ends (0).
    #[must_use]
    pub fn min_lr(mut self, min_lr: f64) -> Self {
        self.min_lr = min_lr;
        self
    }

    /// Whether it says when the learning rate falls (false).
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }
}

impl Callback for ReduceLROnPlateau {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<Option<usize>> {
        if self.factor >= 1.0 {
            let message = format!("ReduceLROnPlateau: `factor` must be below 1, is {}", self.factor);
            return Err(Error::Argument(message));
        }
        self.monitor.best = None;
        self.monitor.maximizes()?;
        (self.wait, self.cooling) = (0, 0);
        Ok(None)
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        let rate = at.learning_rate();
        at.logs.set("learning_rate", rate);
        let Some(value) = self.monitor.value("ReduceLROnPlateau", at)? else { return Ok(()) };
        if self.cooling > 0 {
            self.cooling -= 1;
            self.wait = 0;
        }
        if self.monitor.improves_by(value, self.min_delta)? {
            self.wait = 0;
        } else if self.cooling == 0 {
            self.wait += 1;
            if self.wait >= self.patience && rate > self.min_lr {
                let lower = (rate * self.factor).max(self.min_lr);
                at.set_learning_rate(lower)?;
                if self.verbose {
                    let lower = python(lower);
                    println!("\nEpoch {}: ReduceLROnPlateau reducing learning rate to {lower}.", epoch + 1);
                }
                self.cooling = self.cooldown;
                self.wait = 0;
            }
        }
        Ok(())
    }
}
