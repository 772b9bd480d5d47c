//! Max and average pooling in one to three spatial dimensions, channels last, with their gradients.

mod cpu;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;

use crate::conv::MAX_SPATIAL;
use crate::{Grad, View};

/// What a window yields.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum PoolKind {
    /// The largest element.
    Max,
    /// The mean of the elements that are in the input (padding does not count).
    Average,
}

/// A pooling's geometry. Entries beyond `rank` are 1 (padding: 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pool {
    /// What a window yields.
    pub kind: PoolKind,
    /// Spatial dimensions.
    pub rank: usize,
    /// Samples.
    pub batch: usize,
    /// Input size.
    pub input: [usize; MAX_SPATIAL],
    /// Output size.
    pub output: [usize; MAX_SPATIAL],
    /// Window size.
    pub window: [usize; MAX_SPATIAL],
    /// Step of the window.
    pub strides: [usize; MAX_SPATIAL],
    /// Padding before the input (that after it follows from the output size).
    pub padding: [usize; MAX_SPATIAL],
    /// Channels.
    pub channels: usize,
}

/// Pooling. Layouts: `x [batch, input.., channels]`, `y [batch, output.., channels]`.
pub trait Pooling {
    /// `y` from `x`.
    fn pool(&self, pool: &Pool, x: View, y: View);

    /// The gradient of `x`. Of equal largest elements the first of a window, row by row, gets it, as in XLA.
    fn pool_grad(&self, pool: &Pool, x: View, y: View, dy: View, dx: Grad);
}
