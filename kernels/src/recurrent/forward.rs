//! A slice forward through time.

use super::slice::{ForwardRows, Local, Rows};
use super::{Cell, fused, plain};
use crate::Cpu;
use crate::cpu::math::Real;
use crate::cpu::simd::{Kernel, Level};
use crate::matmul::tile::Tiled;

/// Where a sample's numbers of one step are.
#[derive(Clone, Copy)]
pub(super) struct Row<T> {
    pub(super) units: usize,
    /// What the activations get, without the product of the state; the same memory as `gates` if it is not kept.
    pub(super) inputs: *mut T,
    /// What the gates yield.
    pub(super) gates: *mut T,
    /// The state's products.
    pub(super) products: *mut T,
    /// The state before, then after the step.
    pub(super) state: *mut T,
    /// The state as the last gate sees it.
    pub(super) seen: *const T,
    /// A row to work in.
    pub(super) spare: *mut T,
    /// The carry before and after the step.
    pub(super) carry: [*mut T; 2],
    pub(super) inner: *mut T,
    /// Where the new state goes, too: as that before the next step, and as an output. Null where it does not.
    pub(super) copies: [*mut T; 2],
}

/// A slice under way.
struct Slice<'a, T: 'static> {
    all: &'a ForwardRows<'a, T>,
    first: usize,
    rows: usize,
    state: (*mut T, usize),
    products: (*mut T, usize),
    spare: (*mut T, usize),
}

/// Takes `rows` samples from `first` on through all steps.
pub(super) fn run<T: Real + Tiled>(device: &Cpu, all: &ForwardRows<'_, T>, first: usize, rows: usize) {
    let of = all.common.of;
    let mut local = Local::new(all.local, of.local_len(), first, rows);
    let (state, products) = (local.take(of.units), local.take(of.cell.gates() * of.units));
    let slice = Slice { all, first, rows, state, products, spare: local.take(of.units) };
    let standard = fused::suits(of);
    let phases = if of.cell == (Cell::Gru { reset_after: false }) { 2 } else { 1 };
    // SAFETY: the rows of these samples are this task's alone, and have the lengths that were checked when they were made.
    unsafe {
        slice.begin();
        for at in 0..of.steps {
            slice.see(at);
            for phase in 0..phases {
                slice.multiply(at, phase);
                if standard {
                    T::dispatch(Pass { slice: &slice, at, phase });
                } else {
                    (0..rows)
                        .filter(|r| slice.counts(*r, at))
                        .for_each(|r| plain::forward(device, of, phase, &slice.row(r, at)));
                }
            }
            (0..rows).filter(|r| !slice.counts(*r, at)).for_each(|r| slice.pass_by(&slice.row(r, at)));
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
    fn row(&self, r: usize, at: usize) -> Row<T> {
        let (all, common, of) = (self.all, &self.all.common, self.all.common.of);
        let (sample, time) = (self.first + r, of.time(at));
        let state = self.state.0.wrapping_add(r * self.state.1);
        let last_gate = (of.cell.gates() - 1) * of.units;
        let seen = common.seen.row(sample, time);
        let next =
            if at + 1 < of.steps { common.states.row(sample, of.time(at + 1)) } else { std::ptr::null_mut() };
        Row {
            units: of.units,
            inputs: common.inputs.row(sample, time),
            gates: common.gates.row(sample, time),
            products: self.products.0.wrapping_add(r * self.products.1),
            state,
            seen: if seen.is_null() { state } else { seen.wrapping_add(last_gate) },
            spare: self.spare.0.wrapping_add(r * self.spare.1),
            carry: [common.carries.row(sample, at), common.carries.row(sample, at + 1)],
            inner: common.inner.row(sample, time),
            copies: [next, all.sequence.row(sample, at)],
        }
    }

    /// Sets states and carries before the first step.
    unsafe fn begin(&self) {
        let (common, of) = (&self.all.common, self.all.common.of);
        for r in 0..self.rows {
            let (row, sample) = (self.row(r, 0), self.first + r);
            // SAFETY: the rows of a sample of this task.
            unsafe {
                let (state, before) = (slice_mut(row.state, of.units), common.states.row(sample, of.time(0)));
                fill(self.all.start[0].row(sample, 0), state);
                slice_mut(before, of.units).copy_from_slice(state);
                if common.carries.is_some() {
                    fill(self.all.start[1].row(sample, 0), slice_mut(row.carry[0], of.units));
                }
            }
        }
    }

    /// Drops part of the state before a step.
    unsafe fn see(&self, at: usize) {
        let (common, of) = (&self.all.common, self.all.common.of);
        if !common.seen.is_some() {
            return;
        }
        for r in 0..self.rows {
            let (sample, state) = (self.first + r, self.row(r, at).state);
            for gate in 0..of.cell.gates() {
                let seen = common.seen.row(sample, of.time(at)).wrapping_add(gate * of.units);
                // SAFETY: as in `begin`.
                unsafe {
                    let (seen, state) = (slice_mut(seen, of.units), slice(state, of.units));
                    let factors = slice(common.factors.row(sample, gate), of.units);
                    for j in 0..of.units {
                        seen[j] = state[j] * factors[j];
                    }
                }
            }
        }
    }

    /// The states' products with the recurrent kernel; with a reset gate before the product the last one is made in a second phase.
    unsafe fn multiply(&self, at: usize, phase: usize) {
        let (common, of) = (&self.all.common, self.all.common.of);
        let late = of.cell == (Cell::Gru { reset_after: false });
        let parts = match (late, phase) {
            (true, 0) => 0..2,
            (true, _) => 2..3,
            (false, _) => 0..of.parts(),
        };
        for part in parts {
            let column = part * of.part();
            let a = if phase == 1 {
                (self.spare.0.cast_const(), self.spare.1)
            } else if common.seen.is_some() {
                (
                    common.seen.row(self.first, of.time(at)).wrapping_add(column).cast_const(),
                    common.seen.stride(),
                )
            } else {
                (self.state.0.cast_const(), self.state.1)
            };
            let bias = self.all.bias.row(0, 0);
            let bias = if bias.is_null() { bias } else { bias.wrapping_add(column) };
            // SAFETY: as in `begin`; the rows have these lengths.
            unsafe {
                common.product(
                    part,
                    self.rows,
                    a,
                    bias,
                    (self.products.0.wrapping_add(column), self.products.1),
                );
            }
        }
    }

    /// A step that does not count.
    unsafe fn pass_by(&self, row: &Row<T>) {
        // SAFETY: as in `begin`.
        unsafe {
            let state = slice(row.state, row.units);
            let [next, out] = row.copies;
            if !next.is_null() {
                slice_mut(next, row.units).copy_from_slice(state);
            }
            if !out.is_null() {
                let zero = self.all.common.of.zero_output_for_mask;
                fill(if zero { std::ptr::null_mut() } else { row.state }, slice_mut(out, row.units));
            }
            if !row.carry[0].is_null() {
                slice_mut(row.carry[1], row.units).copy_from_slice(slice(row.carry[0], row.units));
            }
        }
    }

    /// Writes what is asked for after the last step.
    unsafe fn end(&self) {
        let of = self.all.common.of;
        for r in 0..self.rows {
            let (row, sample) = (self.row(r, of.steps - 1), self.first + r);
            let write = |to: &Rows<T>, from: *mut T| {
                if to.is_some() {
                    // SAFETY: as in `begin`.
                    unsafe { fill(from, slice_mut(to.row(sample, 0), of.units)) }
                }
            };
            let zero = of.zero_output_for_mask && !self.counts(r, of.steps - 1);
            write(&self.all.last, if zero { std::ptr::null_mut() } else { row.state });
            write(&self.all.end[0], row.state);
            write(&self.all.end[1], row.carry[1]);
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
                    fused::forward::<T, L>(
                        self.slice.all.common.of.cell,
                        self.phase,
                        &self.slice.row(r, self.at),
                    )
                }
            }
        }
    }
}

/// # Safety
/// `len` numbers are there, and nobody writes to them.
pub(super) unsafe fn slice<'a, T>(row: *const T, len: usize) -> &'a [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts(row, len) }
}

/// # Safety
/// `len` numbers are there, and the caller's.
pub(super) unsafe fn slice_mut<'a, T>(row: *mut T, len: usize) -> &'a mut [T] {
    // SAFETY: the caller's promise.
    unsafe { std::slice::from_raw_parts_mut(row, len) }
}

/// Copies a row, or zeros if there is none.
///
/// # Safety
/// Null, or as many numbers as `to` has are there, and nobody writes to them.
pub(super) unsafe fn fill<T: Real>(from: *const T, to: &mut [T]) {
    if from.is_null() {
        to.fill(T::zero());
    } else {
        // SAFETY: the caller's promise.
        to.copy_from_slice(unsafe { slice(from, to.len()) });
    }
}
