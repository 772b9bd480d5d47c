//! Matrix products: `C = activation(alpha * A B + bias)`, batched, any strides.

pub(crate) mod cpu;
pub(crate) mod pack;
#[cfg(test)]
mod plain;
#[cfg(test)]
mod tests;
pub(crate) mod tile;

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
}

/// Matrix products.
pub trait Matmul {
    /// `C = activation(alpha * A B + bias)`, or `C += alpha * A B` if `c` adds (then `bias` must be `None` and
    /// `activation` linear). `bias` has `n` elements, one a column. Operands start at their view's start; their
    /// shapes are not looked at, only that every element the strides reach lies inside.
    fn gemm(&self, gemm: &Gemm, a: View, b: View, bias: Option<View>, activation: Activation, c: Grad);
}
