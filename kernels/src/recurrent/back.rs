//! A slice backward through time.

use super::forward::{fill, slice, slice_mut};
use super::slice::{BackwardRows, Local};
use super::{Cell, fused, plain};
use crate::Cpu;
use crate::cpu::math::Real;
use crate::cpu::simd::{Kernel, Level};
use crate::matmul::tile::Tiled;

/// Where a sample's numbers of one step are.
#[derive(Clone, Copy)]
pub(super) struct BackRow<T> {
    pub(super) units: usize,
    pub(super) inputs: *const T,
    pub(super) gates: *const T,
    /// The state before the step, and as the last gate saw it.
    pub(super) state: *const T,
    pub(super) seen: *const T,
    /// The carry before and after the step.
    pub(super) carry: [*const T; 2],
    pub(super) inner: *const T,
    /// Factors of the state as the last gate saw it, or null.
    pub(super) factors: *const T,
    /// Gradient of the state after the step, then of that before it, as far as it does not go through the gates.
    pub(super) dstate: *mut T,
    /// Gradient of the carry, likewise.
    pub(super) dcarry: *mut T,
    /// Gradients of what is added to the gates' inputs by products of the state.
    pub(super) dgates: *mut T,
    /// A row to work in: with a reset gate before the product, in the second phase, the gradient of `inner`.
    pub(super) spare: *mut T,
    /// All gradients that are kept.
    pub(super) gradients: *mut T,
}

/// A slice under way.
struct Slice<'a, T: 'static> {
    all: &'a BackwardRows<'a, T>,
    first: usize,
    rows: usize,
    dstate: (*mut T, usize),
    dcarry: (*mut T, usize),
    dgates: (*mut T, usize),
    spare: (*mut T, usize),
}

/// Takes `rows` samples from `first` on back through all steps.
pub(super) fn run<T: Real + Tiled>(device: &Cpu, all: &BackwardRows<'_, T>, first: usize, rows: usize) {
    let of = all.common.of;
    let mut local = Local::new(all.local, of.local_back_len(), first, rows);
    let (dstate, dcarry) = (local.take(of.units), local.take(of.units));
    let dgates = local.take(of.cell.gates() * of.units);
    let slice = Slice { all, first, rows, dstate, dcarry, dgates, spare: local.take(of.units) };
    let standard = fused::suits(of);
    let phases = if of.cell == (Cell::Gru { reset_after: false }) { 2 } else { 1 };
    // SAFETY: the rows of these samples are this task's alone, and have the lengths that were checked when they were made.
    unsafe {
        slice.begin();
        for at in (0..of.steps).rev() {
            slice.add_output(at);
            for phase in 0..phases {
                if phase == 1 {
                    slice.multiply_late();
                }
                if standard {
                    T::dispatch(Pass { slice: &slice, at, phase });
                } else {
                    (0..rows)
                        .filter(|r| slice.counts(*r, at))
                        .for_each(|r| plain::back(device, of, phase, &slice.row(r, at)));
                }
            }
            for r in (0..rows).filter(|r| !slice.counts(*r, at)) {
                let row = slice.row(r, at);
                slice_mut(row.gradients, of.cell.gradients() * of.units).fill(T::zero());
                slice_mut(row.dgates, of.cell.gates() * of.units).fill(T::zero());
            }
            slice.multiply();
        }
        slice.end();
    }
}

impl<T: Real + Tiled> Slice<'_, T> {
    #[inline(always)]
    fn counts(&self, r: usize, at: usize) -> bool {
        let common = &self.all.common;
        common.counts(self.first + r, common.of.time(at))
    }

    #[inline(always)]
    fn row(&self, r: usize, at: usize) -> BackRow<T> {
        let (common, of) = (&self.all.common, self.all.common.of);
        let (sample, time) = (self.first + r, of.time(at));
        let state = common.states.row(sample, time);
        let seen = common.seen.row(sample, time);
        let seen = if seen.is_null() { state } else { seen.wrapping_add((of.cell.gates() - 1) * of.units) };
        let local = |(start, step): (*mut T, usize)| start.wrapping_add(r * step);
        BackRow {
            units: of.units,
            inputs: common.inputs.row(sample, time),
            gates: common.gates.row(sample, time),
            state,
            seen,
            carry: [common.carries.row(sample, at), common.carries.row(sample, at + 1)],
            inner: common.inner.row(sample, time),
            factors: common.factors.row(sample, of.cell.gates() - 1),
            dstate: local(self.dstate),
            dcarry: local(self.dcarry),
            dgates: local(self.dgates),
            spare: local(self.spare),
            gradients: self.all.gradients.row(sample, time),
        }
    }

    /// Sets the gradients of state and carry after the last step.
    unsafe fn begin(&self) {
        let (all, of) = (self.all, self.all.common.of);
        for r in 0..self.rows {
            let (row, sample) = (self.row(r, of.steps - 1), self.first + r);
            // SAFETY: the rows of a sample of this task.
            unsafe {
                fill(all.end[0].row(sample, 0), slice_mut(row.dstate, of.units));
                fill(all.end[1].row(sample, 0), slice_mut(row.dcarry, of.units));
                self.add(r, of.steps - 1, all.last.row(sample, 0));
            }
        }
    }

    /// Adds the gradients of a step's outputs.
    unsafe fn add_output(&self, at: usize) {
        for r in 0..self.rows {
            // SAFETY: as in `begin`.
            unsafe { self.add(r, at, self.all.sequence.row(self.first + r, at)) }
        }
    }

    unsafe fn add(&self, r: usize, at: usize, gradient: *const T) {
        let of = self.all.common.of;
        if gradient.is_null() || (of.zero_output_for_mask && !self.counts(r, at)) {
            return;
        }
        // SAFETY: as in `begin`.
        let (to, from) = unsafe { (slice_mut(self.row(r, at).dstate, of.units), slice(gradient, of.units)) };
        to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
    }

    /// The candidate's product, of a reset gate before the product.
    unsafe fn multiply_late(&self) {
        let (common, of) = (&self.all.common, self.all.common.of);
        let from = (self.dgates.0.wrapping_add(2 * of.units).cast_const(), self.dgates.1);
        // SAFETY: as in `begin`; the rows have these lengths.
        unsafe { common.product_back(2, self.rows, from, self.spare, false) }
    }

    /// Adds the gradients that reach the state through the gates.
    unsafe fn multiply(&self) {
        let (common, of) = (&self.all.common, self.all.common.of);
        let parts = if of.cell == (Cell::Gru { reset_after: false }) { 2 } else { of.parts() };
        for part in 0..parts {
            let from = (self.dgates.0.wrapping_add(part * of.part()).cast_const(), self.dgates.1);
            // SAFETY: as in `begin`; the rows have these lengths.
            unsafe {
                if !common.factors.is_some() {
                    common.product_back(part, self.rows, from, self.dstate, true);
                    continue;
                }
                common.product_back(part, self.rows, from, self.spare, false);
                for r in 0..self.rows {
                    let row = self.row(r, 0);
                    let factors = common.factors.row(self.first + r, part);
                    plain::add_product(
                        slice_mut(row.dstate, of.units),
                        slice(row.spare, of.units),
                        slice(factors, of.units),
                    );
                }
            }
        }
    }

    /// Hands on the gradients of state and carry before the first step.
    unsafe fn end(&self) {
        let (all, of) = (self.all, self.all.common.of);
        for r in 0..self.rows {
            let row = self.row(r, 0);
            for (at, from) in [row.dstate, row.dcarry].into_iter().enumerate() {
                let to = all.start[at].row(self.first + r, 0);
                if to.is_null() {
                    continue;
                }
                // SAFETY: as in `begin`.
                let (to, from) = unsafe { (slice_mut(to, of.units), slice(from, of.units)) };
                let before = |to: T| if all.adds[at] { to } else { T::zero() };
                to.iter_mut().zip(from).for_each(|(to, from)| *to = before(*to) + *from);
            }
        }
    }
}

/// The pass over the rows of a step, with Keras' own activations.
struct Pass<'a, T: 'static> {
    slice: &'a Slice<'a, T>,
    at: usize,
    phase: usize,
}

impl<T: Real + Tiled> Kernel for Pass<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        for r in 0..self.slice.rows {
            if self.slice.counts(r, self.at) {
                // SAFETY: whoever made this pass made the promise for its slice.
                unsafe {
                    fused::back::<T, L>(
                        self.slice.all.common.of.cell,
                        self.phase,
                        &self.slice.row(r, self.at),
                    )
                }
            }
        }
    }
}
