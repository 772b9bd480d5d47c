//! Counter-based random numbers: Philox4x32-10.
//!
//! A number depends on a key and a counter alone, so the same seed gives the same bytes on one thread, on many,
//! and on another device. Source: Salmon et al., "Parallel Random Numbers: As Easy as 1, 2, 3", SC 2011.

mod cpu;
pub(crate) mod philox;
#[cfg(test)]
mod tests;

use crate::{Grad, Shape, View};

/// A stream of random numbers: element `i` of it is a function of these and of `i`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stream {
    /// The seed.
    pub seed: u64,
    /// Which user of the seed: a node of a graph, a weight, an epoch's shuffle.
    pub id: u32,
    /// Which use: the training step.
    pub step: u32,
}

/// Random kernels.
pub trait Random {
    /// Uniform numbers in `low..high`.
    fn uniform(&self, stream: Stream, low: f64, high: f64, to: View);

    /// Normal numbers; with `truncated`, those beyond two standard deviations are drawn again (`stddev` is that of
    /// the distribution before it is cut).
    fn normal(&self, stream: Stream, mean: f64, stddev: f64, truncated: bool, to: View);

    /// `y = x / (1 - rate)` with probability `1 - rate`, else 0; the gradient is the same function of `dy`.
    /// `noise` is the shape of the draw, broadcast to that of `x` (1 where elements share their fate).
    fn dropout(&self, stream: Stream, rate: f64, noise: Shape, x: View, y: Grad);
}
