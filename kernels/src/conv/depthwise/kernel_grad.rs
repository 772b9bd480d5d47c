//! The gradient of a depthwise kernel: for each tap and filter a sum over all output pixels.
//!
//! Lines of output pixels are cut into a few parts by their number alone. Each part is summed on its own, line by line, so that both
//! tensors are read once, in order; then the parts are added.

use super::{LANES, Read};
use crate::conv::reach::Reach;
use crate::conv::{Conv, parts};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level, fma};
use crate::cpu::threads;
use crate::{Grad, View};

/// Parts that are summed on their own, at most.
const PARTS: usize = 8;

/// Taps whose sums are kept in registers.
const AT_ONCE: usize = 9;

struct Pass<'a, T> {
    reach: Reach<'a>,
    x: Raw<T>,
    dy: Raw<T>,
}

/// The gradient of the kernel.
pub(in super::super) fn kernel_grad<T: Real>(conv: &Conv, x: View, dy: View, dkernel: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let pass =
        Pass::<T> { reach: Reach::forward(conv), x: Raw::sized(x, x_size), dy: Raw::sized(dy, y_size) };
    let lines = pass.reach.lines();
    let parts = PARTS.min(lines).max(1);
    let work = y_size * conv.kernel.iter().product::<usize>() / 4;
    parts::sum::<T>(parts, kernel_size, dkernel, |to, adds| {
        threads::tasks(parts, work, |part| {
            // SAFETY: parts do not overlap, and each belongs to one task.
            let sums = unsafe { to.slice_mut(part * kernel_size, kernel_size) };
            if !adds {
                sums.fill(T::zero());
            }
            T::dispatch(Part {
                pass: &pass,
                lines: [part * lines / parts, (part + 1) * lines / parts],
                sums,
            });
        });
    });
}

struct Part<'a, T> {
    pass: &'a Pass<'a, T>,
    lines: [usize; 2],
    sums: &'a mut [T],
}

impl<T: Real> Kernel for Part<'_, T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Part { pass: Pass { reach, x, dy }, lines: [from, to], sums } = self;
        let (channels, filters) = (reach.conv.channels, reach.conv.filters);
        let step = reach.dims[2].stride * channels;
        let taps = reach.taps().count();
        for line in from..to {
            let y = reach.line(line);
            for skip in (0..taps).step_by(AT_ONCE) {
                let mut reads = [Read::NONE; AT_ONCE];
                let mut count = 0;
                for read in reach.taps().skip(skip).take(AT_ONCE).filter_map(|tap| reach.read(line, tap)) {
                    reads[count] = read;
                    count += 1;
                }
                if filters != channels {
                    for read in &reads[..count] {
                        for i in read.from..read.to {
                            let pixel = read.first.wrapping_add_unsigned(i * reach.dims[2].stride) as usize;
                            // SAFETY: both pixels are inside.
                            let (x, dy) = unsafe {
                                (x.slice(pixel * channels, channels), dy.slice((y + i) * filters, filters))
                            };
                            let sums = &mut sums[read.tap * filters..][..filters];
                            for f in 0..filters {
                                sums[f] = fma::<L, T>(x[f / (filters / channels)], dy[f], sums[f]);
                            }
                        }
                    }
                    continue;
                }
                let reads = &reads[..count];
                for channel in (0..channels).step_by(LANES) {
                    let column = Column {
                        x: x.at(channel),
                        dy: dy.at(y * channels + channel),
                        step,
                        channels,
                        lanes: LANES.min(channels - channel),
                    };
                    let sums = &mut sums[channel..];
                    // The points that all taps have go together; those at the border one by one.
                    let (from, to) =
                        reads.iter().fold((0, usize::MAX), |(from, to), r| (from.max(r.from), to.min(r.to)));
                    if column.lanes == LANES && count == AT_ONCE && from < to {
                        column.together::<L>(reads, from, to, sums);
                        column.apart::<L>(reads, |read| (read.from, from), sums);
                        column.apart::<L>(reads, |read| (to, read.to), sums);
                    } else {
                        column.apart::<L>(reads, |read| (read.from, read.to), sums);
                    }
                }
            }
        }
    }
}

/// Some channels of a line.
struct Column<T> {
    x: *const T,
    dy: *const T,
    /// From what one point reads to what the next one does.
    step: usize,
    channels: usize,
    lanes: usize,
}

impl<T: Real> Column<T> {
    /// What point `i` reads through a tap.
    #[inline(always)]
    fn from(&self, read: &Read, i: usize) -> *const T {
        let first = read.first.wrapping_mul(self.channels as isize);
        self.x.wrapping_offset(first).wrapping_add(i * self.step)
    }

    #[inline(always)]
    fn together<L: Level>(&self, reads: &[Read], from: usize, to: usize, sums: &mut [T]) {
        let mut all = [[T::zero(); LANES]; AT_ONCE];
        let mut sources = [std::ptr::null::<T>(); AT_ONCE];
        for (n, read) in reads.iter().take(AT_ONCE).enumerate() {
            sources[n] = self.from(read, from);
            all[n].copy_from_slice(&sums[read.tap * self.channels..][..LANES]);
        }
        for i in 0..to - from {
            // SAFETY: `LANES` channels of pixels that are inside.
            let dy = unsafe { &*self.dy.add((from + i) * self.channels).cast::<[T; LANES]>() };
            for n in 0..AT_ONCE {
                // SAFETY: as above.
                let x = unsafe { &*sources[n].add(i * self.step).cast::<[T; LANES]>() };
                for l in 0..LANES {
                    all[n][l] = fma::<L, T>(x[l], dy[l], all[n][l]);
                }
            }
        }
        for (read, all) in reads.iter().zip(&all) {
            sums[read.tap * self.channels..][..LANES].copy_from_slice(all);
        }
    }

    #[inline(always)]
    fn apart<L: Level>(&self, reads: &[Read], range: impl Fn(&Read) -> (usize, usize), sums: &mut [T]) {
        for read in reads {
            let sums = &mut sums[read.tap * self.channels..][..self.lanes];
            let (from, to) = range(read);
            for i in from..to {
                // SAFETY: `lanes` channels of pixels that are inside.
                let (x, dy) = unsafe {
                    let dy = self.dy.add(i * self.channels);
                    (
                        std::slice::from_raw_parts(self.from(read, i), self.lanes),
                        std::slice::from_raw_parts(dy, self.lanes),
                    )
                };
                for l in 0..self.lanes {
                    sums[l] = fma::<L, T>(x[l], dy[l], sums[l]);
                }
            }
        }
    }
}
