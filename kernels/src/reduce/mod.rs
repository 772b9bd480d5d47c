//! Reductions over axes.

pub(crate) mod cpu;
pub(crate) mod engine;
pub(crate) mod fold;
#[cfg(test)]
mod tests;

use crate::{Grad, View};

/// What a reduction computes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Reduce {
    Sum,
    Mean,
    Prod,
    Max,
    Min,
    /// `log(sum(exp(x)))`, computed without overflow.
    LogSumExp,
    /// Index of the first largest (one axis; the output is I32).
    ArgMax,
    /// Index of the first smallest (one axis; the output is I32).
    ArgMin,
}

/// A set of axes of a view (batch dimension included, counted from 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Axes(pub u16);

impl Axes {
    /// No axis.
    pub const NONE: Axes = Axes(0);

    /// These and `axis`.
    #[must_use]
    pub const fn with(self, axis: usize) -> Axes {
        Axes(self.0 | 1 << axis)
    }

    /// Whether `axis` is among them.
    pub const fn has(self, axis: usize) -> bool {
        self.0 >> axis & 1 == 1
    }
}

/// Reductions.
pub trait Reductions {
    /// Reduces `x` over `axes`. `y` has the size of `x` without them (its shape may keep them as 1 or drop them).
    /// Sums are taken in an order that does not depend on the number of threads.
    fn reduce(&self, kind: Reduce, axes: Axes, x: View, y: Grad);
}
