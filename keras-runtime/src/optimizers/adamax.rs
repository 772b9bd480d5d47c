use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, StepInfo, rule, rule_basics};
use crate::optimizers::{MAX_SCALARS, Settings};
use crate::training::options::options;

options! {
    /// Adamax (learning rate 0.001): Adam with the infinity norm.
    ///
    /// Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", section 7.1, 2014.
    Adamax [settings: Settings] {
        /// Decay of the first moment (0.9).
        beta_1: f64 = 0.9,
        /// Decay of the norm (0.999).
        beta_2: f64 = 0.999,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
    }
}
rule!(Adamax, 0.001);

impl Optimizer for Adamax {
    rule_basics!(Adamax);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["momentum", "norm"]]
    }

    fn scalars(&self, step: &StepInfo, _: &mut [f64], scalars: &mut [f64; MAX_SCALARS]) {
        scalars[1] = step.learning_rate / (1.0 - self.beta_1.powf((step.iterations + 1) as f64));
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Adamax { beta_1: self.beta_1, beta_2: self.beta_2, epsilon: self.epsilon }.into())
    }
}
