//! A slice of the batch: where its rows lie, and its products with the recurrent kernel.

use super::{Backward, Forward, GAP, Kept, Kernel, Recurrent};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::matmul::passes::few_rows;
use crate::matmul::tile::{Isa, Tiled};
use crate::matmul::{Gemm, Strides, packed_len};
use crate::{Float, View};

/// A buffer of rows, or none.
#[derive(Clone, Copy)]
pub(super) struct Rows<T> {
    start: *mut T,
    /// From one sample to the next, and from one step to the next.
    sample: usize,
    step: usize,
}

// SAFETY: the address of a view, which may be sent; tasks use rows of their own samples.
unsafe impl<T> Send for Rows<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Rows<T> {}

impl<T: Float> Rows<T> {
    /// Rows of `width` numbers, so many a sample, or none.
    ///
    /// # Panics
    /// If the view has another size.
    #[track_caller]
    pub(super) fn of(view: Option<View>, batch: usize, rows: usize, width: usize) -> Rows<T> {
        let start = view.map_or(std::ptr::null_mut(), |view| {
            assert!(view.size() == batch * rows * width, "{view:?} for {batch} x {rows} x {width}");
            Raw::<T>::of(view).at(0)
        });
        Rows { start, sample: rows * width, step: width }
    }

    /// As [`Rows::of`], where the rows of all samples follow each other.
    #[track_caller]
    fn piled(view: Option<View>, batch: usize, rows: usize, width: usize) -> Rows<T> {
        Rows { sample: width, step: batch * width, ..Rows::of(view, batch, rows, width) }
    }

    /// The row of a sample at a step; null if there is no buffer.
    #[inline(always)]
    pub(super) fn row(&self, sample: usize, step: usize) -> *mut T {
        if self.start.is_null() {
            return self.start;
        }
        self.start.wrapping_add(sample * self.sample + step * self.step)
    }

    pub(super) fn is_some(&self) -> bool {
        !self.start.is_null()
    }

    /// From one sample to the next.
    pub(super) fn stride(&self) -> usize {
        self.sample
    }
}

/// [`Kept`] and the recurrent kernel as rows.
#[derive(Clone, Copy)]
pub(super) struct Common<'a, T: 'static> {
    pub(super) of: &'a Recurrent,
    pub(super) gates: Rows<T>,
    pub(super) inputs: Rows<T>,
    pub(super) states: Rows<T>,
    pub(super) carries: Rows<T>,
    pub(super) inner: Rows<T>,
    pub(super) seen: Rows<T>,
    /// A row for each gate.
    pub(super) factors: Rows<T>,
    mask: Option<Raw<u8>>,
    kernel: Raw<T>,
    packed: Option<Raw<T>>,
    isa: Isa<T>,
}

impl<'a, T: Real + Tiled> Common<'a, T> {
    fn new(of: &'a Recurrent, kept: &Kept, kernel: Kernel, packed_len: usize) -> Self {
        let Recurrent { batch, steps, units, cell, .. } = *of;
        let wide = cell.gates() * units;
        assert!(of.apart || (kept.factors.is_none() && cell != super::Cell::Gru { reset_after: false }));
        let gates = Rows::of(Some(kept.gates), batch, steps, wide);
        Common {
            of,
            gates,
            inputs: kept.inputs.map_or(gates, |inputs| Rows::of(Some(inputs), batch, steps, wide)),
            states: Rows::of(Some(kept.states), batch, steps, units),
            carries: Rows::of(kept.carries, batch, steps + 1, units),
            inner: Rows::of(kept.inner, batch, steps, units),
            seen: Rows::of(kept.factors.and(kept.seen), batch, steps, wide),
            factors: Rows::piled(kept.factors, batch, cell.gates(), units),
            mask: kept.mask.map(|mask| Raw::sized(mask, batch * steps)),
            kernel: Raw::sized(kernel.view, units * wide),
            packed: kernel.packed.map(|packed| Raw::sized(packed, packed_len)),
            isa: T::isa(),
        }
    }

    /// Whether a step of a sample counts.
    #[inline(always)]
    pub(super) fn counts(&self, sample: usize, time: usize) -> bool {
        // SAFETY: inside the mask, which nobody writes.
        self.mask.is_none_or(|mask| unsafe { mask.get(sample * self.of.steps + time) } != 0)
    }

    /// A product of `rows` states with a part of the recurrent kernel.
    ///
    /// # Safety
    /// `a` has rows of [`Recurrent::units`], `c` of [`Recurrent::part`] numbers, and C is the caller's.
    pub(super) unsafe fn product(
        &self,
        part: usize,
        rows: usize,
        a: (*const T, usize),
        bias: *const T,
        c: (*mut T, usize),
    ) {
        let (of, wide) = (self.of, self.of.cell.gates() * self.of.units);
        let gemm = Gemm {
            a: Strides::rows(a.1),
            b: Strides::rows(wide),
            c: Strides::rows(c.1),
            ..Gemm::new(rows, of.part(), of.units)
        };
        let (first, len) = (part * of.part(), packed_len(of.part(), of.units));
        // Tiles of few rows that are wider than a packed panel read the kernel in longer stretches where it lies.
        let wider = self.isa.next_cols(rows, of.part()) > self.isa.cols;
        let (gemm, b) = match self.packed {
            Some(packed) if !wider => (gemm.b_packed([0, 0]), packed.at(part * len)),
            _ => (gemm, self.kernel.at(first)),
        };
        // SAFETY: the kernel has the parts, as `new` saw; the rest is the caller's promise.
        unsafe { few_rows(self.isa, &gemm, a.0, b, bias, c.0, false) }
    }

    /// A product of `rows` gradients with the transpose of a part of the recurrent kernel.
    ///
    /// # Safety
    /// `a` has rows of [`Recurrent::part`], `c` of [`Recurrent::units`] numbers, and C is the caller's.
    pub(super) unsafe fn product_back(
        &self,
        part: usize,
        rows: usize,
        a: (*const T, usize),
        c: (*mut T, usize),
        adds: bool,
    ) {
        let (of, wide) = (self.of, self.of.cell.gates() * self.of.units);
        let gemm = Gemm {
            a: Strides::rows(a.1),
            b: Strides::transposed(wide),
            c: Strides::rows(c.1),
            ..Gemm::new(rows, of.units, of.part())
        };
        let (first, len) = (part * of.part(), packed_len(of.units, of.part()));
        let (gemm, b) = match self.packed {
            Some(packed) => (gemm.b_packed([0, 0]), packed.at(part * len)),
            None => (gemm, self.kernel.at(first)),
        };
        // SAFETY: as in `product`.
        unsafe { few_rows(self.isa, &gemm, a.0, b, std::ptr::null(), c.0, adds) }
    }
}

/// Numbers that a slice works in: its rows' part of a buffer of so many numbers a sample, one kind of row after the other.
#[derive(Clone, Copy)]
pub(super) struct Local<T> {
    start: *mut T,
    rows: usize,
}

impl<T: Float> Local<T> {
    pub(super) fn new(view: View, len: usize, first: usize, rows: usize) -> Local<T> {
        Local { start: Raw::sized(view, (first + rows) * len).at(first * len), rows }
    }

    /// Takes rows of `width` numbers: where they start, and how far they are apart.
    pub(super) fn take(&mut self, width: usize) -> (*mut T, usize) {
        let start = self.start;
        self.start = start.wrapping_add(self.rows * (width + GAP));
        (start, width + GAP)
    }
}

/// The operands of [`Forward`] as rows.
#[derive(Clone, Copy)]
pub(super) struct ForwardRows<'a, T: 'static> {
    pub(super) common: Common<'a, T>,
    pub(super) bias: Rows<T>,
    pub(super) start: [Rows<T>; 2],
    pub(super) sequence: Rows<T>,
    pub(super) last: Rows<T>,
    pub(super) end: [Rows<T>; 2],
    pub(super) local: View,
}

impl<'a, T: Real + Tiled> ForwardRows<'a, T> {
    pub(super) fn new(of: &'a Recurrent, on: &Forward) -> Self {
        let Recurrent { batch, steps, units, cell, .. } = *of;
        let state = |view: Option<View>| Rows::of(view, batch, 1, units);
        ForwardRows {
            common: Common::new(of, &on.kept, on.kernel, of.packed_len()),
            bias: Rows::of(on.bias, 1, 1, cell.gates() * units),
            start: on.start.map(state),
            sequence: Rows::of(on.sequence, batch, steps, units),
            last: state(on.last),
            end: on.end.map(state),
            local: on.local,
        }
    }
}

/// The operands of [`Backward`] as rows.
#[derive(Clone, Copy)]
pub(super) struct BackwardRows<'a, T: 'static> {
    pub(super) common: Common<'a, T>,
    pub(super) sequence: Rows<T>,
    pub(super) last: Rows<T>,
    pub(super) end: [Rows<T>; 2],
    pub(super) gradients: Rows<T>,
    pub(super) start: [Rows<T>; 2],
    pub(super) adds: [bool; 2],
    pub(super) local: View,
}

impl<'a, T: Real + Tiled> BackwardRows<'a, T> {
    pub(super) fn new(of: &'a Recurrent, on: &Backward) -> Self {
        let Recurrent { batch, steps, units, cell, .. } = *of;
        let state = |view: Option<View>| Rows::of(view, batch, 1, units);
        BackwardRows {
            common: Common::new(of, &on.kept, on.kernel, of.packed_back_len()),
            sequence: Rows::of(on.sequence, batch, steps, units),
            last: state(on.last),
            end: on.end.map(state),
            gradients: Rows::of(Some(on.gradients), batch, steps, cell.gradients() * units),
            start: on.start.map(|grad| state(grad.map(|grad| grad.view))),
            adds: on.start.map(|grad| grad.is_some_and(|grad| grad.adds())),
            local: on.local,
        }
    }
}
