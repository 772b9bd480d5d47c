//! Constraints: what a weight is projected onto after each step.
//!
//! Source: <https://keras.io/api/layers/constraints/>.

use crate::plan::Ints;

/// A projection.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Constraint {
    /// Negative numbers become 0.
    NonNeg,
    /// Norms along `axes` at most `max_value`.
    MaxNorm {
        /// Largest norm (2).
        max_value: f64,
        /// Axes of the weight (0).
        axes: Ints,
    },
    /// Norms along `axes` between two bounds, approached at `rate`.
    MinMaxNorm {
        /// Smallest norm (0).
        min_value: f64,
        /// Largest norm (1).
        max_value: f64,
        /// How far a step goes (1).
        rate: f64,
        /// Axes of the weight (0).
        axes: Ints,
    },
    /// Norms along `axes` of 1.
    UnitNorm {
        /// Axes of the weight (0).
        axes: Ints,
    },
}
