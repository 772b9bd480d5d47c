//! The plain convolution: the oracle of every fast one.

use super::{Conv, MAX_SPATIAL};
use crate::cpu::threads;
use crate::{Float, Grad, View};

/// A point in the spatial dimensions.
type At = [usize; MAX_SPATIAL];

/// The points of a box, last dimension fastest.
fn points(size: At) -> impl Iterator<Item = At> {
    let [a, b, c] = size;
    (0..a).flat_map(move |i| (0..b).flat_map(move |j| (0..c).map(move |k| [i, j, k])))
}

fn index(at: At, size: At) -> usize {
    (at[0] * size[1] + at[1]) * size[2] + at[2]
}

impl Conv {
    /// Where tap `tap` of the window of output `at` reads; `None` in the padding.
    fn reads(&self, at: At, tap: At) -> Option<At> {
        let mut read = [0; MAX_SPATIAL];
        for i in 0..MAX_SPATIAL {
            read[i] = (at[i] * self.strides[i] + tap[i] * self.dilation[i]).checked_sub(self.padding[i])?;
            if read[i] >= self.input[i] {
                return None;
            }
        }
        Some(read)
    }

    fn pixels(size: At) -> usize {
        size.iter().product()
    }
}

/// One task an output pixel.
pub(super) fn forward<T: Float>(conv: &Conv, x: View, kernel: View, bias: Option<View>, y: View) {
    // SAFETY: inputs are not written; rows of `y` are written by one task each.
    let (x, kernel): (&[T], &[T]) = unsafe { (x.slice(), kernel.slice()) };
    // SAFETY: as above.
    let bias: Option<&[T]> = bias.map(|bias| unsafe { bias.slice() });
    let (pixels, address) = (Conv::pixels(conv.output), y.address() as usize);
    let (per_group, filters) = (conv.channels / conv.groups, conv.filters);
    let out_group = filters / conv.groups;
    threads::tasks(conv.batch * pixels, conv.flops(), |task| {
        let (sample, pixel) = (task / pixels, task % pixels);
        let [_, b, c] = conv.output;
        let at = [pixel / (b * c), pixel / c % b, pixel % c];
        // SAFETY: task `task` owns this row.
        let row = unsafe { std::slice::from_raw_parts_mut((address as *mut T).add(task * filters), filters) };
        match bias {
            Some(bias) => row.copy_from_slice(bias),
            None => row.fill(T::zero()),
        }
        for tap in points(conv.kernel) {
            let Some(read) = conv.reads(at, tap) else { continue };
            let from = (sample * Conv::pixels(conv.input) + index(read, conv.input)) * conv.channels;
            for group in 0..conv.groups {
                for i in 0..per_group {
                    let value = x[from + group * per_group + i];
                    let weights = (index(tap, conv.kernel) * per_group + i) * filters + group * out_group;
                    let to = &mut row[group * out_group..(group + 1) * out_group];
                    to.iter_mut().zip(&kernel[weights..]).for_each(|(y, w)| *y += value * *w);
                }
            }
        }
    });
}

/// One task a sample.
pub(super) fn data_grad<T: Float>(conv: &Conv, dy: View, kernel: View, dx: Grad) {
    // SAFETY: inputs are not written; every sample of `dx` is written by one task.
    let (dy, kernel): (&[T], &[T]) = unsafe { (dy.slice(), kernel.slice()) };
    let address = dx.view.address() as usize;
    let (per_group, filters) = (conv.channels / conv.groups, conv.filters);
    let out_group = filters / conv.groups;
    let sample_size = Conv::pixels(conv.input) * conv.channels;
    threads::tasks(conv.batch, conv.flops(), |sample| {
        // SAFETY: the task owns this sample.
        let dx_sample = unsafe {
            std::slice::from_raw_parts_mut((address as *mut T).add(sample * sample_size), sample_size)
        };
        if !dx.adds() {
            dx_sample.fill(T::zero());
        }
        for at in points(conv.output) {
            let row = (sample * Conv::pixels(conv.output) + index(at, conv.output)) * filters;
            for tap in points(conv.kernel) {
                let Some(read) = conv.reads(at, tap) else { continue };
                let to = index(read, conv.input) * conv.channels;
                for c in 0..conv.channels {
                    let (group, i) = (c / per_group, c % per_group);
                    let weights = (index(tap, conv.kernel) * per_group + i) * filters + group * out_group;
                    let grads = &dy[row + group * out_group..row + (group + 1) * out_group];
                    dx_sample[to + c] +=
                        grads.iter().zip(&kernel[weights..]).map(|(g, w)| *g * *w).sum::<T>();
                }
            }
        }
    });
}

/// One task a tap and input channel of the kernel.
pub(super) fn kernel_grad<T: Float>(conv: &Conv, x: View, dy: View, dkernel: Grad) {
    // SAFETY: inputs are not written; rows of `dkernel` are written by one task each.
    let (x, dy): (&[T], &[T]) = unsafe { (x.slice(), dy.slice()) };
    let address = dkernel.view.address() as usize;
    let (per_group, filters) = (conv.channels / conv.groups, conv.filters);
    let out_group = filters / conv.groups;
    threads::tasks(Conv::pixels(conv.kernel) * per_group, conv.flops(), |task| {
        let (tap, i) = (task / per_group, task % per_group);
        let [_, b, c] = conv.kernel;
        let tap = [tap / (b * c), tap / c % b, tap % c];
        // SAFETY: the task owns this row.
        let row = unsafe { std::slice::from_raw_parts_mut((address as *mut T).add(task * filters), filters) };
        if !dkernel.adds() {
            row.fill(T::zero());
        }
        for sample in 0..conv.batch {
            for at in points(conv.output) {
                let Some(read) = conv.reads(at, tap) else { continue };
                let from = (sample * Conv::pixels(conv.input) + index(read, conv.input)) * conv.channels + i;
                let grads = (sample * Conv::pixels(conv.output) + index(at, conv.output)) * filters;
                for f in 0..filters {
                    row[f] += x[from + f / out_group * per_group] * dy[grads + f];
                }
            }
        }
    });
}
