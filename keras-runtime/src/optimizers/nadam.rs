use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, StepInfo, rule, rule_basics};
use crate::optimizers::{MAX_SCALARS, Settings};
use crate::training::options::options;

options! {
    /// Nadam (learning rate 0.001): Adam with Nesterov momentum.
    ///
    /// Source: Dozat, "Incorporating Nesterov Momentum into Adam", 2015.
    Nadam [settings: Settings] {
        /// Decay of the first moment (0.9).
        beta_1: f64 = 0.9,
        /// Decay of the second moment (0.999).
        beta_2: f64 = 0.999,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
    }
}
rule!(Nadam, 0.001);

impl Optimizer for Nadam {
    rule_basics!(Nadam);

    fn slots(&self) -> Vec<Vec<&'static str>> {
        vec![vec!["momentum", "velocity"]]
    }

    fn extras(&self) -> Vec<(&'static str, f64)> {
        // The running product of the momentum's schedule. Keras leaves it without a name.
        vec![("variable", 1.0)]
    }

    fn scalars(&self, step: &StepInfo, extras: &mut [f64], scalars: &mut [f64; MAX_SCALARS]) {
        let t = (step.iterations + 1) as f64;
        let momentum = |t: f64| self.beta_1 * (1.0 - 0.5 * 0.96_f64.powf(t));
        let (now, next) = (momentum(t), momentum(t + 1.0));
        extras[0] *= now;
        let product = extras[0];
        scalars[1] = next / (1.0 - product * next);
        scalars[2] = (1.0 - now) / (1.0 - product);
        scalars[3] = 1.0 / (1.0 - self.beta_2.powf(t));
    }

    fn rule(&self) -> Option<Rule> {
        Some(kernels::Nadam { beta_1: self.beta_1, beta_2: self.beta_2, epsilon: self.epsilon }.into())
    }
}
