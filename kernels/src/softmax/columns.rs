//! Softmax down the columns of a block: every row of the block is a vector operation.

use crate::Mode;
use crate::cpu::math::{Real, fmax};
use crate::cpu::raw::{Raw, store};
use crate::cpu::simd::{Kernel, Level};

/// Columns of a block.
pub(super) const COLUMNS: usize = 64;

/// `softmax` of `width` columns from `base`, `step` elements from row to row; or `log_softmax`.
pub(super) struct Forward<T> {
    pub x: Raw<T>,
    pub y: Raw<T>,
    pub base: usize,
    pub step: usize,
    pub n: usize,
    pub width: usize,
    pub log: bool,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Forward { x, y, base, step, n, width, log } = self;
        let (mut max, mut sum) = ([T::neg_infinity(); COLUMNS], [T::zero(); COLUMNS]);
        let (max, sum) = (&mut max[..width], &mut sum[..width]);
        for j in 0..n {
            // SAFETY: a row of the block that this task alone touches.
            let x = unsafe { x.slice(base + j * step, width) };
            for i in 0..width {
                max[i] = fmax(max[i], x[i]);
            }
        }
        for j in 0..n {
            let mut shifted = [T::zero(); COLUMNS];
            // SAFETY: as above.
            let x = unsafe { x.slice(base + j * step, width) };
            for i in 0..width {
                shifted[i] = x[i] - max[i];
            }
            // SAFETY: as above; `x` is not used any more.
            let y = unsafe { y.slice_mut(base + j * step, width) };
            for i in 0..width {
                let e = shifted[i].fexp::<L>();
                sum[i] += e;
                y[i] = if log { shifted[i] } else { e };
            }
        }
        for s in sum.iter_mut() {
            *s = if log { s.flog::<L>() } else { s.recip() };
        }
        for j in 0..n {
            // SAFETY: as above.
            let y = unsafe { y.slice_mut(base + j * step, width) };
            for i in 0..width {
                y[i] = if log { y[i] - sum[i] } else { y[i] * sum[i] };
            }
        }
    }
}

/// Gradient of `width` columns from `base`.
pub(super) struct Backward<T> {
    pub y: Raw<T>,
    pub dy: Raw<T>,
    pub dx: Raw<T>,
    pub mode: Mode,
    pub base: usize,
    pub step: usize,
    pub n: usize,
    pub width: usize,
    pub log: bool,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Backward { y, dy, dx, mode, base, step, n, width, log } = self;
        let mut sum = [T::zero(); COLUMNS];
        // SAFETY: a row of the block that this task alone touches; read before it is written.
        let row = |j: usize| unsafe { (y.slice(base + j * step, width), dy.slice(base + j * step, width)) };
        for j in 0..n {
            let (y, dy) = row(j);
            for i in 0..width {
                sum[i] += if log { dy[i] } else { y[i] * dy[i] };
            }
        }
        let mut out = [T::zero(); COLUMNS];
        for j in 0..n {
            let (y, dy) = row(j);
            for i in 0..width {
                out[i] = if log { dy[i] - y[i].fexp::<L>() * sum[i] } else { y[i] * (dy[i] - sum[i]) };
            }
            // SAFETY: as above; the slices that were read are not used any more.
            store(&out[..width], unsafe { dx.slice_mut(base + j * step, width) }, mode);
        }
    }
}
