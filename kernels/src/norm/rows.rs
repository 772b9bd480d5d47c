//! Layer and RMS normalization: a row at a time, while it is in the cache.

use super::operands::Operands;
use super::{Kind, Norm};
use crate::cpu::math::Real;
use crate::cpu::raw::{BLOCK, Raw, store};
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::softmax::rows::lane_sum;
use crate::{Grad, Mode, View};

/// Elements of one task, about.
const PIECE: usize = 8_192;
/// Operations an element.
const COST: usize = 4;

/// Whether statistics are those of contiguous rows.
pub(super) fn fits(norm: &Norm) -> bool {
    norm.spatial == 1 && norm.groups == 1
}

struct Forward<T> {
    operands: Operands<T>,
    beta: Option<Raw<T>>,
    y: Raw<T>,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Operands { norm, x, mean, inverse, gamma, .. } = self.operands;
        let n = norm.channels;
        let scale = T::lit(1.0 / n as f64);
        // SAFETY: weights, which nothing writes.
        let (gamma, beta) = unsafe { (gamma.map(|g| g.slice(0, n)), self.beta.map(|b| b.slice(0, n))) };
        let mut out = [T::default(); BLOCK];
        for row in self.start..self.end {
            // SAFETY: a row of this task; it is not used once the result's has been made.
            let x = unsafe { x.slice(row * n, n) };
            let m = if norm.kind == Kind::RootMeanSquare { T::zero() } else { lane_sum(n, |i| x[i]) * scale };
            let variance = lane_sum(n, |i| (x[i] - m) * (x[i] - m)) * scale;
            let inv = (variance + T::lit(norm.epsilon)).sqrt().recip();
            // SAFETY: the row's statistics.
            unsafe {
                mean.set(row, m);
                inverse.set(row, inv);
            }
            for at in (0..n).step_by(BLOCK) {
                let len = BLOCK.min(n - at);
                // SAFETY: as above, block by block since it may be the result's memory.
                let x = unsafe { self.operands.x.slice(row * n + at, len) };
                let out = &mut out[..len];
                for i in 0..len {
                    out[i] = (x[i] - m) * inv;
                }
                if let Some(gamma) = gamma {
                    out.iter_mut().zip(&gamma[at..]).for_each(|(o, g)| *o *= *g);
                }
                if let Some(beta) = beta {
                    out.iter_mut().zip(&beta[at..]).for_each(|(o, b)| *o += *b);
                }
                // SAFETY: the block of this task.
                unsafe { self.y.slice_mut(row * n + at, len) }.copy_from_slice(out);
            }
        }
    }
}

pub(super) fn forward<T: Real>(operands: Operands<T>, beta: Option<View>, y: View) {
    let norm = operands.norm;
    assert!(y.size() == norm.size(), "the result of a normalization");
    let (beta, y) = (beta.map(Raw::of), Raw::of(y));
    threads::pieces(norm.samples, PIECE / norm.channels.max(1), norm.channels * COST, |start, end| {
        T::dispatch(Forward { operands, beta, y, start, end });
    });
}

struct Backward<T> {
    operands: Operands<T>,
    dy: Raw<T>,
    dx: Raw<T>,
    mode: Mode,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Operands { norm, x, mean, inverse, gamma, .. } = self.operands;
        let n = norm.channels;
        let scale = T::lit(1.0 / n as f64);
        // SAFETY: weights, which nothing writes.
        let gamma = gamma.map(|g| unsafe { g.slice(0, n) });
        let mut out = [T::default(); BLOCK];
        for row in self.start..self.end {
            // SAFETY: a row of this task, and its statistics; `dy` is read block by block once `dx` is written.
            let (x, dy, m, inv) =
                unsafe { (x.slice(row * n, n), self.dy.slice(row * n, n), mean.get(row), inverse.get(row)) };
            let (plain, normalized) = match gamma {
                Some(g) => {
                    (lane_sum(n, |i| dy[i] * g[i]), lane_sum(n, |i| dy[i] * g[i] * ((x[i] - m) * inv)))
                }
                None => (lane_sum(n, |i| dy[i]), lane_sum(n, |i| dy[i] * ((x[i] - m) * inv))),
            };
            let plain = if norm.kind == Kind::Standard { plain * scale } else { T::zero() };
            let normalized = normalized * scale;
            for at in (0..n).step_by(BLOCK) {
                let len = BLOCK.min(n - at);
                let (out, x) = (&mut out[..len], &x[at..at + len]);
                // SAFETY: a block of the row, not written yet.
                out.copy_from_slice(unsafe { self.dy.slice(row * n + at, len) });
                if let Some(gamma) = gamma {
                    out.iter_mut().zip(&gamma[at..]).for_each(|(o, g)| *o *= *g);
                }
                for i in 0..len {
                    out[i] = inv * (out[i] - plain - (x[i] - m) * inv * normalized);
                }
                // SAFETY: the block of this task.
                store(out, unsafe { self.dx.slice_mut(row * n + at, len) }, self.mode);
            }
        }
    }
}

pub(super) fn backward<T: Real>(operands: Operands<T>, dy: Raw<T>, dx: Grad) {
    let (norm, to, mode) = (operands.norm, Raw::of(dx.view), dx.mode);
    threads::pieces(norm.samples, PIECE / norm.channels.max(1), 2 * norm.channels * COST, |start, end| {
        T::dispatch(Backward { operands, dy, dx: to, mode, start, end });
    });
}
