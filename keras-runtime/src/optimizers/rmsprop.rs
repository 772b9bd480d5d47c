use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, rule, rule_basics};
use crate::optimizers::Settings;
use crate::training::options::options;

options! {
    /// RMSprop (learning rate 0.001): steps divided by a running root mean square of the gradient.
    ///
    /// Source: Hinton, "Neural Networks for Machine Learning", lecture 6e, 2012.
    RMSprop [settings: Settings] {
        /// Decay of the mean square (0.9).
        rho: f64 = 0.9,
        /// How much of the last step goes into the next (0).
        momentum: f64 = 0.0,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
        /// Whether the variance is used instead of the mean square (false).
        centered: bool = false,
    }
}
rule!(RMSprop, 0.001);

impl Optimizer for RMSprop {
    rule_basics!(RMSprop);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        let mut slots = vec![vec!["velocity"]];
        if self.momentum > 0.0 {
            slots.push(vec!["momentum"]);
        }
        if self.centered {
            slots.push(vec!["average_gradient"]);
        }
        slots
    }

    fn rule(&self) -> Option<Rule> {
        let RMSprop { rho, momentum, epsilon, centered, .. } = *self;
        Some(kernels::RmsProp { rho, momentum, epsilon, centered }.into())
    }
}
