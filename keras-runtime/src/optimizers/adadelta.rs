use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, rule, rule_basics};
use crate::optimizers::Settings;
use crate::training::options::options;

options! {
    /// Adadelta (learning rate 0.001): steps scaled by the ratio of running squares of steps and of gradients.
    ///
    /// Source: Zeiler, "ADADELTA: An Adaptive Learning Rate Method", 2012 (where the learning rate is 1).
    Adadelta [settings: Settings] {
        /// Decay of both means (0.95).
        rho: f64 = 0.95,
        /// Keeps the roots from zero (1e-7).
        epsilon: f64 = 1e-7,
    }
}
rule!(Adadelta, 0.001);

impl Optimizer for Adadelta {
    rule_basics!(Adadelta);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["accumulated_grad", "accumulated_delta_var"]]
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Adadelta { rho: self.rho, epsilon: self.epsilon }.into())
    }
}
