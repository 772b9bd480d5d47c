//! Convolutions whose window has few numbers, as the first layers of a network, by copies of a few lines.
//!
//! A task copies the lines of an image that some output lines read, with the padding's zeros around them. In the copy all windows look
//! alike: each number lies at an offset of its own from the window's start, so that a window is a row of A in one segment (forward), and
//! the numbers at one offset are a row of its transpose (for the gradient of the kernel).

use std::ops::Range;

use super::{Conv, Epilogue, MAX_SPATIAL, parts};
use crate::cpu::raw::Raw;
use crate::cpu::workspace;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::pack::{MAX_DEPTH, Panel, pack};
use crate::matmul::tile::{self, Ahead, Isa, MAX_ROWS, Segment, Tile, Tiled};
use crate::{Grad, View};

/// Output pixels of a strip at most; also the depth of a panel.
const PIXELS: usize = MAX_DEPTH;

/// Lines of a strip at most.
const LINES: usize = 32;

/// Tasks that are wanted at least: so many parts of a gradient are summed on their own,
const TASKS: usize = 8;

/// but each of so many strips at least.
const PART: usize = 4;

impl Conv {
    /// Numbers of a window.
    fn window(&self) -> usize {
        self.kernel.iter().product::<usize>() * self.channels
    }

    /// Whether this is a convolution of lines or images whose windows have few numbers and more than one pixel. Dimensions are aligned
    /// to the end.
    pub(super) fn suits_strips(&self) -> bool {
        let flat = self.input[0] == 1 && self.output[0] == 1 && self.kernel[0] == 1 && self.padding[0] == 0;
        let some = (self.channels + 1..=MAX_DEPTH).contains(&self.window());
        flat && self.groups == 1 && self.channels > 0 && some
    }
}

/// How images are cut into strips of output pixels, and what their copies look like.
struct Strips<'a, T> {
    conv: &'a Conv,
    x: Raw<T>,
    /// Output lines and columns of a strip, and how many strips an image has down and across.
    size: [usize; 2],
    count: [usize; 2],
    /// Lines of a copy, and numbers of each.
    lines: usize,
    pitch: usize,
    /// Numbers of a window that lie side by side, and where each run of them begins in a copy.
    run: usize,
    starts: [usize; MAX_DEPTH],
}

/// A strip: its first output line, counted over the batch, and its first column; lines and columns.
#[derive(Clone, Copy)]
struct Place {
    line: usize,
    column: usize,
    size: [usize; 2],
}

impl<'a, T: Tiled> Strips<'a, T> {
    fn of(conv: &'a Conv, x: View) -> Self {
        let [_, down, across] = conv.output;
        let columns = across.div_ceil(across.div_ceil(PIXELS).max(1)).max(1);
        let most = (PIXELS / columns).clamp(1, LINES);
        let lines = down.div_ceil(down.div_ceil(most).max(1)).max(1);
        let reach = |i: usize, some: usize| {
            (some - 1) * conv.strides[i] + (conv.kernel[i] - 1) * conv.dilation[i] + 1
        };
        let pitch = reach(2, columns) * conv.channels;
        let merged = if conv.dilation[2] == 1 { conv.kernel[2] } else { 1 };
        let run = merged * conv.channels;
        let mut starts = [0; MAX_DEPTH];
        for (at, start) in starts.iter_mut().enumerate().take(conv.window() / run) {
            let tap = conv.tap(at * merged);
            *start = tap[1] * conv.dilation[1] * pitch + tap[2] * conv.dilation[2] * conv.channels;
        }
        Strips {
            conv,
            x: Raw::sized(x, conv.sizes().0),
            size: [lines, columns],
            count: [down.div_ceil(lines), across.div_ceil(columns)],
            lines: reach(1, lines),
            pitch,
            run,
            starts,
        }
    }

    /// Strips of the batch.
    fn all(&self) -> usize {
        self.conv.batch * self.count[0] * self.count[1]
    }

    /// Numbers of a copy.
    fn room(&self) -> usize {
        self.lines * self.pitch
    }

    /// Copies what strip `at` reads to `room`.
    fn copy(&self, at: usize, room: &mut [T]) -> (Place, *const T) {
        let Strips { conv, count, pitch, .. } = *self;
        let (block, across) = (at / count[1], at % count[1] * self.size[1]);
        let (sample, down) = (block / count[0], block % count[0] * self.size[0]);
        let size = [self.size[0].min(conv.output[1] - down), self.size[1].min(conv.output[2] - across)];
        let to = &mut room[..self.lines * pitch];
        let [_, height, width] = conv.input;
        // Pixels before the image, and up to its end.
        let left = across * conv.strides[2];
        let before = conv.padding[2].saturating_sub(left).min(pitch / conv.channels);
        let start = (left + before).wrapping_sub(conv.padding[2]);
        let inside = (pitch / conv.channels - before).min(width.saturating_sub(start)) * conv.channels;
        let before = before * conv.channels;
        for (i, line) in to.chunks_exact_mut(pitch).enumerate() {
            let y = (down * conv.strides[1] + i).wrapping_sub(conv.padding[1]);
            if y >= height || inside == 0 {
                line.fill(T::zero());
                continue;
            }
            let from = ((sample * height + y) * width + start) * conv.channels;
            line[..before].fill(T::zero());
            // SAFETY: `inside` numbers of this line of the image, which nobody writes to.
            line[before..before + inside].copy_from_slice(unsafe { self.x.slice(from, inside) });
            line[before + inside..].fill(T::zero());
        }
        (Place { line: sample * conv.output[1] + down, column: across, size }, to.as_ptr())
    }

    /// From one output line's windows to the next one's, and from one window to the next.
    fn steps(&self) -> [usize; 2] {
        [self.conv.strides[1] * self.pitch, self.conv.strides[2] * self.conv.channels]
    }
}

/// `y` is what tiles make of `x * kernel` by the epilogue.
pub(super) fn forward<T: Tiled>(
    isa: Isa<T>,
    conv: &Conv,
    x: View,
    kernel: View,
    epilogue: &Epilogue,
    y: View,
) {
    let (_, kernel_size, y_size) = conv.sizes();
    let (kernel, y) = (Raw::<T>::sized(kernel, kernel_size), Raw::<T>::sized(y, y_size));
    let epilogue: tile::Epilogue<T> = epilogue.tile(conv.filters, y_size, y.at(0));
    let strips = Strips::<T>::of(conv, x);
    let depth = conv.window();
    if y_size == 0 {
        return;
    }
    let work = y_size * depth / MULTIPLICATIONS;
    workspace::tasks(strips.all(), work, strips.room(), |task, room| {
        let (place, from) = strips.copy(task, room);
        let [down, across] = strips.steps();
        let [lines, columns] = place.size;
        let mut panel = Panel::<T>::new();
        for j in (0..conv.filters).step_by(isa.cols) {
            let cols = isa.cols.min(conv.filters - j);
            let width = isa.width(cols);
            // SAFETY: the kernel is `depth` rows of filters, and the panel has room for `MAX_DEPTH`.
            unsafe { pack(kernel.at(j), conv.filters, 1, depth, cols, width, panel.as_mut_ptr()) };
            let epilogue = epilogue.run(j, true, true);
            let (mut line, mut column) = (0, 0);
            let at_once = isa.even_rows(lines * columns);
            for first in (0..lines * columns).step_by(at_once) {
                let rows = at_once.min(lines * columns - first);
                let mut segment = Segment {
                    b: panel.as_mut_ptr(),
                    len: strips.run,
                    starts: strips.starts.as_ptr(),
                    runs: depth / strips.run,
                    ..Segment::EMPTY
                };
                let mut c = [std::ptr::null_mut(); MAX_ROWS];
                for row in 0..rows {
                    segment.rows[row] = from.wrapping_add(line * down + column * across);
                    let pixel = (place.line + line) * conv.output[2] + place.column + column;
                    c[row] = y.at(pixel * conv.filters + j);
                    column += 1;
                    if column == columns {
                        (line, column) = (line + 1, 0);
                    }
                }
                let tile = Tile {
                    segments: &[segment],
                    a_step: 1,
                    b_step: width,
                    rows,
                    cols,
                    c,
                    epilogue,
                    ahead: Ahead::NONE,
                };
                // SAFETY: windows are inside the copy; the panel was packed; a strip's pixels are written by one task.
                unsafe { isa.run(&tile) };
            }
        }
    });
}

/// The gradient of the kernel.
pub(super) fn kernel_grad<T: Tiled>(isa: Isa<T>, conv: &Conv, x: View, dy: View, dkernel: Grad) {
    let (_, kernel_size, y_size) = conv.sizes();
    let dy = Raw::<T>::sized(dy, y_size);
    let strips = Strips::<T>::of(conv, x);
    let all = if y_size == 0 { 0 } else { strips.all() };
    let count = TASKS.min(all.div_ceil(PART)).max(1);
    let work = y_size * conv.window() / MULTIPLICATIONS;
    parts::sum(count, kernel_size, dkernel, |to: Raw<T>, adds| {
        workspace::tasks(count, work, strips.room(), |part, room| {
            let to = to.skip(part * kernel_size);
            if all == 0 && !adds {
                // SAFETY: the gradient is this call's alone.
                unsafe { to.slice_mut(0, kernel_size) }.fill(T::zero());
            }
            for at in part * all / count..(part + 1) * all / count {
                let first = at == part * all / count;
                let (place, from) = strips.copy(at, room);
                for j in (0..conv.filters).step_by(isa.cols) {
                    let columns = j..(j + isa.cols).min(conv.filters);
                    strips.add(isa, place, from, dy, columns, to, adds || !first);
                }
            }
        });
    });
}

impl<T: Tiled> Strips<'_, T> {
    /// Adds what a strip has to the gradient of some columns of the kernel, or writes it.
    fn add(
        &self,
        isa: Isa<T>,
        place: Place,
        from: *const T,
        dy: Raw<T>,
        columns: Range<usize>,
        to: Raw<T>,
        adds: bool,
    ) {
        let (conv, depth) = (self.conv, self.conv.window());
        let [down, across] = self.steps();
        let (cols, width) = (columns.len(), isa.width(columns.len()));
        let [lines, len] = place.size;
        let in_place = isa.exact || cols == width;
        let mut panel = Panel::<T>::new();
        let mut segments = [Segment::EMPTY; LINES];
        for (line, segment) in segments[..lines].iter_mut().enumerate() {
            segment.len = len;
            let pixel = (place.line + line) * conv.output[MAX_SPATIAL - 1] + place.column;
            segment.b = dy.at(pixel * conv.filters + columns.start);
            if !in_place {
                let beside = panel.as_mut_ptr().wrapping_add(line * len * width);
                // SAFETY: the line's pixels are inside `dy`; a strip has no more pixels than the panel rows.
                unsafe { pack(segment.b, conv.filters, 1, len, cols, width, beside) };
                segment.b = beside;
            }
        }
        let b_step = if in_place { conv.filters } else { width };
        let at_once = isa.even_rows(depth);
        for first in (0..depth).step_by(at_once) {
            let rows = at_once.min(depth - first);
            let mut c = [std::ptr::null_mut(); MAX_ROWS];
            for row in 0..rows {
                let number = first + row;
                c[row] = to.at(number * conv.filters + columns.start);
                let offset = self.starts[number / self.run] + number % self.run;
                for (line, segment) in segments[..lines].iter_mut().enumerate() {
                    segment.rows[row] = from.wrapping_add(line * down + offset);
                }
            }
            let epilogue = tile::Epilogue::gradient(c[0], adds);
            let tile = Tile {
                segments: &segments[..lines],
                a_step: across,
                b_step,
                rows,
                cols,
                c,
                epilogue,
                ahead: Ahead::NONE,
            };
            // SAFETY: windows are inside the copy, pixels inside `dy`; the gradient's part belongs to one task.
            unsafe { isa.run(&tile) };
        }
    }
}
