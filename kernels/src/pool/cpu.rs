//! The plain pooling.

use super::{Pool, PoolKind, Pooling};
use crate::cpu::threads;
use crate::{Cpu, Float, Grad, View, with_float};

impl Pooling for Cpu {
    fn pool(&self, pool: &Pool, x: View, y: View) {
        with_float!(y.dtype(), T => forward::<T>(pool, x, y));
    }

    fn pool_grad(&self, pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
        with_float!(y.dtype(), T => backward::<T>(pool, x, y, dy, dx));
    }
}

/// The part of a window that lies in the input: first and past-the-last index along dimension `i`.
fn window(pool: &Pool, at: usize, i: usize) -> std::ops::Range<usize> {
    let start = at * pool.strides[i];
    let from = start.saturating_sub(pool.padding[i]);
    from..(start + pool.window[i]).saturating_sub(pool.padding[i]).min(pool.input[i])
}

/// Pixels of the window of output pixel `pixel`, row by row, as indices into a sample.
fn reads(pool: &Pool, pixel: usize) -> impl Iterator<Item = usize> + '_ {
    let [_, b, c] = pool.output;
    let [_, height, width] = pool.input;
    let (di, dj, dk) =
        (window(pool, pixel / (b * c), 0), window(pool, pixel / c % b, 1), window(pool, pixel % c, 2));
    di.flat_map(move |i| {
        let dk = dk.clone();
        dj.clone().flat_map(move |j| dk.clone().map(move |k| (i * height + j) * width + k))
    })
}

fn forward<T: Float>(pool: &Pool, x: View, y: View) {
    let (channels, out_pixels) = (pool.channels, pool.output.iter().product::<usize>());
    let sample_size = pool.input.iter().product::<usize>() * channels;
    // SAFETY: the input is not written; every row of `y` is written by one task.
    let x: &[T] = unsafe { x.slice() };
    let address = y.address() as usize;
    let work = pool.batch * out_pixels * channels * pool.window.iter().product::<usize>();
    threads::tasks(pool.batch * out_pixels, work, |task| {
        let (sample, pixel) = (task / out_pixels, task % out_pixels);
        // SAFETY: the task owns this row.
        let row =
            unsafe { std::slice::from_raw_parts_mut((address as *mut T).add(task * channels), channels) };
        let average = pool.kind == PoolKind::Average;
        row.fill(if average { T::zero() } else { T::neg_infinity() });
        let mut count = 0;
        for read in reads(pool, pixel) {
            let from = &x[sample * sample_size + read * channels..][..channels];
            count += 1;
            if average {
                row.iter_mut().zip(from).for_each(|(y, x)| *y += *x);
            } else {
                // A NaN wins, as in numpy.
                row.iter_mut().zip(from).for_each(|(y, x)| *y = if *x > *y || x.is_nan() { *x } else { *y });
            }
        }
        if average {
            let scale = T::one() / <T as crate::Element>::from_f64(count as f64);
            row.iter_mut().for_each(|y| *y *= scale);
        }
    });
}

/// One task a sample: windows overlap.
fn backward<T: Float>(pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
    let (channels, out_pixels) = (pool.channels, pool.output.iter().product::<usize>());
    let sample_size = pool.input.iter().product::<usize>() * channels;
    // SAFETY: inputs are not written; every sample of `dx` is written by one task.
    let (x, y, dy): (&[T], &[T], &[T]) = unsafe { (x.slice(), y.slice(), dy.slice()) };
    let address = dx.view.address() as usize;
    let work = pool.batch * out_pixels * channels * pool.window.iter().product::<usize>();
    threads::tasks(pool.batch, work, |sample| {
        // SAFETY: the task owns this sample.
        let to = unsafe {
            std::slice::from_raw_parts_mut((address as *mut T).add(sample * sample_size), sample_size)
        };
        if !dx.adds() {
            to.fill(T::zero());
        }
        for pixel in 0..out_pixels {
            let row = (sample * out_pixels + pixel) * channels;
            match pool.kind {
                PoolKind::Average => {
                    let scale = T::one() / <T as crate::Element>::from_f64(reads(pool, pixel).count() as f64);
                    for read in reads(pool, pixel) {
                        let to = &mut to[read * channels..][..channels];
                        to.iter_mut().zip(&dy[row..]).for_each(|(dx, dy)| *dx += *dy * scale);
                    }
                }
                PoolKind::Max => {
                    for c in 0..channels {
                        let largest = y[row + c];
                        let is_largest = |read: &usize| {
                            let value = x[sample * sample_size + read * channels + c];
                            value == largest || value.is_nan()
                        };
                        if let Some(read) = reads(pool, pixel).find(is_largest) {
                            to[read * channels + c] += dy[row + c];
                        }
                    }
                }
            }
        }
    });
}
