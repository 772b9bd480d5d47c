//! Matrix products: `C = activation(alpha * A B + bias)`, batched, any strides.

pub(crate) mod cpu;
mod cut;
mod epilogue;
pub(crate) mod pack;
pub(crate) mod passes;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;
pub(crate) mod tile;

pub use epilogue::Epilogue;

use crate::activation::Activation;
use crate::{Grad, View};

/// How one operand's elements lie: distances in elements.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Strides {
    /// From one matrix to the next, along the two batch dimensions (0 repeats the matrix).
    pub batch: [usize; 2],
    /// From row to row.
    pub row: usize,
    /// From column to column.
    pub col: usize,
}

impl Strides {
    /// Row-major, `cols` columns.
    pub const fn rows(cols: usize) -> Strides {
        Strides { batch: [0, 0], row: cols, col: 1 }
    }

    /// The transpose of a row-major matrix: stored with `rows` columns.
    pub const fn transposed(rows: usize) -> Strides {
        Strides { batch: [0, 0], row: 1, col: rows }
    }

    /// With these batch strides.
    #[must_use]
    pub const fn batched(mut self, outer: usize, inner: usize) -> Strides {
        self.batch = [outer, inner];
        self
    }
}

/// A product of `m` x `k` by `k` x `n` matrices, `batch[0] * batch[1]` times.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Gemm {
    /// Two batch dimensions; `[1, 1]` for one product.
    pub batch: [usize; 2],
    /// Rows of A and C.
    pub m: usize,
    /// Columns of B and C.
    pub n: usize,
    /// Columns of A, rows of B.
    pub k: usize,
    /// Factor.
    pub alpha: f64,
    /// Layout of A.
    pub a: Strides,
    /// Layout of B.
    pub b: Strides,
    /// Layout of C.
    pub c: Strides,
    /// B is what [`Matmul::pack_b`] made: only the batch strides of its layout count.
    pub packed: bool,
}

impl Gemm {
    /// One product of row-major matrices.
    pub const fn new(m: usize, n: usize, k: usize) -> Gemm {
        Gemm {
            batch: [1, 1],
            m,
            n,
            k,
            alpha: 1.0,
            a: Strides::rows(k),
            b: Strides::rows(n),
            c: Strides::rows(n),
            packed: false,
        }
    }

    /// A is stored transposed, as a row-major `k` x `m` matrix.
    #[must_use]
    pub const fn a_transposed(mut self) -> Gemm {
        self.a = Strides::transposed(self.m);
        self
    }

    /// B is stored transposed, as a row-major `n` x `k` matrix.
    #[must_use]
    pub const fn b_transposed(mut self) -> Gemm {
        self.b = Strides::transposed(self.k);
        self
    }

    /// B is packed; with a batch, packed matrices are so far apart along its two dimensions (0 repeats the matrix).
    #[must_use]
    pub const fn b_packed(mut self, batch: [usize; 2]) -> Gemm {
        self.b = Strides { batch, row: 0, col: 0 };
        self.packed = true;
        self
    }
}

/// Elements of a packed `k` x `n` matrix: enough on every machine.
///
/// ```
/// assert_eq!(keras_kernels::matmul::packed_len(40, 10), 10 * 64);
/// ```
pub const fn packed_len(n: usize, k: usize) -> usize {
    n.next_multiple_of(tile::MAX_COLS).saturating_mul(k)
}

/// Matrix products.
pub trait Matmul {
    /// `C = activation(alpha * A B + bias)`, or `C += alpha * A B` if `c` adds (then `bias` must be `None` and
    /// `activation` linear). `bias` has `n` elements, one a column. Operands start at their view's start; their
    /// shapes are not looked at, only that every element the strides reach lies inside.
    fn gemm(&self, gemm: &Gemm, a: View, b: View, bias: Option<View>, activation: Activation, c: Grad);

    /// `C` is what `epilogue` makes of `alpha * A B`. What it adds lies as C does; its scale demands an `alpha` of 1.
    fn gemm_fused(&self, gemm: &Gemm, a: View, b: View, epilogue: &Epilogue, c: View);

    /// Packs the `k` x `n` matrix B, which lies in `from` as `layout` says (its batch strides do not count), in the order in which
    /// products read it. `to` has [`packed_len`] elements. A product with a packed B ([`Gemm::b_packed`]) has the bits of that with B
    /// itself; it pays where B meets several products of few rows. What is packed is for this device and these sizes alone.
    fn pack_b(&self, n: usize, k: usize, layout: Strides, from: View, to: View);
}
