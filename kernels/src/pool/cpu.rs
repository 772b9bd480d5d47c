//! Pooling window by window, all channels of a place at once.

use super::{Pool, PoolKind, Pooling};
use crate::cpu::math::Real;
use crate::cpu::raw::{Raw, read, vectors, write};
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::{Cpu, Grad, View, with_float};

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

    /// The window of an output place.
    #[inline(always)]
    fn window(&self, at: [usize; 3]) -> Window {
        let [_, height, width] = self.input;
        Window { ranges: [0, 1, 2].map(|i| self.range(at[i], i)), height, width }
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

/// The places of a sample that an output place sees.
struct Window {
    ranges: [(usize, usize); 3],
    height: usize,
    width: usize,
}

impl Window {
    /// How many there are.
    #[inline(always)]
    fn count(&self) -> usize {
        self.ranges.iter().map(|(start, end)| end.saturating_sub(*start)).product()
    }
}

/// Runs a block for every place of a window (counted in a sample), row by row. A closure would be compiled for the least of levels.
macro_rules! places {
    ($window:expr, |$place:ident| $body:block) => {{
        let [(a0, a1), (b0, b1), (c0, c1)] = $window.ranges;
        for a in a0..a1 {
            for b in b0..b1 {
                let row = (a * $window.height + b) * $window.width;
                for $place in row + c0..row + c1 $body
            }
        }
    }};
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
        let (x, at) = (x.cut(sample * pool.sample_size(), pool.sample_size()), [row / b % a, row % b]);
        for k in 0..c {
            let window = pool.window([at[0], at[1], k]);
            let to = (row * c + k) * channels;
            match pool.kind {
                // SAFETY: the window's places lie in the sample; this task alone writes the row.
                PoolKind::Max => vectors!(channels, |N, channel| unsafe {
                    let mut largest = [T::neg_infinity(); N];
                    places!(window, |place| {
                        let x = read::<T, N>(x, place * channels + channel);
                        for i in 0..N {
                            // A NaN wins, as in numpy.
                            largest[i] = if (x[i] > largest[i]) | x[i].is_nan() { x[i] } else { largest[i] };
                        }
                    });
                    write(y, to + channel, largest);
                }),
                PoolKind::Average => {
                    let count = T::lit(window.count() as f64);
                    // SAFETY: as above.
                    vectors!(channels, |N, channel| unsafe {
                        let mut sum = [T::zero(); N];
                        places!(window, |place| {
                            let x = read::<T, N>(x, place * channels + channel);
                            for i in 0..N {
                                sum[i] += x[i];
                            }
                        });
                        write(y, to + channel, sum.map(|sum| sum / count));
                    });
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
    dx: Raw<T>,
    adds: bool,
    sample: usize,
}

impl<T: Real> Kernel for Backward<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let (apart, covers) = self.pool.apart();
        if self.adds {
            self.places::<false, false>();
        } else if apart && covers {
            self.places::<true, false>();
        } else if apart {
            self.places::<true, true>();
        } else {
            self.places::<false, true>();
        }
    }
}

impl<T: Real> Backward<'_, T> {
    /// Goes through all windows; with `WRITES` a place is in one of them at most, and is written rather than added to. With `CLEARS`
    /// the gradient becomes zero beforehand: just before the first window that reaches it, so that it is still in the cache.
    #[inline(always)]
    fn places<const WRITES: bool, const CLEARS: bool>(&self) {
        let Backward { pool, x, y, dy, dx, sample, .. } = *self;
        let [a, b, c] = pool.output;
        let (channels, size) = (pool.channels, pool.sample_size());
        let row = pool.input[2] * channels;
        let (x, dx) = (x.cut(sample * size, size), dx.cut(sample * size, size));
        let mut clear = 0;
        let mut cleared = |end: usize| {
            if CLEARS && end > clear {
                // SAFETY: windows overlap, but not those of two samples, and this task has the sample.
                unsafe { dx.slice_mut(clear, end - clear) }.fill(T::zero());
                clear = end;
            }
        };
        for line in 0..a * b {
            let (plane, end) = (pool.range(line / b, 0).1, pool.range(line % b, 1).1);
            // Rows of the planes that a window reaches; all of them but the last, whole.
            cleared(if plane == 0 { 0 } else { ((plane - 1) * pool.input[1] + end) * row });
            for k in 0..c {
                let window = pool.window([line / b, line % b, k]);
                let from = ((sample * a * b + line) * c + k) * channels;
                match pool.kind {
                    // SAFETY: as above; the output and its gradient are not written.
                    PoolKind::Max => vectors!(channels, |N, channel| unsafe {
                        let y = read::<T, N>(y, from + channel);
                        // What of the output's gradient has not found its place yet.
                        let mut left = read::<T, N>(dy, from + channel);
                        places!(window, |place| {
                            let at = place * channels + channel;
                            let x = read::<T, N>(x, at);
                            let mut some = [T::zero(); N];
                            for i in 0..N {
                                // The first of equal numbers takes all.
                                let largest = (x[i] == y[i]) | x[i].is_nan();
                                some[i] = if largest { left[i] } else { T::zero() };
                                left[i] = if largest { T::zero() } else { left[i] };
                            }
                            if !WRITES {
                                let old = read::<T, N>(dx, at);
                                for i in 0..N {
                                    some[i] = old[i] + some[i];
                                }
                            }
                            write(dx, at, some);
                        });
                    }),
                    PoolKind::Average => {
                        let count = T::lit(window.count() as f64);
                        // SAFETY: as above.
                        vectors!(channels, |N, channel| unsafe {
                            let share = read::<T, N>(dy, from + channel).map(|dy| dy / count);
                            places!(window, |place| {
                                let at = place * channels + channel;
                                let mut to = share;
                                if !WRITES {
                                    let old = read::<T, N>(dx, at);
                                    for i in 0..N {
                                        to[i] += old[i];
                                    }
                                }
                                write(dx, at, to);
                            });
                        });
                    }
                }
            }
        }
        cleared(size);
    }
}

fn backward<T: Real>(pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
    let (x, y, dy, adds, dx) = (Raw::<T>::of(x), Raw::of(y), Raw::of(dy), dx.adds(), Raw::of(dx.view));
    threads::tasks(pool.batch, pool.batch * pool.work(), |sample| {
        T::dispatch(Backward { pool, x, y, dy, dx, adds, sample });
    });
}
