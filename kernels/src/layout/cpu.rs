use super::nest::Nest;
use super::{Layout, Walk};
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::{Cpu, DType, Element, Float, Grad, Mode, View, with_float};

/// Elements of one task.
const PIECE: usize = 16_384;

/// Runs `$body` with `$E` set to the element type of `$dtype`.
macro_rules! with_element {
    ($dtype:expr, $E:ident => $body:expr) => {
        match $dtype {
            DType::F32 => {
                type $E = f32;
                $body
            }
            DType::F64 => {
                type $E = f64;
                $body
            }
            DType::I32 => {
                type $E = i32;
                $body
            }
            DType::I64 => {
                type $E = i64;
                $body
            }
            DType::U8 | DType::Bool => {
                type $E = u8;
                $body
            }
        }
    };
}

/// Copies a line of `n` elements.
#[inline]
fn copy_line<E: Element>(from: Raw<E>, f: usize, fs: isize, to: Raw<E>, t: usize, ts: isize, n: usize) {
    // SAFETY: `walk` checked that every step of the walk lies inside both views, and they do not overlap.
    unsafe {
        match (fs, ts) {
            (1, 1) => to.slice_mut(t, n).copy_from_slice(from.slice(f, n)),
            (0, 1) => to.slice_mut(t, n).fill(from.get(f)),
            (_, 1) => {
                for (i, to) in to.slice_mut(t, n).iter_mut().enumerate() {
                    *to = from.get(f.wrapping_add_signed(fs * i as isize));
                }
            }
            _ => {
                for i in 0..n as isize {
                    to.set(t.wrapping_add_signed(ts * i), from.get(f.wrapping_add_signed(fs * i)));
                }
            }
        }
    }
}

/// Adds a line of `n` elements; to one element if `ts` is 0.
#[inline]
fn add_line<T: Float>(from: Raw<T>, f: usize, fs: isize, to: Raw<T>, t: usize, ts: isize, n: usize) {
    // SAFETY: as in `copy_line`.
    unsafe {
        match (fs, ts) {
            (1, 1) => {
                for (to, from) in to.slice_mut(t, n).iter_mut().zip(from.slice(f, n)) {
                    *to += *from;
                }
            }
            (_, 0) => {
                let mut sum = T::zero();
                for i in 0..n as isize {
                    sum += from.get(f.wrapping_add_signed(fs * i));
                }
                to.set(t, to.get(t) + sum);
            }
            _ => {
                for i in 0..n as isize {
                    let t = t.wrapping_add_signed(ts * i);
                    to.set(t, to.get(t) + from.get(f.wrapping_add_signed(fs * i)));
                }
            }
        }
    }
}

/// Runs `line(from, from stride, to, to stride, n)` over the innermost lines of a nest.
fn lines(nest: &Nest, line: impl Fn(usize, isize, usize, isize, usize) + Sync + Send) {
    let inner = nest.rank - 1;
    let (n, fs, ts) = (nest.dims[inner], nest.from_strides[inner], nest.to_strides[inner]);
    // Tasks cut the outer loops that write different places; the others stay within a task, in order.
    let free = if nest.is_injective() { nest.count(0, nest.free_outer()) } else { 1 };
    let within = nest.count(0, inner) / free.max(1);
    let size = free * within * n;
    threads::pieces(free, PIECE / (within * n).max(1), (within * n).max(1), |start, end| {
        let mut at = nest.at(start * within);
        for _ in start * within..end * within {
            line(at.from, fs, at.to, ts, n);
            nest.step(&mut at);
        }
    });
    debug_assert!(size == nest.count(0, nest.rank));
}

fn copy<E: Element>(nest: &Nest, from: View, to: View) {
    let (from, to) = (Raw::<E>::of(from), Raw::<E>::of(to));
    if super::transpose::run(nest, from, to) {
        return;
    }
    lines(nest, |f, fs, t, ts, n| copy_line(from, f, fs, to, t, ts, n));
}

fn add<T: Float>(nest: &Nest, from: View, to: View) {
    let (from, to) = (Raw::<T>::of(from), Raw::<T>::of(to));
    lines(nest, |f, fs, t, ts, n| add_line(from, f, fs, to, t, ts, n));
}

fn cast<A: Element, B: Element>(from: View, to: View, convert: impl Fn(A) -> B + Sync + Send) {
    let (len, from, to) = (from.size(), Raw::<A>::of(from), Raw::<B>::of(to));
    threads::pieces(len, PIECE, 1, |start, end| {
        // SAFETY: the piece of this task; the views do not overlap.
        let (from, to) = unsafe { (from.slice(start, end - start), to.slice_mut(start, end - start)) };
        for (to, from) in to.iter_mut().zip(from) {
            *to = convert(*from);
        }
    });
}

/// `as` between element types; through `i64` where both are integers, so that none of them loses bits.
fn cast_to<A: Element, B: Element>(from: View, to: View) {
    if A::DTYPE.is_float() || B::DTYPE.is_float() {
        cast::<A, B>(from, to, |x| B::from_f64(x.to_f64()));
    } else {
        cast::<A, B>(from, to, |x| B::from_i64(x.to_i64()));
    }
}

impl Layout for Cpu {
    fn walk(&self, walk: &Walk, from: View, to: Grad) {
        assert!(from.dtype() == to.view.dtype(), "a walk from {} to {}", from.dtype(), to.view.dtype());
        let Some(nest) = Nest::of(walk) else { return };
        nest.check(from.size(), to.view.size());
        let sums = nest.sums();
        if !sums && to.mode == Mode::Write {
            with_element!(from.dtype(), E => copy::<E>(&nest, from, to.view));
            return;
        }
        if to.mode == Mode::Write {
            let zero = nest.targets();
            with_float!(from.dtype(), T => {
                let to = Raw::<T>::of(to.view);
                // SAFETY: checked to lie inside the view.
                lines(&zero, |_, _, t, ts, n| unsafe {
                    (0..n as isize).for_each(|i| to.set(t.wrapping_add_signed(ts * i), T::default()));
                });
            });
        }
        with_float!(from.dtype(), T => add::<T>(&nest, from, to.view));
    }

    fn fill(&self, value: f64, to: View) {
        with_element!(to.dtype(), E => {
            let boolean = to.dtype() == DType::Bool;
            let value = E::from_f64(if boolean { f64::from(u8::from(value != 0.0)) } else { value });
            let (len, to) = (to.size(), Raw::<E>::of(to));
            // SAFETY: the piece of this task.
            threads::pieces(len, PIECE, 1, |s, e| unsafe { to.slice_mut(s, e - s) }.fill(value));
        });
    }

    fn cast(&self, from: View, to: View) {
        assert!(from.size() == to.size(), "a cast of {from:?} to {to:?}");
        with_element!(from.dtype(), A => {
            if to.dtype() == DType::Bool {
                cast::<A, u8>(from, to, |x| u8::from(x != A::default()));
            } else {
                with_element!(to.dtype(), B => cast_to::<A, B>(from, to));
            }
        });
    }
}
