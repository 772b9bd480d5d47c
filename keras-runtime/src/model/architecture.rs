//! What `model!` implements.

use crate::engine::{GraphSpec, Network, Run};
use crate::model::{Access, Ports};

/// A model in source: implemented by `model!`, never by hand.
pub trait Architecture: Sized + 'static {
    /// Data that it takes: a [`crate::model::Batch`], or a tuple of them.
    type Input: Ports;
    /// Data that it yields.
    type Output: Ports;
    /// Typed access to its layers; what [`crate::model::Model`] dereferences to.
    type Layers: Access<Network>;

    /// The graph.
    const GRAPH: &'static GraphSpec;
    /// Trainable numbers.
    const PARAMS: usize;
    /// 32-bit floats per sample that the values of a forward pass take.
    const PEAK: usize;
    /// 32-bit floats per sample that values, what backward keeps, and gradients take in a training step.
    const TRAIN_PEAK: usize;

    /// Runs the calls forward from number `at` on; returns the number after the last.
    fn forward(run: &Run<'_>, at: usize) -> usize;
    /// Runs the calls before number `at` backward; returns the number of the first.
    fn backward(run: &Run<'_>, at: usize) -> usize;
}
