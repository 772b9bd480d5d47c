//! The transform of a kernel, packed in the order in which the products read it.

use super::super::Conv;
use super::transformed_len;
use super::transforms::{self, LANES, PRODUCTS, ZEROS};
use crate::View;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{self, Kernel, Level};
use crate::cpu::threads;
use crate::matmul::pack::pack as pack_panel;
use crate::matmul::tile::{Isa, MAX_COLS};

/// Taps of a kernel.
const TAPS: usize = 9;

/// Channels of one task.
const CHANNELS: usize = 16;

/// Elements of one tap, or product, of a task.
const PART: usize = CHANNELS * MAX_COLS;

/// Distance of the products beside the panel: they are written in turn, and at a power of two they would meet in the cache.
const STEP: usize = PART + LANES;

/// How the kernel is read: forward as it lies; backward turned round, filters as channels.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in super::super) enum Turn {
    Forward,
    Backward,
}

/// Transforms the kernel of `conv`: for each panel of columns, each of the 36 products, each channel: a row of the panel.
pub(in super::super) fn pack(isa: Isa<f32>, conv: &Conv, turn: Turn, kernel: View, to: View) {
    let (channels, columns) = match turn {
        Turn::Forward => (conv.channels, conv.filters),
        Turn::Backward => (conv.filters, conv.channels),
    };
    let from = Raw::<f32>::sized(kernel, TAPS * conv.channels * conv.filters);
    let to = Raw::<f32>::sized(to, transformed_len(channels, columns));
    let steps = match turn {
        Turn::Forward => (conv.filters, 1),
        Turn::Backward => (1, conv.filters),
    };
    let parts = channels.div_ceil(CHANNELS);
    threads::tasks(columns.div_ceil(isa.cols) * parts, PRODUCTS * channels * columns, |task| {
        let (j, first) = (task / parts * isa.cols, task % parts * CHANNELS);
        let cols = (columns - j).min(isa.cols);
        let width = isa.width(cols);
        let some = CHANNELS.min(channels - first);
        let mut taps = [0.0; TAPS * PART];
        for tap in 0..TAPS {
            let read = if turn == Turn::Forward { tap } else { TAPS - 1 - tap };
            let start = read * conv.channels * conv.filters + first * steps.0 + j * steps.1;
            let to = taps[tap * PART..].as_mut_ptr();
            // SAFETY: `some` channels and `cols` columns of the tap exist; its part of `taps` has room for `CHANNELS` rows.
            unsafe { pack_panel(from.at(start), steps.0, steps.1, some, cols, width, to) };
        }
        let mut products = [0.0; PRODUCTS * STEP];
        simd::run(Transform { taps: &taps, products: &mut products, len: some * width });
        for (product, values) in products.chunks_exact(STEP).enumerate() {
            // Panels before this one are full: `PRODUCTS * channels * j` elements.
            let start = PRODUCTS * channels * j + (product * channels + first) * width;
            // SAFETY: rows of the panel that are this task's alone, inside what was measured above.
            unsafe { to.slice_mut(start, some * width) }.copy_from_slice(&values[..some * width]);
        }
    });
}

/// Transforms some channels of a panel, beside it.
struct Transform<'a> {
    taps: &'a [f32; TAPS * PART],
    products: &'a mut [f32; PRODUCTS * STEP],
    /// Elements of each tap; a multiple of [`LANES`], or there is room for one.
    len: usize,
}

impl Kernel for Transform<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        for at in (0..self.len).step_by(LANES) {
            transforms::kernel::<L>(
                |y, x| self.taps[(y * 3 + x) * PART + at..].first_chunk().unwrap_or(&ZEROS),
                |product, values| self.products[product * STEP + at..][..LANES].copy_from_slice(values),
            );
        }
    }
}
