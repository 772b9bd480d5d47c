//! The plain product: the oracle of every fast one.

use super::Gemm;
use crate::cpu::threads;
use crate::{Float, Grad, View};

/// Row by row, along the columns of B; one task a row of C.
pub(super) fn plain<T: Float>(gemm: &Gemm, a: View, b: View, bias: Option<View>, c: Grad) {
    let Gemm { m, n, k, .. } = *gemm;
    let alpha = T::from_f64(gemm.alpha);
    let (pa, pb, pc) = (a.address() as usize, b.address() as usize, c.view.address() as usize);
    // SAFETY: a view is valid for its size; nobody writes to the bias.
    let bias: Option<&[T]> = bias.map(|bias| unsafe { bias.slice() });
    let products = gemm.batch[0] * gemm.batch[1];
    threads::tasks(products * m, products * m * n * k, |task| {
        let (product, i) = (task / m, task % m);
        let (outer, inner) = (product / gemm.batch[1], product % gemm.batch[1]);
        let start = |s: &super::Strides| outer * s.batch[0] + inner * s.batch[1];
        let (a, b, c0) = (pa as *const T, pb as *const T, pc as *mut T);
        for j in 0..n {
            let mut sum = T::zero();
            for l in 0..k {
                // SAFETY: the strides stay inside the views, as the trait demands; tasks write to rows of their own.
                let (x, y) = unsafe {
                    (
                        *a.add(start(&gemm.a) + i * gemm.a.row + l * gemm.a.col),
                        *b.add(start(&gemm.b) + l * gemm.b.row + j * gemm.b.col),
                    )
                };
                sum += x * y;
            }
            let sum = alpha * sum + bias.map_or(T::zero(), |bias| bias[j]);
            // SAFETY: as above.
            let to = unsafe { &mut *c0.add(start(&gemm.c) + i * gemm.c.row + j * gemm.c.col) };
            *to = if c.adds() { *to + sum } else { sum };
        }
    });
}
