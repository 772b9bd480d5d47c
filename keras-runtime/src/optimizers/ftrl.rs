use super::{Optimizer, Symbols, Update, rule, rule_basics};
use crate::optimizers::Settings;
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

    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let (w, g, lr) = (at.weight, at.gradient, at.learning_rate());
        let (sum, linear) = (at.slots[0], at.slots[1]);
        let root = |x: crate::training::formula::Expr<'t>| match self.learning_rate_power {
            -0.5 => x.sqrt(),
            power => x.pow(x.constant(-power)),
        };
        let shrunk = g + w * (2.0 * self.l2_shrinkage_regularization_strength);
        let new_sum = sum + g.square();
        let linear = linear + shrunk - (root(new_sum) - root(sum)) / lr * w;
        let l2 = self.l2_regularization_strength + self.beta / (lr * 2.0);
        let quadratic = root(new_sum) / lr + 2.0 * l2;
        let l1 = self.l1_regularization_strength;
        let weight = (linear.clip(-l1, l1) - linear) / quadratic;
        Update { weight, slots: vec![new_sum, linear] }
    }
}
