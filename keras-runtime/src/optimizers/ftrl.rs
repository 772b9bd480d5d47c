use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, StepInfo, rule, rule_basics};
use crate::optimizers::{MAX_SCALARS, Settings};
use crate::training::options::options;

options! {
    /// "Follow the regularized leader" (learning rate 0.001), for large sparse linear models.
    ///
    /// Source: McMahan et al., "Ad Click Prediction: a View from the Trenches", 2013.
    Ftrl [settings: Settings] {
        /// How the learning rate falls, at most 0 (-0.5).
        learning_rate_power: f64 = -0.5,
        /// What the sum of squares starts as (0.1).
        initial_accumulator_value: f64 = 0.1,
        /// L1 penalty (0).
        l1_regularization_strength: f64 = 0.0,
        /// L2 penalty (0).
        l2_regularization_strength: f64 = 0.0,
        /// L2 penalty on the gradient alone (0).
        l2_shrinkage_regularization_strength: f64 = 0.0,
        /// The paper's beta (0).
        beta: f64 = 0.0,
    }
}
rule!(Ftrl, 0.001);

impl Optimizer for Ftrl {
    rule_basics!(Ftrl);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["accumulator", "linear"]]
    }

    fn initial(&self, slot: &str) -> f64 {
        if slot == "accumulator" { self.initial_accumulator_value } else { 0.0 }
    }

    fn scalars(&self, step: &StepInfo, _: &mut [f64], scalars: &mut [f64; MAX_SCALARS]) {
        scalars[1] = self.l2_regularization_strength + self.beta / (2.0 * step.learning_rate);
    }

    fn rule(&self) -> Option<Rule> {
        let rule = kernels::Ftrl {
            learning_rate_power: self.learning_rate_power,
            l1: self.l1_regularization_strength,
            l2_shrinkage: self.l2_shrinkage_regularization_strength,
        };
        Some(rule.into())
    }
}
