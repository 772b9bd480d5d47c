//! Rows of a table by index, and the gradient of that.

mod cpu;
#[cfg(test)]
mod tests;

use crate::{Grad, View};

/// Gather and scatter.
pub trait Gather {
    /// `y[i, :] = table[ids[i], :]` for a table of shape `[rows, width]` and integer `ids` of any shape (or floats,
    /// truncated). An index out of range gives NaN, as in Keras on JAX; a negative one counts from the end.
    fn gather(&self, table: View, ids: View, y: View);

    /// `dtable[ids[i], :] += dy[i, :]`, in the order of `i` on any number of threads; rows that do not occur get
    /// zero if `dtable` is written.
    fn scatter_add(&self, ids: View, dy: View, dtable: Grad);

    /// `y[i, :]` is zero but for a one at `ids[i]`, for integer `ids` of any shape (or floats, truncated). An index out of range
    /// gives zeros alone, as in Keras on JAX, and so does a negative one.
    fn one_hot(&self, ids: View, y: View);
}
