//! Softmax and log-softmax along one axis.

mod columns;
mod cpu;
pub(crate) mod rows;
#[cfg(test)]
mod tests;

use crate::{Grad, View};

/// Softmax.
pub trait Softmax {
    /// `y = exp(x - max) / sum(exp(x - max))` along `axis` (0 is the batch); in place if `x` and `y` are the same
    /// memory.
    fn softmax(&self, x: View, axis: usize, y: View);

    /// `dx = y * (dy - sum(y * dy))`. `dx` may be the same memory as `dy` if it is written.
    fn softmax_grad(&self, y: View, dy: View, axis: usize, dx: Grad);

    /// `y = x - logsumexp(x)` along `axis`.
    fn log_softmax(&self, x: View, axis: usize, y: View);

    /// `dx = dy - exp(y) * sum(dy)`.
    fn log_softmax_grad(&self, y: View, dy: View, axis: usize, dx: Grad);
}
