use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, rule, rule_basics};
use crate::optimizers::Settings;
use crate::training::options::options;

options! {
    /// Gradient descent, with momentum or without (learning rate 0.01).
    ///
    /// `w -= lr * g`; with momentum `m = momentum * m - lr * g; w += m`, and with `nesterov`
    /// `w += momentum * m - lr * g`. Source: <https://keras.io/api/optimizers/sgd/>.
    SGD [settings: Settings] {
        /// How much of the last step goes into the next (0).
        momentum: f64 = 0.0,
        /// Whether the gradient is taken to be that of the point ahead (false).
        nesterov: bool = false,
    }
}
rule!(SGD, 0.01);

impl Optimizer for SGD {
    rule_basics!(SGD);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        if self.momentum == 0.0 { vec![] } else { vec![vec!["momentum"]] }
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Sgd { momentum: self.momentum, nesterov: self.nesterov }.into())
    }
}
