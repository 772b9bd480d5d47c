//! The plain pooling, element by element: what the fast one is tested against.

use super::{Pool, PoolKind};
use crate::{Float, Grad, View};

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

pub(super) fn forward<T: Float>(pool: &Pool, x: View, y: View) {
    let (channels, out_pixels) = (pool.channels, pool.output.iter().product::<usize>());
    let sample_size = pool.input.iter().product::<usize>() * channels;
    // SAFETY: buffers of one test.
    let (x, y): (&[T], &mut [T]) = unsafe { (x.slice(), y.slice_mut()) };
    for (at, y) in y.iter_mut().enumerate() {
        let (sample, pixel, c) = (at / channels / out_pixels, at / channels % out_pixels, at % channels);
        let values = reads(pool, pixel).map(|read| x[sample * sample_size + read * channels + c]);
        *y = match pool.kind {
            // A NaN wins, as in numpy.
            PoolKind::Max => values.fold(T::neg_infinity(), |a, b| if b > a || b.is_nan() { b } else { a }),
            PoolKind::Average => {
                let count = <T as crate::Element>::from_f64(reads(pool, pixel).count() as f64);
                values.fold(T::zero(), |a, b| a + b) / count
            }
        };
    }
}

pub(super) fn backward<T: Float>(pool: &Pool, x: View, y: View, dy: View, dx: Grad) {
    let (channels, out_pixels) = (pool.channels, pool.output.iter().product::<usize>());
    let sample_size = pool.input.iter().product::<usize>() * channels;
    // SAFETY: buffers of one test.
    let (x, y, dy, to): (&[T], &[T], &[T], &mut [T]) =
        unsafe { (x.slice(), y.slice(), dy.slice(), dx.view.slice_mut()) };
    if !dx.adds() {
        to.fill(T::zero());
    }
    for at in 0..y.len() {
        let (sample, pixel, c) = (at / channels / out_pixels, at / channels % out_pixels, at % channels);
        let mut places = reads(pool, pixel).map(|read| sample * sample_size + read * channels + c);
        match pool.kind {
            PoolKind::Max => {
                if let Some(place) = places.find(|place| x[*place] == y[at] || x[*place].is_nan()) {
                    to[place] += dy[at];
                }
            }
            PoolKind::Average => {
                let count = <T as crate::Element>::from_f64(reads(pool, pixel).count() as f64);
                places.for_each(|place| to[place] += dy[at] / count);
            }
        }
    }
}
