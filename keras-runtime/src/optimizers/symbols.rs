//! Rules on symbols: the same source as the kernels', or a formula of one's own.

use keras_kernels::elementwise::Unary;
use keras_kernels::optimizer::{At, MAX_SLOTS, Number, Rule};

use super::MAX_SCALARS;
use crate::training::formula::{Expr, Tape};

/// A weight, its gradient, its slots and the step's numbers, as values of a formula.
pub struct Symbols<'t> {
    /// The weight.
    pub weight: Expr<'t>,
    /// Its gradient.
    pub gradient: Expr<'t>,
    /// Its slots, in the order of [`Optimizer::slots`](super::Optimizer::slots).
    pub slots: Vec<Expr<'t>>,
    /// The numbers that [`Optimizer::scalars`](super::Optimizer::scalars) filled in; the first is the learning rate.
    pub scalars: [Expr<'t>; MAX_SCALARS],
}

impl<'t> Symbols<'t> {
    /// The learning rate.
    pub fn learning_rate(&self) -> Expr<'t> {
        self.scalars[0]
    }

    /// The tape.
    pub fn tape(&self) -> &'t Tape {
        self.weight.tape()
    }
}

/// What a rule yields.
pub struct Update<'t> {
    /// The new weight.
    pub weight: Expr<'t>,
    /// The new slots, in order.
    pub slots: Vec<Expr<'t>>,
}

/// A kernel's rule as a formula.
pub(super) fn formula<'t>(rule: &Rule, at: &Symbols<'t>) -> Update<'t> {
    let mut slots = [at.weight; MAX_SLOTS];
    slots[..rule.slots()].copy_from_slice(&at.slots);
    let next = rule.update(&At { weight: at.weight, gradient: at.gradient, slots, scalars: at.scalars });
    Update { weight: next.weight, slots: next.slots[..rule.slots()].to_vec() }
}

impl Number for Expr<'_> {
    fn abs(self) -> Self {
        self.unary(Unary::Abs)
    }
    fn sign(self) -> Self {
        self.unary(Unary::Sign)
    }
    fn square(self) -> Self {
        self.unary(Unary::Square)
    }
    fn sqrt(self) -> Self {
        self.unary(Unary::Sqrt)
    }
    fn power(self, exponent: f64) -> Self {
        self.pow(self.constant(exponent))
    }
    fn larger(self, other: Self) -> Self {
        self.max(other)
    }
    fn between(self, low: f64, high: f64) -> Self {
        self.clip(low, high)
    }
}
