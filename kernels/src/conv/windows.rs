//! Convolution forward and its data gradient as products that read the windows where they lie.
//!
//! Both are one pass: every destination pixel is the sum, over some taps of the kernel, of a source pixel times
//! that tap's matrix. The rows of a tile are pixels, each tap is a stretch of its sum, and a tap that falls into
//! the padding reads zeros. The data gradient of a strided convolution is cut by phase: pixels that are the same
//! distance beyond a multiple of the stride are reached by the same taps.

use super::{Conv, MAX_SPATIAL};
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::pack::{MAX_DEPTH, Panel, pack};
use crate::matmul::tile::{Epilogue, Isa, MAX_ROWS, Segment, Tile, Tiled};
use crate::{Grad, View};

/// Most taps in one run of a tile.
const MAX_TAPS: usize = 16;

/// Fewest pixels in a task (if there are as many): each packs its panel of the kernel again.
const TASK_PIXELS: usize = 252;

/// Multiplications that a task should have at least.
const TASK_WORK: usize = 1 << 20;

/// One spatial dimension of a pass. Point `i` of `count` is written at `first + i * step` and reads, for a tap at
/// `offset`, `i * stride + offset`, if that is below `size`.
#[derive(Clone, Copy)]
struct Dim {
    count: usize,
    first: usize,
    step: usize,
    written: usize,
    stride: usize,
    size: usize,
}

/// A tap of the kernel: its number, and how far from a window's start it reads.
#[derive(Clone, Copy)]
struct Tap {
    index: usize,
    offset: [isize; MAX_SPATIAL],
}

/// A pass over all destination pixels of one phase.
struct Pass<'a, T> {
    conv: &'a Conv,
    dims: [Dim; MAX_SPATIAL],
    /// Remainder of the destination's coordinates; the taps are those that reach it. `None` is forward.
    phase: Option<[usize; MAX_SPATIAL]>,
    source: Raw<T>,
    /// Channels of a source pixel, and those of them in a group.
    source_channels: [usize; 2],
    kernel: Raw<T>,
    /// From one source channel's weights to the next, and from one destination channel's.
    kernel_steps: [usize; 2],
    to: Raw<T>,
    /// Channels of a destination pixel, and those of them in a group.
    to_channels: [usize; 2],
    bias: Option<Raw<T>>,
    adds: bool,
    relu: bool,
}

/// `y = x * kernel + bias`, and `relu` of it if asked for.
pub(super) fn forward<T: Tiled>(
    isa: Isa<T>,
    conv: &Conv,
    x: View,
    kernel: View,
    bias: Option<View>,
    relu: bool,
    y: View,
) {
    let dims = std::array::from_fn(|i| Dim {
        count: conv.output[i],
        first: 0,
        step: 1,
        written: conv.output[i],
        stride: conv.strides[i],
        size: conv.input[i],
    });
    let (x_size, kernel_size, y_size) = conv.sizes();
    let pass = Pass {
        conv,
        dims,
        phase: None,
        source: Raw::sized(x, x_size),
        source_channels: [conv.channels, conv.channels / conv.groups],
        kernel: Raw::sized(kernel, kernel_size),
        kernel_steps: [conv.filters, 1],
        to: Raw::sized(y, y_size),
        to_channels: [conv.filters, conv.filters / conv.groups],
        bias: bias.map(|bias| Raw::sized(bias, conv.filters)),
        adds: false,
        relu,
    };
    pass.run(isa);
}

/// The gradient of `x`. Every element of it is written, those that no window reads with zero.
pub(super) fn data_grad<T: Tiled>(isa: Isa<T>, conv: &Conv, dy: View, kernel: View, dx: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let [a, b, c] = conv.strides;
    for phase in 0..a * b * c {
        let phase = [phase / (b * c), phase / c % b, phase % c];
        let dims = std::array::from_fn(|i| Dim {
            count: conv.input[i].saturating_sub(phase[i]).div_ceil(conv.strides[i]),
            first: phase[i],
            step: conv.strides[i],
            written: conv.input[i],
            stride: 1,
            size: conv.output[i],
        });
        let pass = Pass {
            conv,
            dims,
            phase: Some(phase),
            source: Raw::sized(dy, y_size),
            source_channels: [conv.filters, conv.filters / conv.groups],
            kernel: Raw::sized(kernel, kernel_size),
            kernel_steps: [1, conv.filters],
            to: Raw::sized(dx.view, x_size),
            to_channels: [conv.channels, conv.channels / conv.groups],
            bias: None,
            adds: dx.adds(),
            relu: false,
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
    /// The taps that reach this phase.
    fn taps(&self) -> impl Iterator<Item = Tap> + '_ {
        let conv = self.conv;
        (0..conv.kernel.iter().product()).filter_map(move |index| {
            let tap = conv.tap(index);
            let mut offset = [0; MAX_SPATIAL];
            for i in 0..MAX_SPATIAL {
                let (ahead, padding) = ((tap[i] * conv.dilation[i]) as isize, conv.padding[i] as isize);
                offset[i] = match self.phase {
                    None => ahead - padding,
                    Some(phase) => {
                        let (back, stride) = (phase[i] as isize + padding - ahead, conv.strides[i] as isize);
                        if back % stride != 0 {
                            return None;
                        }
                        back / stride
                    }
                };
            }
            Some(Tap { index, offset })
        })
    }

    fn run(&self, isa: Isa<T>) {
        let pixels = self.conv.batch * self.dims.iter().map(|d| d.count).product::<usize>();
        let (depth, columns) = (self.source_channels[1], self.to_channels[1]);
        if pixels * columns == 0 {
            return;
        }
        let taps = self.taps().count();
        let panels = columns.div_ceil(isa.cols);
        let enough = TASK_WORK / (columns.min(isa.cols) * depth * taps).max(1);
        let piece = enough.max(TASK_PIXELS).min(pixels);
        let piece = pixels.div_ceil(pixels.div_ceil(piece));
        let per_piece = panels * self.conv.groups;
        let work = pixels * columns * self.conv.groups * depth * taps / MULTIPLICATIONS;
        threads::tasks(pixels.div_ceil(piece) * per_piece, work, |task| {
            let (from, part) = (task / per_piece * piece, task % per_piece);
            let (group, panel) = (part / panels, part % panels);
            self.panel(isa, taps, [from, (from + piece).min(pixels)], group, panel * isa.cols);
        });
    }

    /// Pixels `range`, and the columns of a tile from column `j` of a group.
    fn panel(&self, isa: Isa<T>, taps: usize, range: [usize; 2], group: usize, j: usize) {
        let (depth, columns) = (self.source_channels[1], self.to_channels[1]);
        let cols = (columns - j).min(isa.cols);
        let width = isa.width(cols);
        let mut panel = Panel::<T>::new();
        let zeros = [T::zero(); MAX_DEPTH];
        let tile_rows = isa.even_rows(range[1] - range[0]);
        // Channels of a tap, and taps, that fit into a panel.
        let stretch = depth.div_ceil(depth.div_ceil(MAX_DEPTH));
        let at_once = (MAX_DEPTH / stretch).clamp(1, MAX_TAPS);
        let (stretches, rounds) = (depth.div_ceil(stretch), taps.div_ceil(at_once).max(1));
        for run in 0..stretches * rounds {
            let (first, last) = (run == 0, run + 1 == stretches * rounds);
            let channel = run / rounds * stretch;
            let len = stretch.min(depth - channel);
            let mut some = [Tap { index: 0, offset: [0; MAX_SPATIAL] }; MAX_TAPS];
            let mut count = 0;
            for tap in self.taps().skip(run % rounds * at_once).take(at_once) {
                some[count] = tap;
                count += 1;
            }
            let some = &some[..count];
            for (i, tap) in some.iter().enumerate() {
                let conv = self.conv;
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
            let bias = match self.bias {
                Some(bias) if last => bias.at(group * columns + j).cast_const(),
                _ => std::ptr::null(),
            };
            let epilogue =
                Epilogue { alpha: T::one(), adds: self.adds || !first, bias, relu: last && self.relu };
            let source = self.source.at(group * depth + channel).cast_const();
            for from in (range[0]..range[1]).step_by(tile_rows) {
                let rows = (range[1] - from).min(tile_rows);
                let (pixels, c) = self.pixels(from, rows, group * columns + j);
                let mut segments = [Segment::EMPTY; MAX_TAPS];
                self.segments(&pixels[..rows], some, source, &zeros, &mut segments);
                for (i, segment) in segments[..count].iter_mut().enumerate() {
                    segment.b = panel.as_mut_ptr().wrapping_add(i * len * width);
                    segment.len = len;
                }
                let segments = &segments[..count];
                let tile = Tile { segments, a_step: 1, b_step: width, rows, cols, c, epilogue };
                // SAFETY: rows are pixels of the source or zeros, long enough for `len`; the panel was packed; every
                // pixel's columns are written by one task.
                unsafe { isa.run(&tile) };
            }
        }
    }

    /// Pixels `from..from + rows`, and where column `column` of each is written.
    #[inline]
    fn pixels(&self, from: usize, rows: usize, column: usize) -> ([Pixel; MAX_ROWS], [*mut T; MAX_ROWS]) {
        let mut pixels = [Pixel::default(); MAX_ROWS];
        let mut to = [std::ptr::null_mut(); MAX_ROWS];
        let [a, b, c] = self.dims;
        let mut at = [
            from / (a.count * b.count * c.count),
            from / (b.count * c.count) % a.count,
            from / c.count % b.count,
            from % c.count,
        ];
        for row in 0..rows {
            let [sample, at_dims @ ..] = at;
            let (mut base, mut written) = (sample as isize, sample);
            for i in 0..MAX_SPATIAL {
                let dim = &self.dims[i];
                pixels[row].start[i] = (at_dims[i] * dim.stride) as isize;
                base = base * dim.size as isize + pixels[row].start[i];
                written = written * dim.written + dim.first + at_dims[i] * dim.step;
            }
            pixels[row].base = base;
            to[row] = self.to.at(written * self.to_channels[0] + column);
            at[3] += 1;
            for i in (0..MAX_SPATIAL).rev() {
                if at[i + 1] == self.dims[i].count {
                    at[i + 1] = 0;
                    at[i] += 1;
                }
            }
        }
        (pixels, to)
    }

    /// Where each tap reads for each pixel.
    #[inline]
    fn segments(
        &self,
        pixels: &[Pixel],
        taps: &[Tap],
        source: *const T,
        zeros: &[T; MAX_DEPTH],
        segments: &mut [Segment<T>; MAX_TAPS],
    ) {
        let size = self.dims.map(|d| d.size as isize);
        let step = self.source_channels[0] as isize;
        // Most tiles lie inside with all their windows.
        let inside = (0..MAX_SPATIAL).all(|i| {
            let low = taps.iter().map(|tap| tap.offset[i]).min().unwrap_or(0);
            let high = taps.iter().map(|tap| tap.offset[i]).max().unwrap_or(0);
            pixels.iter().all(|p| p.start[i] + low >= 0 && p.start[i] + high < size[i])
        });
        for (tap, segment) in taps.iter().zip(segments) {
            let [a, b, c] = tap.offset;
            let ahead = (a * size[1] + b) * size[2] + c;
            for (pixel, row) in pixels.iter().zip(&mut segment.rows) {
                let reads = inside
                    || (0..MAX_SPATIAL).all(|i| (0..size[i]).contains(&(pixel.start[i] + tap.offset[i])));
                *row =
                    if reads { source.wrapping_offset((pixel.base + ahead) * step) } else { zeros.as_ptr() };
            }
        }
    }
}
