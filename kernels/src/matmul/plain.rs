//! The plain product: the oracle of the fast one, and what odd layouts of C fall back to.

use super::{Gemm, Strides};
use crate::{Element, Float};

/// C's rows `rows`, one element after the other. Pointers are those of one product of the batch.
///
/// # Safety
/// Every element that the strides reach lies in memory that the caller may read (A, B) or alone writes (C).
pub(super) unsafe fn product<T: Float>(
    gemm: &Gemm,
    a: *const T,
    b: *const T,
    bias: Option<&[T]>,
    c: *mut T,
    add: bool,
) {
    let alpha = <T as Element>::from_f64(gemm.alpha);
    let at = |s: &Strides, i: usize, j: usize| i * s.row + j * s.col;
    for i in 0..gemm.m {
        for j in 0..gemm.n {
            let mut sum = T::zero();
            for l in 0..gemm.k {
                // SAFETY: by the function's contract.
                sum += unsafe { *a.add(at(&gemm.a, i, l)) * *b.add(at(&gemm.b, l, j)) };
            }
            let sum = alpha * sum + bias.map_or(T::zero(), |bias| bias[j]);
            // SAFETY: as above.
            let to = unsafe { &mut *c.add(at(&gemm.c, i, j)) };
            *to = if add { *to + sum } else { sum };
        }
    }
}
