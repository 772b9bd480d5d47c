use super::{Optimizer, Symbols, Update, rule, rule_basics};
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

    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let g = at.gradient;
        let mut rest = at.slots[1..].iter();
        let velocity = at.slots[0] * self.rho + g.square() * (1.0 - self.rho);
        let momentum = if self.momentum > 0.0 { rest.next() } else { None };
        let average = rest.next().map(|a| *a * self.rho + g * (1.0 - self.rho));
        let variance = match average {
            Some(average) => velocity - average.square(),
            None => velocity,
        };
        let mut step = g * at.learning_rate() / (variance + self.epsilon).sqrt();
        let mut slots = vec![velocity];
        if let Some(before) = momentum {
            step = *before * self.momentum + step;
            slots.push(step);
        }
        slots.extend(average);
        Update { weight: at.weight - step, slots }
    }
}
