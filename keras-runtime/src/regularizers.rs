//! Regularizers: penalties on weights and on outputs of layers.
//!
//! Source: <https://keras.io/api/layers/regularizers/>.

/// A penalty that is added to the loss.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Regularizer {
    /// `l1 * sum(|w|)`.
    L1 {
        /// Factor (0.01).
        l1: f64,
    },
    /// `l2 * sum(w^2)`.
    L2 {
        /// Factor (0.01).
        l2: f64,
    },
    /// Both.
    L1L2 {
        /// Factor of the absolute values (0).
        l1: f64,
        /// Factor of the squares (0).
        l2: f64,
    },
    /// Penalises rows (or columns) of a matrix for not being orthogonal to each other.
    Orthogonal {
        /// Factor (0.01).
        factor: f64,
        /// Columns instead of rows.
        columns: bool,
    },
}
