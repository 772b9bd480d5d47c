use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, rule, rule_basics};
use crate::optimizers::Settings;
use crate::training::options::options;

options! {
    /// Lion (learning rate 0.001): steps of equal size along the sign of the momentum.
    ///
    /// Source: Chen et al., "Symbolic Discovery of Optimization Algorithms", 2023.
    Lion [settings: Settings] {
        /// Share of the momentum in a step (0.9).
        beta_1: f64 = 0.9,
        /// Decay of the momentum (0.99).
        beta_2: f64 = 0.99,
    }
}
rule!(Lion, 0.001);

impl Optimizer for Lion {
    rule_basics!(Lion);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["momentum"]]
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Lion { beta_1: self.beta_1, beta_2: self.beta_2 }.into())
    }
}
