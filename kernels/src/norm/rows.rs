//! Layer and RMS normalization: a few rows at a time, while they are in the cache.

use super::columns::add;
use super::operands::Operands;
use super::rectifier::Clip;
use super::tiling::far;
use super::{Kind, Norm, NormGrads};
use crate::cpu::math::Real;
use crate::cpu::raw::{LANES, Raw, read, vectors, write};
use crate::cpu::simd::{Kernel, Level, fma};
use crate::cpu::{threads, workspace};
use crate::reduce::cpu::emit;
use crate::{Mode, View};

/// Elements of one task, about.
const PIECE: usize = 8_192;
/// Operations an element.
const COST: usize = 4;
/// Rows that run side by side, so that their sums do not wait for each other.
const ROWS: usize = 4;
/// Most partial sums of a weight's gradient.
const PARTIALS: usize = 32;

/// Whether statistics are those of contiguous rows.
pub(super) fn fits(norm: &Norm) -> bool {
    norm.spatial == 1 && norm.groups == 1
}

/// Sums in lanes, one a row.
type Lanes<T, const R: usize> = [[T; LANES]; R];

/// The sum of lanes, in pairs.
#[inline(always)]
fn total<T: Real>(mut lanes: [T; LANES]) -> T {
    let mut half = LANES / 2;
    while half > 0 {
        for i in 0..half {
            lanes[i] += lanes[i + half];
        }
        half /= 2;
    }
    lanes[0]
}

/// Statistics of `R` rows.
#[derive(Clone, Copy)]
struct Row<T> {
    mean: T,
    inverse: T,
}

struct Forward<T> {
    operands: Operands<T>,
    clip: Option<Clip<T>>,
    y: Raw<T>,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let mut row = self.start;
        while row + ROWS <= self.end && !far(self.operands.norm.size()) {
            self.rows::<L, ROWS>(row);
            row += ROWS;
        }
        while row < self.end {
            self.rows::<L, 1>(row);
            row += 1;
        }
    }
}

impl<T: Real> Forward<T> {
    #[inline(always)]
    fn rows<L: Level, const R: usize>(&self, row: usize) {
        let Operands { norm, x, mean, inverse, .. } = self.operands;
        let n = norm.channels;
        let (start, share) = (row * n, T::lit(1.0 / n as f64));
        // SAFETY: rows of this task, read before the result is written; their statistics; weights, which nothing writes.
        unsafe {
            let mut means = [T::zero(); R];
            if norm.kind == Kind::Standard {
                let mut sums: Lanes<T, R> = [[T::zero(); LANES]; R];
                vectors!(n, |N, c| for r in 0..R {
                    let x = read::<T, N>(x, start + r * n + c);
                    for i in 0..N {
                        sums[r][i] += x[i];
                    }
                });
                means = sums.map(|sums| total(sums) * share);
            }
            // What rounding left of the sums, too: the mean is off by that much.
            let (mut rests, mut squares): (Lanes<T, R>, Lanes<T, R>) =
                ([[T::zero(); LANES]; R], [[T::zero(); LANES]; R]);
            vectors!(n, |N, c| for r in 0..R {
                let x = read::<T, N>(x, start + r * n + c);
                for i in 0..N {
                    let d = x[i] - means[r];
                    rests[r][i] += d;
                    squares[r][i] = fma::<L, T>(d, d, squares[r][i]);
                }
            });
            let mut inverses = [T::zero(); R];
            for r in 0..R {
                let mut square = total(squares[r]) * share;
                if norm.kind == Kind::Standard {
                    let rest = total(rests[r]) * share;
                    means[r] += rest;
                    square -= rest * rest;
                }
                inverses[r] = (square + T::lit(norm.epsilon)).sqrt().recip();
            }
            for r in 0..R {
                mean.set(row + r, means[r]);
                inverse.set(row + r, inverses[r]);
            }
            vectors!(n, |N, c| {
                let (gamma, beta) = self.operands.weights::<N>(c);
                for r in 0..R {
                    let mut x = read::<T, N>(x, start + r * n + c);
                    for i in 0..N {
                        x[i] = fma::<L, T>((x[i] - means[r]) * inverses[r], gamma[i], beta[i]);
                    }
                    if let Some(clip) = &self.clip {
                        x = x.map(|x| clip.value(x));
                    }
                    write(self.y, start + r * n + c, x);
                }
            });
        }
    }
}

pub(super) fn forward<T: Real>(operands: Operands<T>, clip: Option<Clip<T>>, y: View) {
    let norm = operands.norm;
    assert!(y.size() == norm.size(), "the result of a normalization");
    let y = Raw::of(y);
    threads::pieces(norm.samples, PIECE / norm.channels.max(1), norm.channels * COST, |start, end| {
        T::dispatch(Forward { operands, clip, y, start, end });
    });
}

struct Backward<T> {
    operands: Operands<T>,
    clip: Option<Clip<T>>,
    dy: Raw<T>,
    dx: Option<(Raw<T>, Mode)>,
    /// Sums over the rows: `dy`, and `dy * normalized`.
    sums: Option<Raw<f64>>,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let mut row = self.start;
        while row + ROWS <= self.end && !far(self.operands.norm.size()) {
            self.rows::<L, ROWS>(row);
            row += ROWS;
        }
        while row < self.end {
            self.rows::<L, 1>(row);
            row += 1;
        }
    }
}

impl<T: Real> Backward<T> {
    /// The normalized elements, and `dy` before the clip.
    ///
    /// # Safety
    /// Rows of this task that nothing writes meanwhile.
    #[inline(always)]
    unsafe fn grad<L: Level, const N: usize>(
        &self,
        at: usize,
        row: Row<T>,
        (gamma, beta): ([T; N], [T; N]),
    ) -> [[T; N]; 2] {
        // SAFETY: the caller's promise.
        let (mut x, mut dy) = unsafe { (read::<T, N>(self.operands.x, at), read::<T, N>(self.dy, at)) };
        for i in 0..N {
            x[i] = (x[i] - row.mean) * row.inverse;
        }
        if let Some(clip) = &self.clip {
            for i in 0..N {
                dy[i] = clip.grad(fma::<L, T>(x[i], gamma[i], beta[i]), dy[i]);
            }
        }
        [x, dy]
    }

    #[inline(always)]
    fn rows<L: Level, const R: usize>(&self, row: usize) {
        let Operands { norm, mean, inverse, .. } = self.operands;
        let n = norm.channels;
        let (start, share) = (row * n, T::lit(1.0 / n as f64));
        // SAFETY: rows of this task, read before the gradient is written; statistics and weights, which nothing writes; sums of this
        // task.
        unsafe {
            let mut of = [Row { mean: T::zero(), inverse: T::zero() }; R];
            for r in 0..R {
                let mean = if norm.kind == Kind::Standard { mean.get(row + r) } else { T::zero() };
                of[r] = Row { mean, inverse: inverse.get(row + r) };
            }
            let (mut levels, mut tilts): (Lanes<T, R>, Lanes<T, R>) =
                ([[T::zero(); LANES]; R], [[T::zero(); LANES]; R]);
            if self.dx.is_some() {
                vectors!(n, |N, c| {
                    let weights = self.operands.weights::<N>(c);
                    for r in 0..R {
                        let [x, dy] = self.grad::<L, N>(start + r * n + c, of[r], weights);
                        for i in 0..N {
                            let g = dy[i] * weights.0[i];
                            levels[r][i] += g;
                            tilts[r][i] = fma::<L, T>(g, x[i], tilts[r][i]);
                        }
                    }
                });
            }
            let level =
                levels.map(|l| if norm.kind == Kind::Standard { total(l) * share } else { T::zero() });
            let tilt = tilts.map(|t| total(t) * share);
            vectors!(n, |N, c| {
                let weights = self.operands.weights::<N>(c);
                let (mut sum, mut product) = ([T::zero(); N], [T::zero(); N]);
                for r in 0..R {
                    let at = start + r * n + c;
                    let [x, dy] = self.grad::<L, N>(at, of[r], weights);
                    for i in 0..N {
                        sum[i] += dy[i];
                        product[i] = fma::<L, T>(dy[i], x[i], product[i]);
                    }
                    if let Some((dx, mode)) = self.dx {
                        let mut out = if mode == Mode::Add { read(dx, at) } else { [T::zero(); N] };
                        for i in 0..N {
                            let g = fma::<L, T>(dy[i], weights.0[i], -level[r]);
                            out[i] = fma::<L, T>(of[r].inverse, fma::<L, T>(-x[i], tilt[r], g), out[i]);
                        }
                        write(dx, at, out);
                    }
                }
                if let Some(sums) = self.sums {
                    add(sums, n, c, [sum.map(T::wide), product.map(T::wide)]);
                }
            });
        }
    }
}

pub(super) fn backward<T: Real>(operands: &Operands<T>, clip: Option<Clip<T>>, dy: View, grads: NormGrads) {
    let (operands, norm) = (*operands, operands.norm);
    let (rows, n) = (norm.samples, norm.channels);
    let dx = grads.x.map(|dx| {
        assert!(dx.view.size() == norm.size(), "the gradient of {norm:?}");
        (Raw::of(dx.view), dx.mode)
    });
    let dy = Raw::of(dy);
    let piece = PIECE / n.max(1);
    if grads.gamma.is_none() && grads.beta.is_none() {
        threads::pieces(rows, piece, 2 * n * COST, |start, end| {
            T::dispatch(Backward { operands, clip, dy, dx, sums: None, start, end });
        });
        return;
    }
    // Each piece has sums of its own; few pieces, so that there are many rows for each.
    let piece = piece.max(rows.div_ceil(PARTIALS)).max(2 * ROWS);
    let pieces = rows.div_ceil(piece);
    workspace::with(pieces * 2 * n, |partials: &mut [f64]| {
        partials.fill(0.0);
        let all = Raw::from_slice(partials);
        threads::pieces(rows, piece, 2 * n * COST, |start, end| {
            // SAFETY: the sums of this piece.
            let sums = Some(Raw::from_slice(unsafe { all.slice_mut(start / piece * 2 * n, 2 * n) }));
            T::dispatch(Backward { operands, clip, dy, dx, sums, start, end });
        });
        let (first, others) = partials.split_at_mut(2 * n);
        for other in others.chunks_exact(2 * n) {
            first.iter_mut().zip(other).for_each(|(sum, term)| *sum += *term);
        }
        for (to, sums) in [(grads.beta, &first[..n]), (grads.gamma, &first[n..])] {
            if let Some(to) = to {
                sums.iter().enumerate().for_each(|(i, sum)| emit(to, i, *sum));
            }
        }
    });
}
