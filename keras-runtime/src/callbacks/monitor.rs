//! Watching one number of the logs: is it better than before?

use crate::training::Logs;
use crate::{Error, Result};

/// Which direction of a number is better.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MonitorMode {
    /// Told from the name: losses and errors shall be small, accuracies and the like large.
    #[default]
    Auto,
    /// Smaller is better.
    Min,
    /// Larger is better.
    Max,
}

/// Parts of names of numbers that shall be small.
const SMALL: [&str; 10] =
    ["loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "hinge", "divergence", "poisson"];
/// Parts of names of numbers that shall be large.
const LARGE: [&str; 12] = [
    "acc",
    "auc",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "fmeasure",
    "iou",
    "r2",
    "positives",
    "sensitivity",
    "similarity",
];

/// One number of the logs, and the best that it has been.
#[derive(Clone, Debug)]
pub(crate) struct Monitor {
    pub name: String,
    pub mode: MonitorMode,
    pub best: Option<f64>,
}

impl Monitor {
    pub fn new(name: impl Into<String>) -> Monitor {
        Monitor { name: name.into(), mode: MonitorMode::Auto, best: None }
    }

    /// Whether larger is better.
    pub fn maximizes(&self) -> Result<bool> {
        match self.mode {
            MonitorMode::Min => Ok(false),
            MonitorMode::Max => Ok(true),
            MonitorMode::Auto if SMALL.iter().any(|part| self.name.contains(part)) => Ok(false),
            MonitorMode::Auto if LARGE.iter().any(|part| self.name.contains(part)) => Ok(true),
            MonitorMode::Auto => Err(Error::Argument(format!(
                "whether `{}` shall be small or large cannot be told from its name: set the mode",
                self.name
            ))),
        }
    }

    /// The number that is watched.
    pub fn value(&self, logs: &Logs) -> Result<f64> {
        logs.get(&self.name).ok_or_else(|| {
            let names: Vec<&str> = logs.iter().map(|(name, _)| name).collect();
            Error::Argument(format!("there is no `{}` to watch, only {}", self.name, names.join(", ")))
        })
    }

    /// Whether `value` is better than `than` by more than `min_delta`.
    pub fn better(&self, value: f64, than: f64, min_delta: f64) -> Result<bool> {
        let delta = min_delta.abs();
        Ok(if self.maximizes()? { value - delta > than } else { value + delta < than })
    }

    /// Takes a number and says whether it is the best so far.
    pub fn improves(&mut self, value: f64) -> Result<bool> {
        self.improves_by(value, 0.0)
    }

    /// Takes a number and says whether it is better than the best so far by more than `min_delta`.
    pub fn improves_by(&mut self, value: f64, min_delta: f64) -> Result<bool> {
        let better = match self.best {
            None => !value.is_nan(),
            Some(best) => self.better(value, best, min_delta)?,
        };
        if better {
            self.best = Some(value);
        }
        Ok(better)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_tell_the_direction() {
        let maximizes = |name: &str| Monitor::new(name).maximizes();
        assert!(matches!(maximizes("val_loss"), Ok(false)));
        assert!(matches!(maximizes("val_sparse_categorical_accuracy"), Ok(true)));
        assert!(matches!(maximizes("root_mean_squared_error"), Ok(false)));
        assert!(maximizes("gini").is_err());
    }

    #[test]
    fn only_better_is_better() {
        let mut monitor = Monitor::new("loss");
        let improved = [f64::NAN, 2.0, 2.0, 1.0, f64::NAN, 3.0].map(|v| monitor.improves(v).expect("a loss"));
        assert_eq!(improved, [false, true, false, true, false, false]);
    }
}
