//! Convolution forward and its data gradient as products that read the windows where they lie.
//!
//! Both are one pass over what [`Reach`] says. The rows of a tile are pixels, each tap is a stretch of its sum, and a tap that falls
//! into the padding reads zeros.

use std::mem::MaybeUninit;

use super::reach::{Dim, Reach, Tap};
use super::{Conv, Epilogue, MAX_SPATIAL};
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::pack::{MAX_DEPTH, Panel, pack};
use crate::matmul::tile::{self, Ahead, Isa, MAX_ROWS, Segment, Tile, Tiled};
use crate::{Grad, View};

/// Most taps in one run of a tile.
const MAX_TAPS: usize = 16;

/// Most channels of taps that are read as one: at the border they are copied.
const FEW_CHANNELS: usize = 16;

/// Fewest pixels in a task (if there are as many): each packs its panel of the kernel again.
const TASK_PIXELS: usize = 252;

/// Multiplications that a task should have at least.
const TASK_WORK: usize = 1 << 20;

/// A pass over all destination pixels of one phase.
struct Pass<'a, T> {
    reach: Reach<'a>,
    source: Raw<T>,
    /// Channels of a source pixel, and those of them in a group.
    source_channels: [usize; 2],
    /// Taps along the last dimension that are read as one, from the first of them on: their pixels lie side by side.
    merged: usize,
    kernel: Raw<T>,
    /// From one source channel's weights to the next, and from one destination channel's.
    kernel_steps: [usize; 2],
    to: Raw<T>,
    /// Channels of a destination pixel, and those of them in a group.
    to_channels: [usize; 2],
    epilogue: tile::Epilogue<T>,
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
    let (x_size, kernel_size, y_size) = conv.sizes();
    let to = Raw::sized(y, y_size);
    let pass = Pass {
        reach: Reach::forward(conv),
        source: Raw::sized(x, x_size),
        source_channels: [conv.channels, conv.channels / conv.groups],
        merged: conv.mergeable(),
        kernel: Raw::sized(kernel, kernel_size),
        kernel_steps: [conv.filters, 1],
        to,
        to_channels: [conv.filters, conv.filters / conv.groups],
        epilogue: epilogue.tile(conv.filters, y_size, to.at(0)),
    };
    pass.run(isa);
}

/// The gradient of `x`. Every element of it is written, those that no window reads with zero.
pub(super) fn data_grad<T: Tiled>(isa: Isa<T>, conv: &Conv, dy: View, kernel: View, dx: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let to = Raw::sized(dx.view, x_size);
    for reach in Reach::backward(conv) {
        let pass = Pass {
            reach,
            source: Raw::sized(dy, y_size),
            source_channels: [conv.filters, conv.filters / conv.groups],
            merged: 1,
            kernel: Raw::sized(kernel, kernel_size),
            kernel_steps: [1, conv.filters],
            to,
            to_channels: [conv.channels, conv.channels / conv.groups],
            epilogue: tile::Epilogue::gradient(to.at(0), dx.adds()),
        };
        pass.run(isa);
    }
}

impl Conv {
    /// Elements of the input, the kernel and the output.
    pub(super) fn sizes(&self) -> (usize, usize, usize) {
        let area = |size: [usize; MAX_SPATIAL]| size.iter().product::<usize>();
        (
            self.batch * area(self.input) * self.channels,
            area(self.kernel) * self.channels / self.groups * self.filters,
            self.batch * area(self.output) * self.filters,
        )
    }

    /// How many taps along the last dimension are read as one: all where they have few channels, so that sums are not cut into short
    /// pieces.
    fn mergeable(&self) -> usize {
        let last = MAX_SPATIAL - 1;
        let adjacent = self.groups == 1 && self.dilation[last] == 1 && self.channels <= FEW_CHANNELS;
        if adjacent && self.kernel[last] * self.channels <= MAX_DEPTH { self.kernel[last] } else { 1 }
    }

    /// Tap number `index` along each dimension.
    pub(super) fn tap(&self, index: usize) -> [usize; MAX_SPATIAL] {
        let [_, b, c] = self.kernel;
        [index / (b * c), index / c % b, index % c]
    }
}

/// A destination pixel on its way through a tile.
#[derive(Clone, Copy, Default)]
struct Pixel {
    /// Number of the source pixel at the window's start, which may lie outside.
    base: isize,
    start: [isize; MAX_SPATIAL],
}

impl<T: Tiled> Pass<'_, T> {
    fn run(&self, isa: Isa<T>) {
        let pixels = self.reach.pixels();
        let (depth, columns) = (self.depth(), self.to_channels[1]);
        if pixels * columns == 0 {
            return;
        }
        let taps = self.taps().count();
        let panels = columns.div_ceil(isa.cols);
        let enough = TASK_WORK / (columns.min(isa.cols) * depth * taps).max(1);
        let piece = enough.max(TASK_PIXELS).min(pixels);
        let piece = pixels.div_ceil(pixels.div_ceil(piece));
        let per_piece = panels * self.reach.conv.groups;
        let work = pixels * columns * self.reach.conv.groups * depth * taps / MULTIPLICATIONS;
        threads::tasks(pixels.div_ceil(piece) * per_piece, work, |task| {
            let (from, part) = (task / per_piece * piece, task % per_piece);
            let (group, panel) = (part / panels, part % panels);
            self.panel(isa, taps, [from, (from + piece).min(pixels)], group, panel * isa.cols);
        });
    }

    /// Numbers that a tap reads.
    fn depth(&self) -> usize {
        self.source_channels[1] * self.merged
    }

    /// The taps, of those that are read as one the first.
    fn taps(&self) -> impl Iterator<Item = Tap> {
        self.reach.taps().step_by(self.merged)
    }

    /// Pixels `range`, and the columns of a tile from column `j` of a group.
    fn panel(&self, isa: Isa<T>, taps: usize, range: [usize; 2], group: usize, j: usize) {
        let (depth, columns) = (self.depth(), self.to_channels[1]);
        let cols = (columns - j).min(isa.cols);
        let width = isa.width(cols);
        let mut panel = Panel::<T>::new();
        let zeros = [T::zero(); MAX_DEPTH];
        // What merged taps read at the border: a row for each row of a tile.
        let mut border = MaybeUninit::<[[T; MAX_DEPTH]; MAX_ROWS]>::uninit();
        let tile_rows = isa.even_rows(range[1] - range[0]);
        // Channels of a tap, and taps, that fit into a panel.
        let stretch = depth.div_ceil(depth.div_ceil(MAX_DEPTH));
        let at_once = (MAX_DEPTH / stretch).clamp(1, MAX_TAPS);
        let (stretches, rounds) = (depth.div_ceil(stretch), taps.div_ceil(at_once).max(1));
        for run in 0..stretches * rounds {
            let (first, last) = (run == 0, run + 1 == stretches * rounds);
            let channel = run / rounds * stretch;
            let len = stretch.min(depth - channel);
            let mut some = [Tap::NONE; MAX_TAPS];
            let mut count = 0;
            for tap in self.taps().skip(run % rounds * at_once).take(at_once) {
                some[count] = tap;
                count += 1;
            }
            let some = &some[..count];
            let reading = Reading::new(self, some, group * depth + channel, len, &zeros, &mut border);
            for (i, tap) in some.iter().enumerate() {
                let conv = self.reach.conv;
                let start = tap.index * (conv.channels / conv.groups) * conv.filters
                    + group * (conv.filters / conv.groups)
                    + channel * self.kernel_steps[0]
                    + j * self.kernel_steps[1];
                let to = panel.as_mut_ptr().wrapping_add(i * len * width);
                // SAFETY: `len` channels of the tap by `cols` columns are inside the kernel, and the panel has room
                // for `at_once` taps.
                unsafe {
                    pack(
                        self.kernel.at(start),
                        self.kernel_steps[0],
                        self.kernel_steps[1],
                        len,
                        cols,
                        width,
                        to,
                    );
                }
            }
            let epilogue = self.epilogue.run(group * columns + j, first, last);
            let mut segments = [Segment::EMPTY; MAX_TAPS];
            for (i, segment) in segments[..count].iter_mut().enumerate() {
                segment.b = panel.as_mut_ptr().wrapping_add(i * len * width);
                segment.len = len;
            }
            let segments = &mut segments[..count];
            let mut walk = Walk::new(&self.reach.dims, range[0]);
            let mut pixels = [Pixel::default(); MAX_ROWS];
            let mut c = [std::ptr::null_mut(); MAX_ROWS];
            for from in (range[0]..range[1]).step_by(tile_rows) {
                let rows = (range[1] - from).min(tile_rows);
                for (pixel, c) in pixels.iter_mut().zip(&mut c).take(rows) {
                    let written;
                    (*pixel, written) = walk.next();
                    *c = self.to.at(written * self.to_channels[0] + group * columns + j);
                }
                reading.rows(&pixels[..rows], segments);
                let tile =
                    Tile { segments, a_step: 1, b_step: width, rows, cols, c, epilogue, ahead: Ahead::NONE };
                // SAFETY: rows are pixels of the source or zeros, long enough for `len`; the panel was packed; every
                // pixel's columns are written by one task.
                unsafe { isa.run(&tile) };
            }
        }
    }
}

/// The destination pixels in order.
struct Walk<'a> {
    dims: &'a [Dim; MAX_SPATIAL],
    /// Sample and coordinates.
    at: [usize; MAX_SPATIAL + 1],
    pixel: Pixel,
    written: usize,
}

impl<'a> Walk<'a> {
    fn new(dims: &'a [Dim; MAX_SPATIAL], from: usize) -> Walk<'a> {
        let [a, b, c] = dims;
        let line = from / c.count;
        let at = [line / (a.count * b.count), line / b.count % a.count, line % b.count, from % c.count];
        let mut walk = Walk { dims, at, pixel: Pixel::default(), written: 0 };
        walk.look();
        walk
    }

    /// Works out the pixel from its coordinates.
    fn look(&mut self) {
        let [sample, at @ ..] = self.at;
        (self.pixel.base, self.written) = (sample as isize, sample);
        for (i, dim) in self.dims.iter().enumerate() {
            self.pixel.start[i] = (at[i] * dim.stride) as isize;
            self.pixel.base = self.pixel.base * dim.size as isize + self.pixel.start[i];
            self.written = self.written * dim.written + dim.first + at[i] * dim.step;
        }
    }

    /// The next pixel, and the number of that which is written.
    #[inline(always)]
    fn next(&mut self) -> (Pixel, usize) {
        let next = (self.pixel, self.written);
        let last = &self.dims[MAX_SPATIAL - 1];
        self.at[MAX_SPATIAL] += 1;
        if self.at[MAX_SPATIAL] < last.count {
            self.pixel.start[MAX_SPATIAL - 1] += last.stride as isize;
            self.pixel.base += last.stride as isize;
            self.written += last.step;
        } else {
            for i in (0..MAX_SPATIAL).rev() {
                if self.at[i + 1] == self.dims[i].count {
                    self.at[i + 1] = 0;
                    self.at[i] += 1;
                }
            }
            self.look();
        }
        next
    }
}

/// Some taps, and where they read.
struct Reading<'a, T> {
    pass: &'a Pass<'a, T>,
    taps: &'a [Tap],
    /// The smallest and the largest offset along each dimension.
    offsets: [[isize; 2]; MAX_SPATIAL],
    /// The first channel.
    source: *const T,
    /// Numbers that each tap reads.
    len: usize,
    zeros: &'a [T; MAX_DEPTH],
    border: *mut [T; MAX_DEPTH],
}

impl<'a, T: Tiled> Reading<'a, T> {
    fn new(
        pass: &'a Pass<'a, T>,
        taps: &'a [Tap],
        channel: usize,
        len: usize,
        zeros: &'a [T; MAX_DEPTH],
        border: &'a mut MaybeUninit<[[T; MAX_DEPTH]; MAX_ROWS]>,
    ) -> Self {
        let offsets = std::array::from_fn(|i| {
            let all = taps.iter().map(|tap| tap.offset[i]);
            let merged = if i + 1 == MAX_SPATIAL { pass.merged as isize - 1 } else { 0 };
            [all.clone().min().unwrap_or(0), all.max().unwrap_or(0) + merged]
        });
        let source = pass.source.at(channel).cast_const();
        Reading { pass, taps, offsets, source, len, zeros, border: border.as_mut_ptr().cast() }
    }

    /// Where each tap reads for each pixel of a tile.
    #[inline]
    fn rows(&self, pixels: &[Pixel], segments: &mut [Segment<T>]) {
        let size = self.pass.reach.dims.map(|d| d.size as isize);
        let step = self.pass.source_channels[0] as isize;
        // Most tiles lie inside with all their windows.
        let inside = pixels.iter().all(|pixel| {
            (0..MAX_SPATIAL).all(|i| {
                pixel.start[i] + self.offsets[i][0] >= 0 && pixel.start[i] + self.offsets[i][1] < size[i]
            })
        });
        for (n, (tap, segment)) in self.taps.iter().zip(segments).enumerate() {
            let [a, b, c] = tap.offset;
            let ahead = ((a * size[1] + b) * size[2] + c) * step;
            let from = self.source.wrapping_offset(ahead);
            for (r, (pixel, row)) in pixels.iter().zip(&mut segment.rows).enumerate() {
                let there = from.wrapping_offset(pixel.base * step);
                *row = if inside { there } else { self.at_border(pixel, tap, there, [n, r]) };
            }
        }
    }

    /// What tap number `n` reads for row `r` of a tile, where some windows reach into the padding.
    fn at_border(&self, pixel: &Pixel, tap: &Tap, there: *const T, [n, r]: [usize; 2]) -> *const T {
        const LAST: usize = MAX_SPATIAL - 1;
        let dims = &self.pass.reach.dims;
        let at: [isize; MAX_SPATIAL] = std::array::from_fn(|i| pixel.start[i] + tap.offset[i]);
        let merged = self.pass.merged as isize;
        // Of the merged taps, those that are inside.
        let (from, to) =
            ((-at[LAST]).clamp(0, merged), (dims[LAST].size as isize - at[LAST]).clamp(0, merged));
        if from >= to || (0..LAST).any(|i| !(0..dims[i].size as isize).contains(&at[i])) {
            return self.zeros.as_ptr();
        }
        if to - from == merged {
            return there;
        }
        let channels = self.pass.source_channels[0];
        let (from, to) = (from as usize * channels, to as usize * channels);
        // SAFETY: a row of `border` has room for all taps of a run. Pixels between `from` and `to` are inside the source.
        unsafe {
            let row = self.border.add(r).cast::<T>().add(n * self.len);
            row.write_bytes(0, from);
            row.add(from).copy_from_nonoverlapping(there.add(from), to - from);
            row.add(to).write_bytes(0, self.len - to);
            row
        }
    }
}
