use super::monitor::{Monitor, MonitorMode};
use super::{Callback, Training};
use crate::Result;

/// Ends training when a number has stopped getting better.
///
/// A number that the logs do not have is an error; epochs without validation do not count for one of validation.
///
/// Source: <https://keras.io/api/callbacks/early_stopping/>.
///
/// ```
/// use keras_runtime::callbacks::EarlyStopping;
/// let stop = EarlyStopping::new("val_loss").patience(3).min_delta(1e-3).restore_best_weights(true);
/// ```
#[derive(Clone, Debug)]
pub struct EarlyStopping {
    monitor: Monitor,
    min_delta: f64,
    patience: usize,
    baseline: Option<f64>,
    restore_best_weights: bool,
    start_from_epoch: usize,
    verbose: bool,
    wait: usize,
    best_epoch: usize,
    stopped_epoch: Option<usize>,
    weights: Option<Vec<Vec<f64>>>,
}

impl EarlyStopping {
    /// Watches this number: `val_loss`.
    pub fn new(monitor: impl Into<String>) -> EarlyStopping {
        EarlyStopping {
            monitor: Monitor::new(monitor),
            min_delta: 0.0,
            patience: 0,
            baseline: None,
            restore_best_weights: false,
            start_from_epoch: 0,
            verbose: false,
            wait: 0,
            best_epoch: 0,
            stopped_epoch: None,
            weights: None,
        }
    }

    /// Smaller changes do not count (0).
    #[must_use]
    pub fn min_delta(mut self, min_delta: f64) -> Self {
        self.min_delta = min_delta;
        self
    }

    /// Epochs without improvement before training ends (0).
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

    /// Training ends if this is not beaten (none).
    #[must_use]
    pub fn baseline(mut self, baseline: f64) -> Self {
        self.baseline = Some(baseline);
        self
    }

    /// Whether the weights of the best epoch come back at the end (false).
    #[must_use]
    pub fn restore_best_weights(mut self, restore: bool) -> Self {
        self.restore_best_weights = restore;
        self
    }

    /// Epochs before this one do not count (0).
    #[must_use]
    pub fn start_from_epoch(mut self, epoch: usize) -> Self {
        self.start_from_epoch = epoch;
        self
    }

    /// Whether it says when it ends training (false).
    #[must_use]
    pub fn verbose(mut self, verbose: bool) -> Self {
        self.verbose = verbose;
        self
    }

    /// The epoch, counted from 0, after which it ended training.
    pub fn stopped_epoch(&self) -> Option<usize> {
        self.stopped_epoch
    }

    /// The best epoch, counted from 0.
    pub fn best_epoch(&self) -> usize {
        self.best_epoch
    }
}

impl Callback for EarlyStopping {
    fn on_train_begin(&mut self, _: &mut Training<'_>) -> Result<Option<usize>> {
        self.wait = 0;
        self.monitor.best = None;
        self.monitor.maximizes()?;
        self.best_epoch = 0;
        self.stopped_epoch = None;
        self.weights = None;
        Ok(None)
    }

    fn on_epoch_end(&mut self, epoch: usize, at: &mut Training<'_>) -> Result<()> {
        let Some(value) = self.monitor.value("EarlyStopping", at)?.filter(|_| epoch >= self.start_from_epoch)
        else {
            return Ok(());
        };
        let network = at.model.network();
        let keep = || Some(network.variables().iter().map(|v| network.read(v)).collect());
        if self.restore_best_weights && self.weights.is_none() {
            // If nothing gets better, the weights of the first epoch that counts are the best.
            self.weights = keep();
            self.best_epoch = epoch;
        }
        self.wait += 1;
        if self.monitor.improves_by(value, self.min_delta)? {
            self.best_epoch = epoch;
            if self.restore_best_weights {
                self.weights = keep();
            }
            let beaten = |baseline| self.monitor.better(value, baseline, self.min_delta);
            if self.baseline.map_or(Ok(true), beaten)? {
                self.wait = 0;
            }
            return Ok(());
        }
        if self.wait >= self.patience && epoch > 0 {
            self.stopped_epoch = Some(epoch);
            at.stop_training();
        }
        Ok(())
    }

    fn on_train_end(&mut self, at: &mut Training<'_>) -> Result<()> {
        if let (true, Some(epoch)) = (self.verbose, self.stopped_epoch) {
            println!("Epoch {}: early stopping", epoch + 1);
        }
        if let (true, Some(weights)) = (self.restore_best_weights, &self.weights) {
            if self.verbose {
                println!("Restoring model weights from the end of the best epoch: {}.", self.best_epoch + 1);
            }
            for (variable, values) in weights.iter().enumerate() {
                at.model.network_mut().write(variable, values)?;
            }
        }
        Ok(())
    }
}
