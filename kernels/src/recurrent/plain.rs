//! The passes over a row with any activations, by the definition.

use super::back::BackRow;
use super::forward::{Row, slice, slice_mut};
use super::{Cell, Recurrent};
use crate::activation::{Activation, Activations};
use crate::cpu::math::Real;
use crate::{Cpu, Grad, Shape, View};

/// A row as a batch of one sample.
fn view<T: Real>(row: *const T, units: usize) -> View {
    // SAFETY: the row is there for the call that it is made for; who calls sees to it that it is not used otherwise.
    unsafe { View::new(row.cast_mut().cast(), Shape::of(&[1, units]), T::DTYPE) }
}

/// `to += a * b`.
pub(super) fn add_product<T: Real>(to: &mut [T], a: &[T], b: &[T]) {
    for ((to, a), b) in to.iter_mut().zip(a).zip(b) {
        *to += *a * *b;
    }
}

/// Applies an activation to a row.
fn activate<T: Real>(device: &Cpu, f: Activation, units: usize, x: *const T, y: *mut T) {
    device.activation(f, view(x, units), view(y, units));
}

/// Turns the gradient of a row into that of what its activation got. `x` is looked at only where the gradient needs it.
fn activate_back<T: Real>(device: &Cpu, f: Activation, units: usize, x: *const T, y: *const T, d: *mut T) {
    let x = (!f.grad_from_output()).then(|| view(x, units));
    device.activation_grad(f, x, view(y, units), view(d, units), Grad::write(view(d, units)));
}

/// One phase of a step.
///
/// # Safety
/// The row's pointers have all units, and are the caller's.
pub(super) unsafe fn forward<T: Real>(device: &Cpu, of: &Recurrent, phase: usize, row: &Row<T>) {
    let n = row.units;
    // SAFETY: the caller's promise.
    unsafe {
        let gates = 0..of.cell.gates();
        // With the reset gate before the product the candidate comes in the second phase; after it, it waits for the reset gate.
        let gates = match (of.cell, phase) {
            (Cell::Gru { .. }, 0) => 0..2,
            (Cell::Gru { .. }, _) => 2..3,
            _ => gates,
        };
        for gate in gates {
            let x = add(row, gate, |j| *row.products.add(gate * n + j));
            let candidate = gate == 2 || of.cell == Cell::Simple;
            let f = if candidate { of.activation } else { of.recurrent_activation };
            activate(device, f, n, x, row.gates.add(gate * n));
        }
        let gate = |gate: usize| slice(row.gates.add(gate * n).cast_const(), n);
        let state = slice_mut(row.state, n);
        match of.cell {
            Cell::Simple => state.copy_from_slice(gate(0)),
            Cell::Lstm => {
                let ([before, after], spare) = (row.carry, slice_mut(row.spare, n));
                let (before, after) = (slice(before, n), slice_mut(after, n));
                for j in 0..n {
                    after[j] = gate(1)[j] * before[j] + gate(0)[j] * gate(2)[j];
                }
                activate(device, of.activation, n, after.as_ptr(), spare.as_mut_ptr());
                for j in 0..n {
                    state[j] = gate(3)[j] * spare[j];
                }
            }
            Cell::Gru { reset_after: false } if phase == 0 => {
                let (seen, inner, spare) =
                    (slice(row.seen, n), slice_mut(row.inner, n), slice_mut(row.spare, n));
                for j in 0..n {
                    inner[j] = gate(1)[j] * seen[j];
                }
                spare.copy_from_slice(inner);
                return;
            }
            Cell::Gru { reset_after } => {
                if reset_after {
                    let (inner, r) = (slice_mut(row.inner, n), gate(1));
                    inner.copy_from_slice(slice(row.products.add(2 * n), n));
                    let x = add(row, 2, |j| r[j] * inner[j]);
                    activate(device, of.activation, n, x, row.gates.add(2 * n));
                }
                for j in 0..n {
                    state[j] = gate(2)[j] + gate(0)[j] * (state[j] - gate(2)[j]);
                }
            }
        }
        for copy in row.copies.into_iter().filter(|copy| !copy.is_null()) {
            slice_mut(copy, n).copy_from_slice(state);
        }
    }
}

/// Adds something to a gate's input, and tells where that is.
unsafe fn add<T: Real>(row: &Row<T>, gate: usize, what: impl Fn(usize) -> T) -> *const T {
    // SAFETY: the contract of `forward`.
    let x = unsafe { slice_mut(row.inputs.add(gate * row.units), row.units) };
    x.iter_mut().enumerate().for_each(|(j, x)| *x += what(j));
    x.as_ptr()
}

/// One phase of a step back.
///
/// # Safety
/// As [`forward`].
pub(super) unsafe fn back<T: Real>(device: &Cpu, of: &Recurrent, phase: usize, row: &BackRow<T>) {
    let n = row.units;
    // SAFETY: the caller's promise.
    unsafe {
        let gate = |gate: usize| slice(row.gates.add(gate * n), n);
        let dgate = |gate: usize| slice_mut(row.dgates.add(gate * n), n);
        let keep = |gate: usize| slice_mut(row.gradients.add(gate * n), n).copy_from_slice(dgate(gate));
        let activate_back = |f: Activation, gate: usize| {
            let at = gate * n;
            activate_back(device, f, n, row.inputs.add(at), row.gates.add(at), row.dgates.add(at));
        };
        let dstate = slice_mut(row.dstate, n);
        match of.cell {
            Cell::Simple => {
                dgate(0).copy_from_slice(dstate);
                activate_back(of.activation, 0);
                keep(0);
                dstate.fill(T::zero());
            }
            Cell::Lstm => {
                let (dcarry, active, after) =
                    (slice_mut(row.dcarry, n), slice_mut(row.spare, n), row.carry[1]);
                activate(device, of.activation, n, after, active.as_mut_ptr());
                for j in 0..n {
                    dgate(3)[j] = dstate[j] * active[j];
                    dstate[j] *= gate(3)[j];
                }
                self::activate_back(device, of.activation, n, after, active.as_ptr(), dstate.as_mut_ptr());
                let before = slice(row.carry[0], n);
                for j in 0..n {
                    let dc = dcarry[j] + dstate[j];
                    dgate(0)[j] = dc * gate(2)[j];
                    dgate(1)[j] = dc * before[j];
                    dgate(2)[j] = dc * gate(0)[j];
                    dcarry[j] = dc * gate(1)[j];
                }
                for at in 0..4 {
                    activate_back(if at == 2 { of.activation } else { of.recurrent_activation }, at);
                    keep(at);
                }
                dstate.fill(T::zero());
            }
            Cell::Gru { reset_after } => {
                let before = slice(row.state, n);
                if phase == 0 {
                    for j in 0..n {
                        dgate(0)[j] = dstate[j] * (before[j] - gate(2)[j]);
                        let kept = dstate[j] * gate(0)[j];
                        dgate(2)[j] = dstate[j] - kept;
                        dstate[j] = kept;
                    }
                    activate_back(of.recurrent_activation, 0);
                    activate_back(of.activation, 2);
                    keep(0);
                    keep(2);
                }
                if reset_after {
                    let inner = slice(row.inner, n);
                    for j in 0..n {
                        dgate(1)[j] = dgate(2)[j] * inner[j];
                        dgate(2)[j] *= gate(1)[j];
                    }
                    slice_mut(row.gradients.add(3 * n), n).copy_from_slice(dgate(2));
                } else if phase == 1 {
                    let (dinner, seen) = (slice(row.spare, n), slice(row.seen, n));
                    for j in 0..n {
                        let factor = if row.factors.is_null() { T::one() } else { *row.factors.add(j) };
                        dgate(1)[j] = dinner[j] * seen[j];
                        dstate[j] += dinner[j] * gate(1)[j] * factor;
                    }
                }
                if reset_after || phase == 1 {
                    activate_back(of.recurrent_activation, 1);
                    keep(1);
                }
            }
        }
    }
}
