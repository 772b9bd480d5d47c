use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, rule, rule_basics};
use crate::optimizers::Settings;
use crate::training::options::options;

options! {
    /// Adagrad (learning rate 0.001): steps divided by the root of all squared gradients so far.
    ///
    /// Source: Duchi, Hazan and Singer, "Adaptive Subgradient Methods for Online Learning", 2011.
    Adagrad [settings: Settings] {
        /// What the sum of squares starts as (0.1).
        initial_accumulator_value: f64 = 0.1,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
    }
}
rule!(Adagrad, 0.001);

impl Optimizer for Adagrad {
    rule_basics!(Adagrad);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["accumulator"]]
    }

    fn initial(&self, _: &str) -> f64 {
        self.initial_accumulator_value
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Adagrad { epsilon: self.epsilon }.into())
    }
}
