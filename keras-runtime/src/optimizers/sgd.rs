use super::{Optimizer, StepInfo, Symbols, Update, rule, rule_basics};
use crate::optimizers::{MAX_SCALARS, Settings};
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

    fn scalars(&self, _: &StepInfo, _: &mut [f64], _: &mut [f64; MAX_SCALARS]) {}

    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let step = at.gradient * at.learning_rate();
        let Some(before) = at.slots.first() else {
            return Update { weight: at.weight - step, slots: vec![] };
        };
        let momentum = *before * self.momentum - step;
        let ahead = if self.nesterov { momentum * self.momentum - step } else { momentum };
        Update { weight: at.weight + ahead, slots: vec![momentum] }
    }
}
