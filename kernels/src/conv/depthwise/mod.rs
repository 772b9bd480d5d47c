//! Convolutions whose filters each read one channel: sums along the channels, which lie side by side.
//!
//! A task is a line of destination pixels. It takes a vector of channels across the whole line, with the taps' weights in registers
//! where all taps of a pixel are inside; pixels at the border add the taps that they have.

mod kernel_grad;
mod spread;

pub(super) use kernel_grad::kernel_grad;

use super::reach::{Reach, Tap};
use super::{Conv, Epilogue};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level, fma};
use crate::cpu::threads;
use crate::matmul::tile;
use crate::{Grad, View};

/// Channels that are summed together.
const LANES: usize = 16;

/// Most taps that are looked up at once.
const MAX_TAPS: usize = 32;

/// A pass over all destination pixels of one phase.
#[derive(Clone, Copy)]
struct Pass<'a, T> {
    reach: Reach<'a>,
    source: Raw<T>,
    kernel: Raw<T>,
    to: Raw<T>,
    epilogue: tile::Epilogue<T>,
}

/// `y` is what tiles make of `x * kernel` by the epilogue.
pub(super) fn forward<T: Real>(conv: &Conv, x: View, kernel: View, epilogue: &Epilogue, y: View) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let to = Raw::sized(y, y_size);
    let pass = Pass::<T> {
        reach: Reach::forward(conv),
        source: Raw::sized(x, x_size),
        kernel: Raw::sized(kernel, kernel_size),
        to,
        epilogue: epilogue.tile(conv.filters, y_size, to.at(0)),
    };
    if conv.filters == conv.channels { pass.run() } else { spread::forward(&pass) }
}

/// The gradient of `x`.
pub(super) fn data_grad<T: Real>(conv: &Conv, dy: View, kernel: View, dx: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let to = Raw::sized(dx.view, x_size);
    for reach in Reach::backward(conv) {
        let pass = Pass::<T> {
            reach,
            source: Raw::sized(dy, y_size),
            kernel: Raw::sized(kernel, kernel_size),
            to,
            epilogue: tile::Epilogue::gradient(to.at(0), dx.adds()),
        };
        if conv.filters == conv.channels { pass.run() } else { spread::data_grad(&pass) }
    }
}

/// A tap that a line of pixels reads: point `i` reads pixel `first + i * stride` of the source, if `i` is in `from..to`.
#[derive(Clone, Copy)]
struct Read {
    tap: usize,
    first: isize,
    from: usize,
    to: usize,
}

impl Read {
    const NONE: Read = Read { tap: 0, first: 0, from: 0, to: 0 };
}

impl Reach<'_> {
    /// Lines of destination pixels.
    fn lines(&self) -> usize {
        self.conv.batch * self.dims[0].count * self.dims[1].count
    }

    /// The first destination pixel of a line.
    fn line(&self, line: usize) -> usize {
        let [a, b, c] = self.dims;
        let sample = line / (a.count * b.count);
        let at = [line / b.count % a.count, line % b.count];
        let down = sample * a.written + a.first + at[0] * a.step;
        (down * b.written + b.first + at[1] * b.step) * c.written + c.first
    }

    /// What a line reads through a tap; `None` if that lies in the padding.
    fn read(&self, line: usize, tap: Tap) -> Option<Read> {
        let [a, b, c] = self.dims;
        let at = [line / b.count % a.count, line % b.count];
        let mut pixel = line / (a.count * b.count);
        for i in 0..2 {
            let dim = self.dims[i];
            let here =
                (at[i] * dim.stride).checked_add_signed(tap.offset[i]).filter(|here| *here < dim.size)?;
            pixel = pixel * dim.size + here;
        }
        let offset = tap.offset[2];
        let before = |limit: isize| (limit - offset).max(0) as usize;
        let from = before(0).div_ceil(c.stride).min(c.count);
        let to = before(c.size as isize).div_ceil(c.stride).min(c.count);
        (from < to).then(|| Read { tap: tap.index, first: (pixel * c.size) as isize + offset, from, to })
    }

    /// Some of the taps that a line reads, and how many of them there are.
    fn reads(&self, line: usize, skip: usize) -> ([Read; MAX_TAPS], usize) {
        let mut reads = [Read::NONE; MAX_TAPS];
        let mut count = 0;
        for read in self.taps().skip(skip).take(MAX_TAPS).filter_map(|tap| self.read(line, tap)) {
            reads[count] = read;
            count += 1;
        }
        (reads, count)
    }
}

impl<T: Real> Pass<'_, T> {
    fn run(&self) {
        let taps = self.reach.taps().count();
        let work = self.reach.pixels() * self.reach.conv.channels * taps.max(1) / 4;
        threads::tasks(self.reach.lines(), work, |line| T::dispatch(Line { pass: self, line, taps }));
    }
}

struct Line<'a, T> {
    pass: &'a Pass<'a, T>,
    line: usize,
    taps: usize,
}

impl<T: Real> Kernel for Line<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let pass = *self.pass;
        let channels = pass.reach.conv.channels;
        let across = pass.reach.dims[2].count;
        // Runs once without any tap too: every pixel is written.
        for skip in (0..self.taps.max(1)).step_by(MAX_TAPS) {
            let (reads, count) = pass.reach.reads(self.line, skip);
            let reads = &reads[..count];
            let (from, to) = reads.iter().fold((0, across), |(from, to), r| (from.max(r.from), to.min(r.to)));
            let (from, to) = if from < to { (from, to) } else { (0, 0) };
            let first = pass.reach.line(self.line);
            let last = skip + MAX_TAPS >= self.taps;
            for channel in (0..channels).step_by(LANES) {
                let lanes = LANES.min(channels - channel);
                let epilogue = pass.epilogue.run(channel, skip == 0, last);
                // SAFETY: scale and bias have an element a channel.
                let ends = unsafe { epilogue.columns(0, lanes) };
                let column = Column { pass, first, channel, epilogue, ends, reads };
                if lanes < LANES {
                    column.border::<L>(0, across, lanes);
                    continue;
                }
                column.border::<L>(0, from, LANES);
                match reads.len() {
                    1 => column.inside::<L, 1>(from, to),
                    2 => column.inside::<L, 2>(from, to),
                    3 => column.inside::<L, 3>(from, to),
                    4 => column.inside::<L, 4>(from, to),
                    6 => column.inside::<L, 6>(from, to),
                    9 => column.inside::<L, 9>(from, to),
                    _ => column.border::<L>(from, to, LANES),
                }
                column.border::<L>(to, across, LANES);
            }
        }
    }
}

/// A line's destination pixels in some channels.
struct Column<'a, T> {
    pass: Pass<'a, T>,
    /// The first pixel.
    first: usize,
    channel: usize,
    epilogue: tile::Epilogue<T>,
    /// Scale and bias of these channels.
    ends: [[T; LANES]; 2],
    reads: &'a [Read],
}

impl<T: Real> Column<'_, T> {
    /// Point `i` of the destination.
    #[inline(always)]
    fn to(&self, i: usize) -> *mut T {
        let Reach { conv, dims, .. } = self.pass.reach;
        self.pass.to.at((self.first + i * dims[2].step) * conv.channels + self.channel)
    }

    /// What point `i` reads through a tap that is inside there.
    #[inline(always)]
    fn from(&self, read: &Read, i: usize) -> *const T {
        let Reach { conv, dims, .. } = self.pass.reach;
        let pixel = read.first.wrapping_add_unsigned(i * dims[2].stride) as usize;
        self.pass.source.at(pixel.wrapping_mul(conv.channels).wrapping_add(self.channel))
    }

    #[inline(always)]
    fn weights(&self, read: &Read) -> *const T {
        self.pass.kernel.at(read.tap * self.pass.reach.conv.channels + self.channel)
    }

    /// Points `from..to`, all of whose taps are inside.
    #[inline(always)]
    fn inside<L: Level, const N: usize>(&self, from: usize, to: usize) {
        if from >= to {
            return;
        }
        let Reach { conv, dims, .. } = self.pass.reach;
        let mut weights = [[T::zero(); LANES]; N];
        let mut sources = [std::ptr::null::<T>(); N];
        for (n, read) in self.reads.iter().take(N).enumerate() {
            // SAFETY: `LANES` channels of the tap exist.
            weights[n] = unsafe { *self.weights(read).cast() };
            sources[n] = self.from(read, from);
        }
        let step = dims[2].stride * conv.channels;
        for i in 0..to - from {
            let mut sums = [T::zero(); LANES];
            for n in 0..N {
                // SAFETY: the pixel is inside the source.
                let x = unsafe { &*sources[n].add(i * step).cast::<[T; LANES]>() };
                for l in 0..LANES {
                    sums[l] = fma::<L, T>(x[l], weights[n][l], sums[l]);
                }
            }
            // SAFETY: the pixel's channels are written by this task alone.
            unsafe { self.epilogue.store::<L, LANES>(&self.ends, &sums, self.to(from + i), LANES) };
        }
    }

    /// Points `from..to` with the taps that each has, in the first `lanes` channels.
    #[inline(always)]
    fn border<L: Level>(&self, from: usize, to: usize, lanes: usize) {
        for i in from..to {
            let mut sums = [T::zero(); LANES];
            for read in self.reads.iter().filter(|read| (read.from..read.to).contains(&i)) {
                // SAFETY: the pixel is inside the source, the tap inside the kernel.
                let (x, k) = unsafe {
                    let x = std::slice::from_raw_parts(self.from(read, i), lanes);
                    (x, std::slice::from_raw_parts(self.weights(read), lanes))
                };
                for l in 0..lanes {
                    sums[l] = fma::<L, T>(x[l], k[l], sums[l]);
                }
            }
            // SAFETY: the pixel's channels are written by this task alone.
            unsafe { self.epilogue.store::<L, LANES>(&self.ends, &sums, self.to(i), lanes) };
        }
    }
}
