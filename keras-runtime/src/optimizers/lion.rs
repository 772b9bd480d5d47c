use super::{Optimizer, Symbols, Update, rule, rule_basics};
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

    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let (m, g) = (at.slots[0], at.gradient);
        let direction = (m * self.beta_1 + g * (1.0 - self.beta_1)).sign();
        let m = m * self.beta_2 + g * (1.0 - self.beta_2);
        Update { weight: at.weight - direction * at.learning_rate(), slots: vec![m] }
    }
}
