//! Softmax of contiguous rows.

use crate::Mode;
use crate::cpu::math::{Real, fmax};
use crate::cpu::raw::{BLOCK, Raw, store};
use crate::cpu::simd::{Kernel, Level};

/// Partial results that run side by side in vector registers.
const LANES: usize = 16;

/// Rows up to this length are done several at a time.
const SHORT: usize = 64;

/// Largest element of a row.
#[inline(always)]
pub(crate) fn row_max<T: Real>(row: &[T]) -> T {
    let mut lanes = [T::neg_infinity(); LANES];
    let mut chunks = row.chunks_exact(LANES);
    for chunk in &mut chunks {
        for i in 0..LANES {
            lanes[i] = fmax(lanes[i], chunk[i]);
        }
    }
    let rest = chunks.remainder().iter().fold(T::neg_infinity(), |a, b| fmax(a, *b));
    lanes.iter().fold(rest, |a, b| fmax(a, *b))
}

/// `sum(f(i))` over `0..n` in a fixed order of lanes.
#[inline(always)]
pub(crate) fn lane_sum<T: Real>(n: usize, mut f: impl FnMut(usize) -> T) -> T {
    let mut lanes = [T::zero(); LANES];
    let full = n / LANES * LANES;
    let mut at = 0;
    while at < full {
        for i in 0..LANES {
            lanes[i] += f(at + i);
        }
        at += LANES;
    }
    let mut rest = T::zero();
    for i in full..n {
        rest += f(i);
    }
    lanes.iter().fold(rest, |a, b| a + *b)
}

/// `softmax` of rows `start..end`, or `log_softmax`.
pub(super) struct Forward<T> {
    pub x: Raw<T>,
    pub y: Raw<T>,
    pub n: usize,
    pub start: usize,
    pub end: usize,
    pub log: bool,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        if self.n <= SHORT {
            return self.short_rows::<L>();
        }
        for row in self.start..self.end {
            // SAFETY: a row that this task alone touches; `x` is done with before `y` is made.
            let max = row_max(unsafe { self.x.slice(row * self.n, self.n) });
            for i in row * self.n..(row + 1) * self.n {
                // SAFETY: as above; element by element, since they may be the same memory.
                unsafe { self.y.set(i, self.x.get(i) - max) };
            }
            // SAFETY: as above.
            let y = unsafe { self.y.slice_mut(row * self.n, self.n) };
            if self.log {
                let sum = lane_sum(y.len(), |i| y[i].fexp::<L>()).flog::<L>();
                y.iter_mut().for_each(|y| *y -= sum);
            } else {
                y.iter_mut().for_each(|y| *y = y.fexp::<L>());
                let scale = lane_sum(y.len(), |i| y[i]).recip();
                y.iter_mut().for_each(|y| *y *= scale);
            }
        }
    }
}

impl<T: Real> Forward<T> {
    /// Several rows at a time, so that the exponentials fill vector registers.
    #[inline(always)]
    fn short_rows<L: Level>(self) {
        let n = self.n;
        let per_block = BLOCK / n.max(1);
        let (mut shifted, mut powers) = ([T::zero(); BLOCK], [T::zero(); BLOCK]);
        for first in (self.start..self.end).step_by(per_block) {
            let len = per_block.min(self.end - first) * n;
            // SAFETY: rows that this task alone touches; `x` is done with before `y` is made.
            let x = unsafe { self.x.slice(first * n, len) };
            let (shifted, powers) = (&mut shifted[..len], &mut powers[..len]);
            for (to, x) in shifted.chunks_exact_mut(n).zip(x.chunks_exact(n)) {
                let max = x.iter().fold(T::neg_infinity(), |a, b| fmax(a, *b));
                to.iter_mut().zip(x).for_each(|(to, x)| *to = *x - max);
            }
            powers.iter_mut().zip(&*shifted).for_each(|(p, s)| *p = s.fexp::<L>());
            // SAFETY: as above.
            let y = unsafe { self.y.slice_mut(first * n, len) };
            let rows = y.chunks_exact_mut(n).zip(shifted.chunks_exact(n).zip(powers.chunks_exact(n)));
            for (y, (shifted, powers)) in rows {
                let sum = powers.iter().fold(T::zero(), |a, b| a + *b);
                if self.log {
                    let log = sum.flog::<L>();
                    y.iter_mut().zip(shifted).for_each(|(y, s)| *y = *s - log);
                } else {
                    let scale = sum.recip();
                    y.iter_mut().zip(powers).for_each(|(y, p)| *y = *p * scale);
                }
            }
        }
    }
}

/// Gradient of rows `start..end`.
pub(super) struct Backward<T> {
    pub y: Raw<T>,
    pub dy: Raw<T>,
    pub dx: Raw<T>,
    pub mode: Mode,
    pub n: usize,
    pub start: usize,
    pub end: usize,
    pub log: bool,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let mut out = [T::default(); BLOCK];
        for row in self.start..self.end {
            // SAFETY: a row that this task alone touches, not written until the sum is known.
            let (y, dy) =
                unsafe { (self.y.slice(row * self.n, self.n), self.dy.slice(row * self.n, self.n)) };
            let sum = lane_sum(self.n, |i| if self.log { dy[i] } else { y[i] * dy[i] });
            let mut at = row * self.n;
            while at < (row + 1) * self.n {
                let len = BLOCK.min((row + 1) * self.n - at);
                // SAFETY: a block of that row; read here, written below.
                let (y, dy) = unsafe { (self.y.slice(at, len), self.dy.slice(at, len)) };
                let out = &mut out[..len];
                for i in 0..len {
                    out[i] = if self.log { dy[i] - y[i].fexp::<L>() * sum } else { y[i] * (dy[i] - sum) };
                }
                // SAFETY: `y` and `dy` are not used any more.
                store(out, unsafe { self.dx.slice_mut(at, len) }, self.mode);
                at += len;
            }
        }
    }
}
