//! Convolutions whose filters each read one channel: sums along the channels, which lie side by side.

use super::{Conv, MAX_SPATIAL};
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::{Float, Grad, View};

/// Channels that are summed together, in registers.
const LANES: usize = 32;

/// Most taps that are looked up at once.
const MAX_TAPS: usize = 32;

/// `y = x * kernel + bias`; a task is a line of output pixels.
pub(super) fn forward<T: Float>(conv: &Conv, x: View, kernel: View, bias: Option<View>, y: View) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let (x, kernel) = (Raw::<T>::sized(x, x_size), Raw::<T>::sized(kernel, kernel_size));
    let (y, bias) = (Raw::<T>::sized(y, y_size), bias.map(|bias| Raw::<T>::sized(bias, conv.filters)));
    let across = conv.output[MAX_SPATIAL - 1];
    let taps: usize = conv.kernel.iter().product();
    threads::tasks(conv.batch * conv.output[0] * conv.output[1], y_size * taps, |line| {
        for w in 0..across {
            // SAFETY: the pixel's row of `y` is written by this task alone; the bias is as long as the row.
            let row = unsafe {
                std::slice::from_raw_parts_mut(y.at((line * across + w) * conv.filters), conv.filters)
            };
            match bias {
                Some(bias) => {
                    // SAFETY: as above; nobody writes to the bias.
                    let bias = unsafe { std::slice::from_raw_parts(bias.at(0), conv.filters) };
                    row.copy_from_slice(bias);
                }
                None => row.fill(T::zero()),
            }
            let reads = |index: usize| {
                let tap = conv.tap(index);
                let at = conv
                    .inside(tap[2])
                    .contains(&w)
                    .then(|| w * conv.strides[2] + tap[2] * conv.dilation[2] - conv.padding[2])?;
                Some((conv.line(line, tap)? * conv.input[2] + at, index))
            };
            // SAFETY: pixels that are read are inside `x`, taps inside the kernel.
            unsafe { gather(row, taps, reads, x.at(0), conv.channels, kernel.at(0), conv.filters) };
        }
    });
}

/// The gradient of `x`; a task is a line of its pixels.
pub(super) fn data_grad<T: Float>(conv: &Conv, dy: View, kernel: View, dx: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let (dy, kernel) = (Raw::<T>::sized(dy, y_size), Raw::<T>::sized(kernel, kernel_size));
    let to = Raw::<T>::sized(dx.view, x_size);
    let taps: usize = conv.kernel.iter().product();
    let [a, b, across] = conv.input;
    threads::tasks(conv.batch * a * b, y_size * taps, |line| {
        for w in 0..across {
            // SAFETY: the pixel's row of `dx` is written by this task alone.
            let row = unsafe {
                std::slice::from_raw_parts_mut(to.at((line * across + w) * conv.channels), conv.channels)
            };
            if !dx.adds() {
                row.fill(T::zero());
            }
            let at = [line / b % a, line % b, w];
            let reads = |index: usize| {
                let tap = conv.tap(index);
                let mut pixel = line / (a * b);
                for i in 0..MAX_SPATIAL {
                    let back = (at[i] + conv.padding[i]).checked_sub(tap[i] * conv.dilation[i])?;
                    if !back.is_multiple_of(conv.strides[i]) || back / conv.strides[i] >= conv.output[i] {
                        return None;
                    }
                    pixel = pixel * conv.output[i] + back / conv.strides[i];
                }
                Some((pixel, index))
            };
            // SAFETY: pixels that are read are inside `dy`, taps inside the kernel.
            unsafe { gather(row, taps, reads, dy.at(0), conv.filters, kernel.at(0), conv.filters) };
        }
    });
}

/// Adds to every channel of `row` the products of what the taps read with the kernel. The row may have several
/// channels to each of the source (forward), or the source several to each of the row (backward).
///
/// # Safety
/// What `reads` yields, a pixel of the source and a tap, is inside the source and the kernel.
unsafe fn gather<T: Float>(
    row: &mut [T],
    taps: usize,
    reads: impl Fn(usize) -> Option<(usize, usize)>,
    source: *const T,
    source_channels: usize,
    kernel: *const T,
    filters: usize,
) {
    let mut found = [(0, 0); MAX_TAPS];
    for first in (0..taps).step_by(MAX_TAPS) {
        let mut count = 0;
        for read in (first..taps.min(first + MAX_TAPS)).filter_map(&reads) {
            found[count] = read;
            count += 1;
        }
        let found = &found[..count];
        if source_channels == row.len() {
            let mut chunks = row.chunks_exact_mut(LANES);
            let mut channel = 0;
            for chunk in &mut chunks {
                let mut sums = [T::zero(); LANES];
                sums.copy_from_slice(chunk);
                for (pixel, tap) in found {
                    // SAFETY: by the contract; the chunk's channels exist in both.
                    let (x, k) = unsafe {
                        (
                            &*source.add(pixel * source_channels + channel).cast::<[T; LANES]>(),
                            &*kernel.add(tap * filters + channel).cast::<[T; LANES]>(),
                        )
                    };
                    for l in 0..LANES {
                        sums[l] += x[l] * k[l];
                    }
                }
                chunk.copy_from_slice(&sums);
                channel += LANES;
            }
            for (l, sum) in chunks.into_remainder().iter_mut().enumerate() {
                for (pixel, tap) in found {
                    // SAFETY: as above.
                    *sum += unsafe {
                        *source.add(pixel * source_channels + channel + l)
                            * *kernel.add(tap * filters + channel + l)
                    };
                }
            }
            continue;
        }
        // The multiplier is the ratio of the filters to the channels, whichever side has which.
        let channels = row.len().min(source_channels);
        let multiplier = filters / channels;
        for f in 0..filters {
            let (to, from) = if row.len() == filters { (f, f / multiplier) } else { (f / multiplier, f) };
            for (pixel, tap) in found {
                // SAFETY: as above.
                row[to] +=
                    unsafe { *source.add(pixel * source_channels + from) * *kernel.add(tap * filters + f) };
            }
        }
    }
}

/// The gradient of the kernel; a task is a few filters and taps, which share the lines that they read.
pub(super) fn kernel_grad<T: Float>(conv: &Conv, x: View, dy: View, dkernel: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let (x, dy) = (Raw::<T>::sized(x, x_size), Raw::<T>::sized(dy, y_size));
    let to = Raw::<T>::sized(dkernel.view, kernel_size);
    let taps: usize = conv.kernel.iter().product();
    let multiplier = conv.filters / conv.channels;
    let parts = conv.filters.div_ceil(LANES);
    threads::tasks(taps.div_ceil(MAX_TAPS) * parts, y_size * taps, |task| {
        let (from, first) = (task / parts * MAX_TAPS, task % parts * LANES);
        let lanes = LANES.min(conv.filters - first);
        let some = from..taps.min(from + MAX_TAPS);
        let mut all = [[T::zero(); LANES]; MAX_TAPS];
        for line in 0..conv.batch * conv.output[0] * conv.output[1] {
            for index in some.clone() {
                let tap = conv.tap(index);
                let Some(read) = conv.line(line, tap) else { continue };
                let mut sums = all[index - from];
                for w in conv.inside(tap[2]) {
                    let at = w * conv.strides[2] + tap[2] * conv.dilation[2] - conv.padding[2];
                    let x = x.at((read * conv.input[2] + at) * conv.channels);
                    let dy = dy.at((line * conv.output[2] + w) * conv.filters + first);
                    if lanes == LANES && multiplier == 1 {
                        // SAFETY: `LANES` channels from `first` exist in both pixels.
                        let (x, dy) =
                            unsafe { (&*x.add(first).cast::<[T; LANES]>(), &*dy.cast::<[T; LANES]>()) };
                        for l in 0..LANES {
                            sums[l] += x[l] * dy[l];
                        }
                    } else {
                        for l in 0..lanes {
                            // SAFETY: the filter and the channel it reads exist.
                            sums[l] += unsafe { *x.add((first + l) / multiplier) * *dy.add(l) };
                        }
                    }
                }
                all[index - from] = sums;
            }
        }
        for index in some {
            // SAFETY: the task's part of the kernel.
            let row = unsafe { std::slice::from_raw_parts_mut(to.at(index * conv.filters + first), lanes) };
            for (to, sum) in row.iter_mut().zip(all[index - from]) {
                *to = if dkernel.adds() { *to + sum } else { sum };
            }
        }
    });
}
