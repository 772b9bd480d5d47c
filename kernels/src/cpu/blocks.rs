//! Elementwise loops over one or two contiguous operands.

use super::math::Real;
use super::raw::{BLOCK, Raw, store};
use super::simd::{Kernel, Level};
use super::threads;
use crate::{Grad, View};

/// A function of two numbers.
pub(crate) trait Op<T>: Copy + Send + Sync {
    /// Its value. Implementations are `#[inline(always)]`.
    fn apply<L: Level>(&self, a: T, b: T) -> T;
}

/// Elements of one task.
const PIECE: usize = 16_384;

struct Piece<T, F> {
    a: Raw<T>,
    b: Raw<T>,
    to: Raw<T>,
    mode: crate::Mode,
    start: usize,
    end: usize,
    op: F,
}

impl<T: Real, F: Op<T>> Kernel for Piece<T, F> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let mut out = [T::default(); BLOCK];
        let mut at = self.start;
        while at < self.end {
            let n = BLOCK.min(self.end - at);
            // SAFETY: within the views (their sizes were compared), and not written until below.
            let (a, b) = unsafe { (self.a.slice(at, n), self.b.slice(at, n)) };
            let out = &mut out[..n];
            for i in 0..n {
                out[i] = self.op.apply::<L>(a[i], b[i]);
            }
            // SAFETY: this task alone touches this block, and `a` and `b` are not used any more.
            store(out, unsafe { self.to.slice_mut(at, n) }, self.mode);
            at += n;
        }
    }
}

/// `to = op(a, b)` element by element; `to` may be the same memory as `a` or `b`. `cost` is in operations an
/// element.
#[track_caller]
pub(crate) fn map2<T: Real, F: Op<T>>(a: View, b: View, to: Grad, cost: usize, op: F) {
    assert!(a.size() == to.view.size() && b.size() == to.view.size(), "operands differ in size");
    let (a, b, mode) = (Raw::of(a), Raw::of(b), to.mode);
    let (len, to) = (to.view.size(), Raw::of(to.view));
    threads::pieces(len, PIECE, cost, |start, end| T::dispatch(Piece { a, b, to, mode, start, end, op }));
}
