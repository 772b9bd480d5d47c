//! Moving elements: transpose, slice, concatenate, pad, repeat and their gradients are one strided copy.

mod cpu;
mod nest;
#[cfg(test)]
mod tests;
mod transpose;

use crate::{Grad, MAX_RANK, Shape, View};

/// A walk over `shape`, with an offset and strides (in elements) on both sides.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    /// How far it goes along each dimension.
    pub shape: Shape,
    /// First element read.
    pub from: usize,
    /// Steps on the side that is read; 0 repeats.
    pub from_strides: [isize; MAX_RANK],
    /// First element written.
    pub to: usize,
    /// Steps on the side that is written; 0 sums (with a `Grad` that adds, or one that writes: the sum starts at
    /// zero).
    pub to_strides: [isize; MAX_RANK],
}

/// Copies.
pub trait Layout {
    /// Copies along a walk. With strides of 0 on the written side, elements are summed. Elements outside the walk
    /// keep their value. The element types must agree; integers can be written but not added.
    fn walk(&self, walk: &Walk, from: View, to: Grad);

    /// Sets every element.
    fn fill(&self, value: f64, to: View);

    /// Converts the element type (as Rust's `as`; to bool: not zero).
    fn cast(&self, from: View, to: View);
}
