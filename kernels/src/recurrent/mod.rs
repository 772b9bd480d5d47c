//! Recurrent cells: all steps of a sequence in one call.
//!
//! Samples are independent of each other in a recurrence, so the batch is cut into slices, and a task takes its slice through all steps:
//! forking costs once a sequence, and a state stays in the first cache between steps. The products of the inputs with the kernel, and the
//! gradients of the weights, are products over all steps that come before and after; they are not made here.
//!
//! A step has a product of the slice's states with the recurrent kernel, and one pass over the rows that computes gates, carry and state.
//! With Keras' own activations (`tanh`, and `sigmoid` for gates) that pass is vector code; others, which may be any function of
//! the units of a sample, run row by row by the definition, which is the oracle of the fast one too.

mod back;
mod cpu;
mod forward;
mod fused;
mod lanes;
mod plain;
mod slice;
#[cfg(test)]
mod tests;

use crate::activation::Activation;
use crate::matmul::packed_len;
use crate::{Grad, View};

/// What a step computes. `x` is the input's product with the kernel, bias included; `h`, `c` are the state and the carry before the step.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Cell {
    /// `h = activation(x + h R)`.
    Simple,
    /// `i, f, g, o = x + h R`, activated (`g` by `activation`, the others by `recurrent_activation`); then `c = f c + i g` and
    /// `h = o activation(c)`.
    Lstm,
    /// `z, r = recurrent_activation(x + h R)`, `g = activation(x + r (h R + b))` or, with the reset gate before the product,
    /// `g = activation(x + (r h) R)`; then `h = z h + (1 - z) g`.
    Gru {
        /// Whether the reset gate is applied after the product.
        reset_after: bool,
    },
}

impl Cell {
    /// Columns of the kernels, in units.
    pub const fn gates(self) -> usize {
        match self {
            Cell::Simple => 1,
            Cell::Lstm => 4,
            Cell::Gru { .. } => 3,
        }
    }

    /// Pieces of a row of gradients, in units: those of the gates' inputs, and for a reset gate after the product that of the candidate's
    /// `h R + b` too.
    pub const fn gradients(self) -> usize {
        match self {
            Cell::Gru { reset_after: true } => 4,
            _ => self.gates(),
        }
    }

    /// Whether it has a carry beside its state.
    pub const fn carries(self) -> bool {
        matches!(self, Cell::Lstm)
    }

    /// Whether it keeps one more value a step: the candidate's `h R + b`, or `r h`.
    pub const fn has_inner(self) -> bool {
        matches!(self, Cell::Gru { .. })
    }
}

/// A cell and the sequences that it runs over.
#[derive(Clone, Copy, Debug)]
pub struct Recurrent {
    /// The cell.
    pub cell: Cell,
    /// Samples.
    pub batch: usize,
    /// Steps of each.
    pub steps: usize,
    /// Size of the state.
    pub units: usize,
    /// Of the candidate and the carry.
    pub activation: Activation,
    /// Of the gates.
    pub recurrent_activation: Activation,
    /// Steps are taken from the last to the first.
    pub backwards: bool,
    /// Each gate sees a state of its own: every cell may, with factors ([`Kept::factors`]); one with the reset gate before the product must.
    pub apart: bool,
    /// Outputs of masked steps are zero, not the state.
    pub zero_output_for_mask: bool,
}

/// Numbers between rows of what a slice works in, so that they do not collide in the first cache.
const GAP: usize = 16;

impl Recurrent {
    /// Products with the recurrent kernel at a step.
    const fn parts(&self) -> usize {
        if self.apart { self.cell.gates() } else { 1 }
    }

    /// Columns of each.
    const fn part(&self) -> usize {
        self.cell.gates() * self.units / self.parts()
    }

    /// Elements of the recurrent kernel packed for [`Recurrence::recur`].
    pub const fn packed_len(&self) -> usize {
        self.parts().saturating_mul(packed_len(self.part(), self.units))
    }

    /// Elements of the recurrent kernel packed for [`Recurrence::recur_back`].
    pub const fn packed_back_len(&self) -> usize {
        self.parts().saturating_mul(packed_len(self.units, self.part()))
    }

    /// Numbers a sample that [`Recurrence::recur`] works in.
    pub const fn local_len(&self) -> usize {
        // The state, the products, a spare row.
        (2 + self.cell.gates()).saturating_mul(self.units).saturating_add(3 * GAP)
    }

    /// Numbers a sample that [`Recurrence::recur_back`] works in.
    pub const fn local_back_len(&self) -> usize {
        // Gradients of the state and the carry, of the gates, a spare row.
        (3 + self.cell.gates()).saturating_mul(self.units).saturating_add(4 * GAP)
    }

    /// The step that is taken as number `at`.
    #[inline]
    const fn time(&self, at: usize) -> usize {
        if self.backwards { self.steps - 1 - at } else { at }
    }

    /// Samples of one slice, by the sizes alone: enough for the multipliers to outrun the cache that the recurrent kernel is in, and slices
    /// enough for some threads.
    const fn rows(&self) -> usize {
        let most = if self.units * self.cell.gates() * self.units <= IN_SECOND_CACHE { 4 } else { 16 };
        let rows = self.batch.div_ceil(4);
        if rows < 4 {
            4
        } else if rows > most {
            most
        } else {
            rows
        }
    }
}

/// Numbers of a recurrent kernel that stays in the second cache beside all else, where few rows keep the multipliers busy.
const IN_SECOND_CACHE: usize = 1 << 16;

/// The recurrent kernel. What is packed pays where there are several steps, and changes no bit.
#[derive(Clone, Copy, Debug)]
pub struct Kernel {
    /// `[units, gates * units]`.
    pub view: View,
    /// What [`Recurrence::recur_pack`] made of it for the pass it is given to.
    pub packed: Option<View>,
}

/// What all passes over a sequence read and keep. Buffers of steps are `[batch, steps, ..]`, in the order of time.
#[derive(Clone, Copy, Debug)]
pub struct Kept {
    /// `[.., gates * units]`: what the gates yield. Forward finds the inputs' products here, unless `inputs` is given.
    pub gates: View,
    /// `[.., gates * units]`: what the gates' activations get; forward finds the inputs' products here. Needed where an activation's gradient
    /// needs its input.
    pub inputs: Option<View>,
    /// `[.., units]`: the state before each step.
    pub states: View,
    /// `[batch, steps + 1, units]`, in the order in which steps are taken: the carry before each step and after the last.
    pub carries: Option<View>,
    /// `[.., units]`: see [`Cell::has_inner`].
    pub inner: Option<View>,
    /// `[.., gates * units]`: the state times `factors`.
    pub seen: Option<View>,
    /// `[gates, batch, units]`: factors of the state as each gate sees it.
    pub factors: Option<View>,
    /// `[batch, steps]` of bool: steps that count. Others leave the state as it was.
    pub mask: Option<View>,
}

/// The operands of [`Recurrence::recur`].
#[derive(Clone, Copy, Debug)]
pub struct Forward {
    /// What backward reads, too.
    pub kept: Kept,
    /// The recurrent kernel.
    pub kernel: Kernel,
    /// `[gates * units]`, added to the product with the recurrent kernel.
    pub bias: Option<View>,
    /// State and carry before the first step, zero if not given.
    pub start: [Option<View>; 2],
    /// The output of all steps, in the order in which they are taken.
    pub sequence: Option<View>,
    /// The output of the last step.
    pub last: Option<View>,
    /// State and carry after the last step.
    pub end: [Option<View>; 2],
    /// [`Recurrent::local_len`] numbers a sample.
    pub local: View,
}

/// The operands of [`Recurrence::recur_back`].
#[derive(Clone, Copy, Debug)]
pub struct Backward {
    /// What forward kept.
    pub kept: Kept,
    /// The recurrent kernel.
    pub kernel: Kernel,
    /// Gradient of the output of all steps.
    pub sequence: Option<View>,
    /// Gradient of the output of the last step.
    pub last: Option<View>,
    /// Gradients of state and carry after the last step.
    pub end: [Option<View>; 2],
    /// `[batch, steps, gradients * units]`, written: see [`Cell::gradients`]. Zero at masked steps.
    pub gradients: View,
    /// Gradients of state and carry before the first step.
    pub start: [Option<Grad>; 2],
    /// [`Recurrent::local_back_len`] numbers a sample.
    pub local: View,
}

/// Recurrent cells.
pub trait Recurrence {
    /// Runs a cell over sequences.
    fn recur(&self, of: &Recurrent, on: &Forward);

    /// The gradients of that, from those of the outputs.
    fn recur_back(&self, of: &Recurrent, on: &Backward);

    /// Packs the recurrent kernel for both ways, [`Recurrent::packed_len`] and [`Recurrent::packed_back_len`] elements.
    fn recur_pack(&self, of: &Recurrent, kernel: View, forward: View, back: View);
}
