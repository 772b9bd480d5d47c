//! Optimizer updates: one pass over a stretch of the flat buffers.
//!
//! A pass reads the gradient, the weight and the slots, and writes the weight and the slots; scaling and clipping of the gradient and
//! decay of the weight are part of it. `rules.rs` has the rules, each written once over any kind of [`Number`]: the CPU runs them on
//! floats, and whoever wants the formula runs them on symbols.

mod cpu;
mod number;
mod rules;
#[cfg(test)]
mod tests;

pub use number::Number;
pub use rules::{Adadelta, Adagrad, Adam, Adamax, At, Ftrl, Lion, Nadam, Next, RmsProp, Rule, Sgd, Update};

use crate::View;

/// Most slots of a rule.
pub const MAX_SLOTS: usize = 3;

/// Most numbers that a rule is given with each step.
pub const MAX_SCALARS: usize = 8;

/// What happens before the rule: `g = clip(g * scale)`, `w = w - w * decay`.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Before {
    /// The gradient is multiplied by this first: clipping by norm, averaging of accumulated gradients.
    pub scale: f64,
    /// Then it is kept between minus this and this (infinite for not at all).
    pub clip: f64,
    /// Share of the weight that is taken away (0 for none).
    pub decay: f64,
}

impl Before {
    /// Nothing.
    pub const NOTHING: Before = Before { scale: 1.0, clip: f64::INFINITY, decay: 0.0 };
}

/// Optimizer passes.
pub trait Optimizers {
    /// Updates `weights` and `slots` in place. All views are flat and of the same length and float type; `scalars` are the step's
    /// numbers ([`At::scalars`]).
    ///
    /// # Panics
    /// If sizes differ, or the rule has another number of slots.
    fn update(
        &self,
        rule: &Rule,
        before: &Before,
        scalars: &[f64; MAX_SCALARS],
        weights: View,
        grads: View,
        slots: &[View],
    );
}
