use super::philox::{WORDS, many_words, normal_pair, unit, words};
use super::{Random, Stream};
use crate::cpu::math::Real;
use crate::cpu::raw::{Raw, store};
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::{Cpu, Grad, MAX_RANK, Mode, Shape, View, with_float};

/// Elements of one task; a multiple of [`WORDS`].
const PIECE: usize = 8_192;
/// Operations an element.
const COST: usize = 12;
/// Redraws of a truncated normal number: the chance that this many fail is `0.0455^200`.
const ATTEMPTS: u8 = 200;

/// Runs `fill(first element, up to four elements)` over the whole view.
fn by_fours<T: Real>(to: View, fill: impl Fn(u64, &mut [T]) + Sync + Send) {
    let (len, to) = (to.size(), Raw::<T>::of(to));
    threads::pieces(len, PIECE, COST, |start, end| {
        // SAFETY: the piece of this task.
        let piece = unsafe { to.slice_mut(start, end - start) };
        for (i, four) in piece.chunks_mut(4).enumerate() {
            fill((start / 4 + i) as u64, four);
        }
    });
}

fn uniform<T: Real>(stream: Stream, low: f64, high: f64, to: View) {
    // Rounding to `T` may reach `high`, which is excluded.
    let below = T::lit(high) - (T::lit(high) - T::lit(low)) * T::epsilon();
    by_fours::<T>(to, |block, out| {
        for (out, word) in out.iter_mut().zip(words(stream, block, 0)) {
            let x = T::lit(low + unit(word) * (high - low));
            *out = if x < T::lit(high) { x } else { below };
        }
    });
}

/// Four normal numbers; those beyond two standard deviations are drawn again if `truncated`.
fn four_normals(stream: Stream, block: u64, truncated: bool) -> [f64; 4] {
    let draw = |attempt| {
        let [a, b, c, d] = words(stream, block, attempt);
        let ([p, q], [r, s]) = (normal_pair(a, b), normal_pair(c, d));
        [p, q, r, s]
    };
    let mut out = draw(0);
    if truncated {
        let mut attempt = 1;
        while attempt < ATTEMPTS && out.iter().any(|x| x.abs() > 2.0) {
            let again = draw(attempt);
            for (x, again) in out.iter_mut().zip(again) {
                if x.abs() > 2.0 {
                    *x = again;
                }
            }
            attempt += 1;
        }
    }
    out
}

fn normal<T: Real>(stream: Stream, mean: f64, stddev: f64, truncated: bool, to: View) {
    by_fours::<T>(to, |block, out| {
        for (out, z) in out.iter_mut().zip(four_normals(stream, block, truncated)) {
            *out = T::lit(mean + stddev * z);
        }
    });
}

/// Whether element `i` of the draw is kept: a word is below `keep` of 2^32.
#[inline(always)]
fn kept(stream: Stream, i: u64, keep: u64) -> bool {
    u64::from(words(stream, i / 4, 0)[(i % 4) as usize]) < keep
}

/// Dropout of elements `start..end`, each with a fate of its own; `start` is a multiple of [`WORDS`].
struct Drop<T> {
    stream: Stream,
    keep: u64,
    scale: T,
    x: Raw<T>,
    y: Raw<T>,
    mode: Mode,
    start: usize,
    end: usize,
}

impl<T: Real> Kernel for Drop<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Drop { stream, keep, scale, x, y, mode, start, end } = self;
        // With `keep` of 2^32 every word is below.
        let (last, none) = ((keep.max(1) - 1) as u32, keep == 0);
        let mut out = [T::default(); WORDS];
        for at in (start..end).step_by(WORDS) {
            let words = many_words(stream, at as u64 / 4);
            let n = WORDS.min(end - at);
            // SAFETY: elements of this task, not written yet.
            let x = unsafe { x.slice(at, n) };
            for ((out, x), word) in out.iter_mut().zip(x).zip(&words) {
                *out = if *word <= last && !none { *x * scale } else { T::zero() };
            }
            // SAFETY: as above; what was read is not used any more.
            store(&out[..n], unsafe { y.slice_mut(at, n) }, mode);
        }
    }
}

fn dropout<T: Real>(stream: Stream, rate: f64, noise: Shape, x: View, y: Grad) {
    let shape = x.shape();
    let len = x.size();
    assert!(y.view.size() == len && noise.rank() <= shape.rank(), "shapes of a dropout");
    let keep = ((1.0 - rate) * 4_294_967_296.0).round() as u64;
    let scale = T::lit(1.0 / (1.0 - rate));
    let mode = y.mode;
    let whole = noise.size() == len;
    let (x, y) = (Raw::<T>::of(x), Raw::<T>::of(y.view));
    let value = |i: usize, kept: bool| {
        // SAFETY: element `i`, which one task alone touches.
        unsafe {
            let new = if kept { x.get(i) * scale } else { T::zero() };
            y.set(i, if mode == Mode::Add { y.get(i) + new } else { new });
        }
    };
    if whole {
        threads::pieces(len, PIECE, COST, |start, end| {
            T::dispatch(Drop { stream, keep, scale, x, y, mode, start, end });
        });
        return;
    }
    // Strides of the draw along the dimensions of `x`, aligned at the end; 0 where it is repeated.
    let missing = shape.rank() - noise.rank();
    let mut strides = [0; MAX_RANK];
    for axis in missing..shape.rank() {
        let n = noise.dim(axis - missing);
        assert!(n == 1 || n == shape.dim(axis), "noise {noise} does not broadcast to {shape}");
        strides[axis] = if n == 1 { 0 } else { noise.strides()[axis - missing] };
    }
    threads::pieces(len, PIECE, 2 * COST, |start, end| {
        for i in start..end {
            let (mut rest, mut draw) = (i, 0);
            for axis in (0..shape.rank()).rev() {
                draw += rest % shape.dim(axis) * strides[axis];
                rest /= shape.dim(axis);
            }
            value(i, kept(stream, draw as u64, keep));
        }
    });
}

impl Random for Cpu {
    fn uniform(&self, stream: Stream, low: f64, high: f64, to: View) {
        with_float!(to.dtype(), T => uniform::<T>(stream, low, high, to));
    }

    fn normal(&self, stream: Stream, mean: f64, stddev: f64, truncated: bool, to: View) {
        with_float!(to.dtype(), T => normal::<T>(stream, mean, stddev, truncated, to));
    }

    fn dropout(&self, stream: Stream, rate: f64, noise: Shape, x: View, y: Grad) {
        with_float!(x.dtype(), T => dropout::<T>(stream, rate, noise, x, y));
    }
}
