//! The gated linear unit: the first half of an axis times the sigmoid of the second.

use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::shape::AxisSplit;
use crate::{Grad, Mode, View};

const COST: usize = 8;

struct Forward<T> {
    x: Raw<T>,
    y: Raw<T>,
    half: usize,
    row: usize,
}

impl<T: Real> Kernel for Forward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Forward { x, y, half, row } = self;
        // SAFETY: row `row` of both, which this task alone touches.
        let (a, b, y) = unsafe {
            (
                x.slice(2 * row * half, half),
                x.slice((2 * row + 1) * half, half),
                y.slice_mut(row * half, half),
            )
        };
        for i in 0..half {
            y[i] = a[i] * b[i].fsigmoid::<L>();
        }
    }
}

struct Backward<T> {
    x: Raw<T>,
    dy: Raw<T>,
    dx: Raw<T>,
    mode: Mode,
    half: usize,
    row: usize,
}

impl<T: Real> Kernel for Backward<T> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Backward { x, dy, dx, mode, half, row } = self;
        // SAFETY: row `row` of each, which this task alone touches.
        let (a, b, dy, dx) = unsafe {
            (
                x.slice(2 * row * half, half),
                x.slice((2 * row + 1) * half, half),
                dy.slice(row * half, half),
                dx.slice_mut(2 * row * half, 2 * half),
            )
        };
        let (da, db) = dx.split_at_mut(half);
        if mode == Mode::Write {
            da.fill(T::zero());
            db.fill(T::zero());
        }
        for i in 0..half {
            let s = b[i].fsigmoid::<L>();
            da[i] += dy[i] * s;
            db[i] += dy[i] * a[i] * s * (T::one() - s);
        }
    }
}

/// `y = a * sigmoid(b)`.
pub(super) fn forward<T: Real>(split: AxisSplit, x: View, y: View) {
    assert!(split.n.is_multiple_of(2) && y.size() * 2 == x.size(), "glu halves an even axis");
    let half = split.n / 2 * split.inner;
    let (x, y) = (Raw::<T>::of(x), Raw::<T>::of(y));
    threads::tasks(split.outer, split.outer * half * COST, |row| T::dispatch(Forward { x, y, half, row }));
}

/// `da = dy * sigmoid(b)`, `db = dy * a * sigmoid'(b)`.
pub(super) fn backward<T: Real>(split: AxisSplit, x: View, dy: View, dx: Grad) {
    assert!(
        split.n.is_multiple_of(2) && dy.size() * 2 == x.size() && dx.view.size() == x.size(),
        "sizes of glu"
    );
    let half = split.n / 2 * split.inner;
    let (x, dy, dx, mode) = (Raw::<T>::of(x), Raw::<T>::of(dy), Raw::<T>::of(dx.view), dx.mode);
    threads::tasks(split.outer, split.outer * half * COST, |row| {
        T::dispatch(Backward { x, dy, dx, mode, half, row })
    });
}
