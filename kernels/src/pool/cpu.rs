//! Pooling window by window, all channels of a place at once.

use super::{Pool, PoolKind, Pooling};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::{Cpu, Grad, View, with_float};

/// Channels whose gradients wait on the stack.
const CHANNELS: usize = 128;

impl Pooling for Cpu {
    fn pool(&self, pool: &Pool, x: View, y: View) {
        with_float!(y.dtype(), T => forward::<T>(pool, x, y));
    }

    fn pool_grad(&self, pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
        with_float!(y.dtype(), T => backward::<T>(pool, x, y, dy, dx));
    }
}

impl Pool {
    /// The part of a window that lies in the input: first and past-the-last index along dimension `i`.
    #[inline(always)]
    fn range(&self, at: usize, i: usize) -> (usize, usize) {
        let start = at * self.strides[i];
        let end = (start + self.window[i]).saturating_sub(self.padding[i]).min(self.input[i]);
        (start.saturating_sub(self.padding[i]), end)
    }

    /// Calls `f` with every place (counted in a sample) of the window of an output place, row by row; says how many there are.
    #[inline(always)]
    fn window(&self, [a, b, c]: [usize; 3], mut f: impl FnMut(usize)) -> usize {
        let [_, height, width] = self.input;
        let ((a0, a1), (b0, b1), (c0, c1)) = (self.range(a, 0), self.range(b, 1), self.range(c, 2));
        for i in a0..a1 {
            for j in b0..b1 {
                for k in c0..c1 {
                    f((i * height + j) * width + k);
                }
            }
        }
        a1.saturating_sub(a0) * b1.saturating_sub(b0) * c1.saturating_sub(c0)
    }

    /// Whether no place lies in two windows, and whether each lies in one.
    fn apart(&self) -> (bool, bool) {
        let dims = 0..self.input.len();
        let apart = dims.clone().all(|i| self.strides[i] >= self.window[i]);
        let covered =
            dims.clone().all(|i| self.padding[i] == 0 && self.output[i] * self.window[i] == self.input[i]);
        (apart, apart && covered)
    }

    fn sample_size(&self) -> usize {
        self.input.iter().product::<usize>() * self.channels
    }

    /// Elements that all windows of a sample read.
    fn work(&self) -> usize {
        self.output.iter().product::<usize>() * self.channels * self.window.iter().product::<usize>()
    }
}

/// A row of the output, whole in its innermost dimension.
struct Forward<'a, T> {
    pool: &'a Pool,
    x: Raw<T>,
    y: Raw<T>,
    row: usize,
}

impl<T: Real> Kernel for Forward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Forward { pool, x, y, row } = self;
        let [a, b, c] = pool.output;
        let (channels, sample) = (pool.channels, row / (a * b));
        let at = [row / b % a, row % b];
        for k in 0..c {
            // SAFETY: this task alone writes the row.
            let y = unsafe { y.slice_mut((row * c + k) * channels, channels) };
            let from = |place: usize| {
                // SAFETY: the window's places lie in the sample.
                unsafe { x.slice(sample * pool.sample_size() + place * channels, channels) }
            };
            let place = [at[0], at[1], k];
            match pool.kind {
                PoolKind::Max => {
                    y.fill(T::neg_infinity());
                    pool.window(place, |place| {
                        for (y, x) in y.iter_mut().zip(from(place)) {
                            // A NaN wins, as in numpy.
                            *y = if *x > *y || x.is_nan() { *x } else { *y };
                        }
                    });
                }
                PoolKind::Average => {
                    y.fill(T::zero());
                    let count = pool.window(place, |place| {
                        y.iter_mut().zip(from(place)).for_each(|(y, x)| *y += *x);
                    });
                    let count = T::lit(count as f64);
                    y.iter_mut().for_each(|y| *y /= count);
                }
            }
        }
    }
}

fn forward<T: Real>(pool: &Pool, x: View, y: View) {
    let [a, b, _] = pool.output;
    let (x, y) = (Raw::<T>::of(x), Raw::of(y));
    threads::tasks(pool.batch * a * b, pool.batch * pool.work(), |row| {
        T::dispatch(Forward { pool, x, y, row });
    });
}

/// The gradient of one sample.
struct Backward<'a, T> {
    pool: &'a Pool,
    x: Raw<T>,
    y: Raw<T>,
    dy: Raw<T>,
    dx: Grad,
    sample: usize,
}

impl<T: Real> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let (apart, covers) = self.pool.apart();
        if self.dx.adds() {
            self.places::<false>();
        } else {
            if !covers {
                let size = self.pool.sample_size();
                // SAFETY: this task has the sample.
                unsafe { Raw::<T>::of(self.dx.view).slice_mut(self.sample * size, size) }.fill(T::zero());
            }
            if apart { self.places::<true>() } else { self.places::<false>() }
        }
    }
}

impl<T: Real> Backward<'_, T> {
    /// Goes through all windows; with `WRITES` a place is in one of them at most, and is written rather than added to.
    #[inline(always)]
    fn places<const WRITES: bool>(&self) {
        let Backward { pool, x, y, dy, dx, sample } = *self;
        let [a, b, c] = pool.output;
        let (channels, size) = (pool.channels, pool.sample_size());
        // SAFETY: windows overlap, but not those of two samples, and this task has the sample.
        let (x, to) =
            unsafe { (x.slice(sample * size, size), Raw::<T>::of(dx.view).slice_mut(sample * size, size)) };
        // What of the output's gradient has not found its place yet.
        let mut left = [T::zero(); CHANNELS];
        for pixel in 0..a * b * c {
            let place = [pixel / (b * c), pixel / c % b, pixel % c];
            let row = (sample * a * b * c + pixel) * channels;
            for first in (0..channels).step_by(CHANNELS) {
                let n = CHANNELS.min(channels - first);
                let left = &mut left[..n];
                // SAFETY: the output is not written.
                let (y, dy) = unsafe { (y.slice(row + first, n), dy.slice(row + first, n)) };
                left.copy_from_slice(dy);
                if pool.kind == PoolKind::Average {
                    let count = T::lit(pool.window(place, |_| ()) as f64);
                    left.iter_mut().for_each(|left| *left /= count);
                    pool.window(place, |place| {
                        let to = &mut to[place * channels + first..][..n];
                        for (to, left) in to.iter_mut().zip(&*left) {
                            *to = if WRITES { *left } else { *to + *left };
                        }
                    });
                    continue;
                }
                pool.window(place, |place| {
                    let at = place * channels + first;
                    let (x, to) = (&x[at..at + n], &mut to[at..at + n]);
                    for i in 0..n {
                        // The first of equal numbers takes all.
                        let largest = x[i] == y[i] || x[i].is_nan();
                        let some = if largest { left[i] } else { T::zero() };
                        to[i] = if WRITES { some } else { to[i] + some };
                        left[i] = if largest { T::zero() } else { left[i] };
                    }
                });
            }
        }
    }
}

fn backward<T: Real>(pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
    let (x, y, dy) = (Raw::<T>::of(x), Raw::of(y), Raw::of(dy));
    threads::tasks(pool.batch, pool.batch * pool.work(), |sample| {
        T::dispatch(Backward { pool, x, y, dy, dx, sample });
    });
}
