//! The passes over a row with Keras' own activations, everything in registers.

use super::back::BackRow;
use super::forward::Row;
use super::lanes::{Piece, along, load, store};
use super::{Cell, Recurrent};
use crate::activation::Activation;
use crate::cpu::math::Real;
use crate::cpu::simd::Level;

/// Whether the cell has these activations.
pub(super) fn suits(of: &Recurrent) -> bool {
    let gates = of.cell == Cell::Simple || of.recurrent_activation == Activation::Sigmoid;
    of.activation == Activation::Tanh && gates
}

/// One phase of a step.
///
/// # Safety
/// The row's pointers have all units, and are the caller's.
#[inline(always)]
pub(super) unsafe fn forward<T: Real, L: Level>(cell: Cell, phase: usize, row: &Row<T>) {
    // SAFETY: the caller's promise.
    unsafe {
        match (cell, phase) {
            (Cell::Simple, _) => along::<L>(row.units, &Simple(row)),
            (Cell::Lstm, _) => along::<L>(row.units, &Lstm(row)),
            (Cell::Gru { reset_after: true }, _) => along::<L>(row.units, &ResetAfter(row)),
            (_, 0) => along::<L>(row.units, &ResetBefore(row)),
            _ => along::<L>(row.units, &Candidate(row)),
        }
    }
}

/// One phase of a step back.
///
/// # Safety
/// As [`forward`].
#[inline(always)]
pub(super) unsafe fn back<T: Real, L: Level>(cell: Cell, phase: usize, row: &BackRow<T>) {
    // SAFETY: the caller's promise.
    unsafe {
        match (cell, phase) {
            (Cell::Simple, _) => along::<L>(row.units, &SimpleBack(row)),
            (Cell::Lstm, _) => along::<L>(row.units, &LstmBack(row)),
            (Cell::Gru { reset_after: true }, _) => along::<L>(row.units, &ResetAfterBack(row)),
            (_, 0) => along::<L>(row.units, &CandidateBack(row)),
            _ => along::<L>(row.units, &ResetBeforeBack(row)),
        }
    }
}

impl<T: Real> Row<T> {
    /// What the activation of a gate gets.
    #[inline(always)]
    unsafe fn gate<const W: usize>(&self, gate: usize, at: usize) -> [T; W] {
        // SAFETY: the contract of `Piece::piece`.
        let (x, h) = unsafe {
            (
                load::<T, W>(self.inputs, gate * self.units + at),
                load::<T, W>(self.products, gate * self.units + at),
            )
        };
        std::array::from_fn(|j| x[j] + h[j])
    }

    #[inline(always)]
    unsafe fn store_gate<const W: usize>(&self, gate: usize, at: usize, values: [T; W]) {
        // SAFETY: the contract of `Piece::piece`.
        unsafe { store(self.gates, gate * self.units + at, values) }
    }

    /// Stores the new state.
    #[inline(always)]
    unsafe fn store_state<const W: usize>(&self, at: usize, values: [T; W]) {
        // SAFETY: the contract of `Piece::piece`.
        unsafe {
            store(self.state, at, values);
            store(self.copies[0], at, values);
            store(self.copies[1], at, values);
        }
    }
}

impl<T: Real> BackRow<T> {
    #[inline(always)]
    unsafe fn gate<const W: usize>(&self, gate: usize, at: usize) -> [T; W] {
        // SAFETY: the contract of `Piece::piece`.
        unsafe { load(self.gates, gate * self.units + at) }
    }

    /// Stores the gradient of a gate's input, which is that of a product of the state, too.
    #[inline(always)]
    unsafe fn store_gate<const W: usize>(&self, gate: usize, at: usize, values: [T; W]) {
        // SAFETY: the contract of `Piece::piece`.
        unsafe {
            store(self.dgates, gate * self.units + at, values);
            store(self.gradients, gate * self.units + at, values);
        }
    }
}

struct Simple<'a, T>(&'a Row<T>);

impl<T: Real> Piece for Simple<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let x = row.gate::<W>(0, at);
            let mut h = [T::zero(); W];
            for j in 0..W {
                h[j] = x[j].ftanh::<L>();
            }
            row.store_gate(0, at, h);
            row.store_state(at, h);
        }
    }
}

struct SimpleBack<'a, T>(&'a BackRow<T>);

impl<T: Real> Piece for SimpleBack<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let (h, dh) = (row.gate::<W>(0, at), load::<T, W>(row.dstate, at));
            let mut dx = [T::zero(); W];
            for j in 0..W {
                dx[j] = dh[j] * (T::one() - h[j] * h[j]);
            }
            row.store_gate(0, at, dx);
            store(row.dstate, at, [T::zero(); W]);
        }
    }
}

struct Lstm<'a, T>(&'a Row<T>);

impl<T: Real> Piece for Lstm<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let before = load::<T, W>(row.carry[0], at);
            let (mut i, mut f) = (row.gate::<W>(0, at), row.gate::<W>(1, at));
            let (mut g, mut o) = (row.gate::<W>(2, at), row.gate::<W>(3, at));
            let (mut c, mut h) = ([T::zero(); W], [T::zero(); W]);
            for j in 0..W {
                i[j] = i[j].fsigmoid::<L>();
            }
            for j in 0..W {
                f[j] = f[j].fsigmoid::<L>();
            }
            for j in 0..W {
                g[j] = g[j].ftanh::<L>();
            }
            for j in 0..W {
                o[j] = o[j].fsigmoid::<L>();
            }
            for j in 0..W {
                c[j] = f[j] * before[j] + i[j] * g[j];
            }
            for j in 0..W {
                h[j] = o[j] * c[j].ftanh::<L>();
            }
            row.store_gate(0, at, i);
            row.store_gate(1, at, f);
            row.store_gate(2, at, g);
            row.store_gate(3, at, o);
            store(row.carry[1], at, c);
            row.store_state(at, h);
        }
    }
}

struct LstmBack<'a, T>(&'a BackRow<T>);

impl<T: Real> Piece for LstmBack<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        let one = T::one();
        // SAFETY: the contract.
        unsafe {
            let (i, f) = (row.gate::<W>(0, at), row.gate::<W>(1, at));
            let (g, o) = (row.gate::<W>(2, at), row.gate::<W>(3, at));
            let (before, after) = (load::<T, W>(row.carry[0], at), load::<T, W>(row.carry[1], at));
            let (dh, mut dc) = (load::<T, W>(row.dstate, at), load::<T, W>(row.dcarry, at));
            let mut d = [[T::zero(); W]; 4];
            for j in 0..W {
                let active = after[j].ftanh::<L>();
                d[3][j] = dh[j] * active * (o[j] * (one - o[j]));
                dc[j] += dh[j] * o[j] * (one - active * active);
            }
            for j in 0..W {
                d[0][j] = dc[j] * g[j] * (i[j] * (one - i[j]));
                d[1][j] = dc[j] * before[j] * (f[j] * (one - f[j]));
                d[2][j] = dc[j] * i[j] * (one - g[j] * g[j]);
                dc[j] *= f[j];
            }
            row.store_gate(0, at, d[0]);
            row.store_gate(1, at, d[1]);
            row.store_gate(2, at, d[2]);
            row.store_gate(3, at, d[3]);
            store(row.dcarry, at, dc);
            store(row.dstate, at, [T::zero(); W]);
        }
    }
}

struct ResetAfter<'a, T>(&'a Row<T>);

impl<T: Real> Piece for ResetAfter<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let before = load::<T, W>(row.state, at);
            let (mut z, mut r) = (row.gate::<W>(0, at), row.gate::<W>(1, at));
            let (x, inner) = (
                load::<T, W>(row.inputs, 2 * row.units + at),
                load::<T, W>(row.products, 2 * row.units + at),
            );
            let (mut g, mut h) = ([T::zero(); W], [T::zero(); W]);
            for j in 0..W {
                z[j] = z[j].fsigmoid::<L>();
            }
            for j in 0..W {
                r[j] = r[j].fsigmoid::<L>();
            }
            for j in 0..W {
                g[j] = (x[j] + r[j] * inner[j]).ftanh::<L>();
                h[j] = g[j] + z[j] * (before[j] - g[j]);
            }
            row.store_gate(0, at, z);
            row.store_gate(1, at, r);
            row.store_gate(2, at, g);
            store(row.inner, at, inner);
            row.store_state(at, h);
        }
    }
}

/// Stores the gradients of `z` and of the candidate's input, and that of the state that passes by; returns the second.
#[inline(always)]
unsafe fn blend_back<T: Real, const W: usize>(row: &BackRow<T>, at: usize) -> [T; W] {
    let one = T::one();
    // SAFETY: the contract of `Piece::piece`.
    unsafe {
        let (z, g) = (row.gate::<W>(0, at), row.gate::<W>(2, at));
        let (before, mut dh) = (load::<T, W>(row.state, at), load::<T, W>(row.dstate, at));
        let (mut dz, mut dg) = ([T::zero(); W], [T::zero(); W]);
        for j in 0..W {
            dz[j] = dh[j] * (before[j] - g[j]) * (z[j] * (one - z[j]));
            let kept = dh[j] * z[j];
            dg[j] = (dh[j] - kept) * (one - g[j] * g[j]);
            dh[j] = kept;
        }
        row.store_gate(0, at, dz);
        store(row.dstate, at, dh);
        dg
    }
}

struct ResetAfterBack<'a, T>(&'a BackRow<T>);

impl<T: Real> Piece for ResetAfterBack<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let dg = blend_back::<T, W>(row, at);
            let (r, inner) = (row.gate::<W>(1, at), load::<T, W>(row.inner, at));
            let (mut dr, mut dinner) = ([T::zero(); W], [T::zero(); W]);
            for j in 0..W {
                dinner[j] = dg[j] * r[j];
                dr[j] = dg[j] * inner[j] * (r[j] * (T::one() - r[j]));
            }
            row.store_gate(1, at, dr);
            store(row.gradients, 2 * row.units + at, dg);
            store(row.gradients, 3 * row.units + at, dinner);
            store(row.dgates, 2 * row.units + at, dinner);
        }
    }
}

/// The gates of a cell whose reset gate comes before the product.
struct ResetBefore<'a, T>(&'a Row<T>);

impl<T: Real> Piece for ResetBefore<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let seen = load::<T, W>(row.seen, at);
            let (mut z, mut r) = (row.gate::<W>(0, at), row.gate::<W>(1, at));
            let mut inner = [T::zero(); W];
            for j in 0..W {
                z[j] = z[j].fsigmoid::<L>();
            }
            for j in 0..W {
                r[j] = r[j].fsigmoid::<L>();
                inner[j] = r[j] * seen[j];
            }
            row.store_gate(0, at, z);
            row.store_gate(1, at, r);
            store(row.inner, at, inner);
            store(row.spare, at, inner);
        }
    }
}

/// And its candidate.
struct Candidate<'a, T>(&'a Row<T>);

impl<T: Real> Piece for Candidate<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let (before, z) = (load::<T, W>(row.state, at), load::<T, W>(row.gates, at));
            let (mut g, mut h) = (row.gate::<W>(2, at), [T::zero(); W]);
            for j in 0..W {
                g[j] = g[j].ftanh::<L>();
                h[j] = g[j] + z[j] * (before[j] - g[j]);
            }
            row.store_gate(2, at, g);
            row.store_state(at, h);
        }
    }
}

/// Back through [`Candidate`].
struct CandidateBack<'a, T>(&'a BackRow<T>);

impl<T: Real> Piece for CandidateBack<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        // SAFETY: the contract.
        unsafe {
            let dg = blend_back::<T, W>(self.0, at);
            self.0.store_gate(2, at, dg);
        }
    }
}

/// Back through [`ResetBefore`], from the gradient of `inner`.
struct ResetBeforeBack<'a, T>(&'a BackRow<T>);

impl<T: Real> Piece for ResetBeforeBack<'_, T> {
    #[inline(always)]
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize) {
        let row = self.0;
        // SAFETY: the contract.
        unsafe {
            let (r, seen) = (row.gate::<W>(1, at), load::<T, W>(row.seen, at));
            let (dinner, mut dh) = (load::<T, W>(row.spare, at), load::<T, W>(row.dstate, at));
            let factors = if row.factors.is_null() { [T::one(); W] } else { load::<T, W>(row.factors, at) };
            let mut dr = [T::zero(); W];
            for j in 0..W {
                dr[j] = dinner[j] * seen[j] * (r[j] * (T::one() - r[j]));
                dh[j] += dinner[j] * r[j] * factors[j];
            }
            row.store_gate(1, at, dr);
            store(row.dstate, at, dh);
        }
    }
}
