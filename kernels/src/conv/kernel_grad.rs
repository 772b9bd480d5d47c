//! The gradient of a convolution's kernel: `x^T dy` for each tap, summed over all output pixels.
//!
//! The sum runs along lines of output pixels. `dy` is packed a few lines at a time; the rows of a tile are channels
//! of `x`, read where they lie; the part of a line whose window reaches into the padding is left out.

use std::ops::Range;

use super::{Conv, MAX_SPATIAL};
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::pack::{MAX_DEPTH, Panel, pack};
use crate::matmul::tile::{Ahead, Epilogue, Isa, MAX_ROWS, Segment, Tile, Tiled};
use crate::{Grad, View};

/// Most lines in one run of a tile.
const MAX_LINES: usize = 32;

/// Rows of the kernel that a task should have at least: each packs `dy` again.
const TASK_ROWS: usize = 192;

/// The gradient of the kernel.
pub(super) fn kernel_grad<T: Tiled>(isa: Isa<T>, conv: &Conv, x: View, dy: View, dkernel: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let pass = Pass::<T> {
        conv,
        x: Raw::sized(x, x_size),
        dy: Raw::sized(dy, y_size),
        to: Raw::sized(dkernel.view, kernel_size),
        adds: dkernel.adds(),
        channels: conv.channels / conv.groups,
        columns: conv.filters / conv.groups,
    };
    if kernel_size == 0 {
        return;
    }
    let taps: usize = conv.kernel.iter().product();
    let each = TASK_ROWS.div_ceil(pass.channels).min(taps);
    let (tasks, panels) = (taps.div_ceil(each), pass.columns.div_ceil(isa.cols));
    threads::tasks(conv.groups * tasks * panels, conv.work(), |task| {
        let (group, part) = (task / (tasks * panels), task % (tasks * panels));
        let (from, panel) = (part / panels * each, part % panels);
        pass.panel(isa, from..(from + each).min(taps), group, panel * isa.cols);
    });
}

impl Conv {
    /// Elementary operations of one pass, as [`threads::tasks`] counts them.
    fn work(&self) -> usize {
        self.sizes().2.saturating_mul(self.kernel.iter().product::<usize>() * self.channels / self.groups)
            / MULTIPLICATIONS
    }

    /// The outputs along the last dimension whose tap `tap` is inside the input.
    pub(super) fn inside(&self, tap: usize) -> Range<usize> {
        let last = MAX_SPATIAL - 1;
        let (ahead, stride) = (tap * self.dilation[last], self.strides[last]);
        let low = self.padding[last].saturating_sub(ahead).div_ceil(stride);
        let high = (self.input[last] + self.padding[last]).saturating_sub(ahead).div_ceil(stride);
        low.min(self.output[last])..high.min(self.output[last])
    }

    /// The input line, counted over the batch, that tap `tap` of output line `line` reads; `None` in the padding.
    pub(super) fn line(&self, line: usize, tap: [usize; MAX_SPATIAL]) -> Option<usize> {
        let [a, b, _] = self.output;
        let at = [line / b % a, line % b];
        let mut read = line / (a * b);
        for i in 0..MAX_SPATIAL - 1 {
            let here = (at[i] * self.strides[i] + tap[i] * self.dilation[i]).checked_sub(self.padding[i])?;
            if here >= self.input[i] {
                return None;
            }
            read = read * self.input[i] + here;
        }
        Some(read)
    }
}

struct Pass<'a, T> {
    conv: &'a Conv,
    x: Raw<T>,
    dy: Raw<T>,
    to: Raw<T>,
    adds: bool,
    /// Input channels of a group.
    channels: usize,
    /// Filters of a group.
    columns: usize,
}

impl<T: Tiled> Pass<'_, T> {
    /// Some taps of the kernel, and the columns of a tile from filter `j` of a group.
    fn panel(&self, isa: Isa<T>, taps: Range<usize>, group: usize, j: usize) {
        let conv = self.conv;
        let last = MAX_SPATIAL - 1;
        let across = conv.output[last];
        let cols = (self.columns - j).min(isa.cols);
        let width = isa.width(cols);
        let column = group * self.columns + j;
        let mut panel = Panel::<T>::new();
        // Long lines are cut, short ones taken together.
        let piece = across.div_ceil(across.div_ceil(MAX_DEPTH).max(1)).max(1);
        let (pieces, at_once) = (across.div_ceil(piece), (MAX_DEPTH / piece).clamp(1, MAX_LINES));
        let stretches = conv.batch * conv.output[0] * conv.output[1] * pieces;
        let tile_rows = isa.even_rows(self.channels);
        // Runs once without any pixel too: the gradient is written all the same.
        let mut from = 0;
        loop {
            let some = from..(from + at_once).min(stretches);
            for (i, stretch) in some.clone().enumerate() {
                let (line, w) = (stretch / pieces, stretch % pieces * piece);
                let dy = self.dy.at((line * across + w) * conv.filters + column);
                let to = panel.as_mut_ptr().wrapping_add(i * piece * width);
                // SAFETY: the pixels are inside `dy`, and the panel has room for `at_once` stretches.
                unsafe { pack(dy, conv.filters, 1, piece.min(across - w), cols, width, to) };
            }
            let epilogue = Epilogue::gradient(self.to.at(0), self.adds || from > 0);
            for index in taps.clone() {
                let tap = conv.tap(index);
                let inside = conv.inside(tap[last]);
                // Where the first channel of each stretch lies, and its part of the panel.
                let mut parts = [(0, 0, 0); MAX_LINES];
                let mut count = 0;
                for (i, stretch) in some.clone().enumerate() {
                    let (line, w) = (stretch / pieces, stretch % pieces * piece);
                    let reach = inside.start.max(w)..inside.end.min(w + piece);
                    let Some(read) = conv.line(line, tap) else { continue };
                    if reach.is_empty() {
                        continue;
                    }
                    let at = reach.start * conv.strides[last] + tap[last] * conv.dilation[last]
                        - conv.padding[last];
                    let x = (read * conv.input[last] + at) * conv.channels + group * self.channels;
                    parts[count] = (x, (i * piece + reach.start - w) * width, reach.len());
                    count += 1;
                }
                for channel in (0..self.channels).step_by(tile_rows) {
                    let rows = (self.channels - channel).min(tile_rows);
                    let mut segments = [Segment::EMPTY; MAX_LINES];
                    for ((x, b, len), segment) in parts[..count].iter().zip(&mut segments) {
                        for row in 0..rows {
                            segment.rows[row] = self.x.at(x + channel + row);
                        }
                        segment.b = panel.as_mut_ptr().wrapping_add(*b);
                        segment.len = *len;
                    }
                    let mut c = [std::ptr::null_mut(); MAX_ROWS];
                    for row in 0..rows {
                        let row_of_kernel = index * self.channels + channel + row;
                        c[row] = self.to.at(row_of_kernel * conv.filters + column);
                    }
                    let tile = Tile {
                        segments: &segments[..count],
                        a_step: conv.strides[last] * conv.channels,
                        b_step: width,
                        rows,
                        cols,
                        c,
                        epilogue,
                        ahead: Ahead::NONE,
                    };
                    // SAFETY: the stretches are inside `x` and the packed panel; taps and columns of the kernel
                    // belong to one task.
                    unsafe { isa.run(&tile) };
                }
            }
            from += at_once;
            if from >= stretches {
                break;
            }
        }
    }
}
