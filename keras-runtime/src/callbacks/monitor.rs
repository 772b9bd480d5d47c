//! Watching one number of the logs: is it better than before?

use super::Training;
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
const SMALL: [&str; 11] =
    ["loss", "error", "mse", "mae", "mape", "msle", "crossentropy", "hinge", "divergence", "poisson", "cosh"];
/// Parts of names of numbers that shall be large.
const LARGE: [&str; 13] = [
    "acc",
    "auc",
    "precision",
    "recall",
    "f1",
    "fbeta",
    "fmeasure",
    "iou",
    "io_u",
    "r2",
    "correlation",
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

    /// The number that is watched; none after an epoch without validation, if it is one of validation.
    pub fn value(&self, callback: &str, at: &Training<'_>) -> Result<Option<f64>> {
        if let Some(value) = at.logs.get(&self.name) {
            return Ok(Some(value));
        }
        let of_validation = self.name.starts_with("val_");
        if of_validation && at.validated == Some(false) {
            return Ok(None);
        }
        let names: Vec<&str> = at.logs.iter().map(|(name, _)| name).collect();
        let hint = match (of_validation, at.validated) {
            (true, None) => "; there are no samples for validation",
            _ => "",
        };
        Err(Error::Argument(format!(
            "{callback}: there is no `{}` to watch, only {}{hint}",
            self.name,
            names.join(", ")
        )))
    }

    /// Whether `value` is better than `than` by more than `min_delta`. As in Keras 32-bit floats are compared: what the last
    /// digits of a sum of decimals say does not count.
    pub fn better(&self, value: f64, than: f64, min_delta: f64) -> Result<bool> {
        let delta = min_delta.abs();
        let than = than as f32;
        Ok(if self.maximizes()? { (value - delta) as f32 > than } else { ((value + delta) as f32) < than })
    }

    /// Whether a number is better than the best so far by more than `min_delta`. What is not a number never is (in Keras it is
    /// if it comes first, and then nothing is better).
    pub fn is_better(&self, value: f64, min_delta: f64) -> Result<bool> {
        match self.best {
            None => Ok(!value.is_nan()),
            Some(best) => self.better(value, best, min_delta),
        }
    }

    /// Takes a number and says whether it is better than the best so far by more than `min_delta`.
    pub fn improves_by(&mut self, value: f64, min_delta: f64) -> Result<bool> {
        let better = self.is_better(value, min_delta)?;
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
        assert!(matches!(maximizes("binary_io_u"), Ok(true)));
        assert!(matches!(maximizes("val_logcosh"), Ok(false)));
        assert!(maximizes("gini").is_err());
        assert!(maximizes("false_positives").is_err());
    }

    #[test]
    fn only_better_is_better() {
        let mut monitor = Monitor::new("loss");
        let improved =
            [f64::NAN, 2.0, 2.0, 1.0, f64::NAN, 3.0].map(|v| monitor.improves_by(v, 0.0).expect("a loss"));
        assert_eq!(improved, [false, true, false, true, false, false]);
    }
}
