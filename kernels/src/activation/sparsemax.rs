//! Sparsemax: the projection of a vector onto the simplex.
//!
//! Source: Martins and Astudillo, "From Softmax to Sparsemax", 2016. Keras sorts; here the support is shrunk until
//! it stays (Michelot, 1986), which needs no memory and gives the same threshold.

use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::shape::AxisSplit;
use crate::{Grad, Mode, View};

const COST: usize = 16;

/// One line along the axis: element `j` is at `start + j * step`.
#[derive(Clone, Copy)]
struct Line {
    start: usize,
    step: usize,
    n: usize,
}

impl Line {
    fn of(split: AxisSplit, i: usize) -> Line {
        let (outer, inner) = (i / split.inner, i % split.inner);
        Line { start: outer * split.n * split.inner + inner, step: split.inner, n: split.n }
    }

    fn indices(self) -> impl Iterator<Item = usize> {
        (0..self.n).map(move |j| self.start + j * self.step)
    }
}

/// `y = max(x - tau, 0)` with `tau` such that it sums to one.
pub(super) fn forward<T: Real>(split: AxisSplit, x: View, y: View) {
    assert!(x.size() == y.size(), "sizes of sparsemax");
    let (x, y) = (Raw::<T>::of(x), Raw::<T>::of(y));
    threads::tasks(split.outer * split.inner, split.size() * COST, |i| {
        let line = Line::of(split, i);
        // SAFETY: a task alone touches its line.
        let at = |i| unsafe { x.get(i) }.wide();
        let mut tau = f64::NEG_INFINITY;
        let mut support = usize::MAX;
        loop {
            let (mut sum, mut count) = (0.0, 0usize);
            for x in line.indices().map(at).filter(|x| *x > tau || x.is_nan()) {
                sum += x;
                count += 1;
            }
            if count == 0 || count == support {
                break;
            }
            support = count;
            tau = (sum - 1.0) / count as f64;
        }
        let tau = T::lit(tau);
        for i in line.indices() {
            // SAFETY: as above; each element is read before it is written.
            unsafe { y.set(i, crate::cpu::math::fmax(x.get(i) - tau, T::zero())) };
        }
    });
}

/// `dx = dy - mean(dy)` over the support, else 0.
pub(super) fn backward<T: Real>(split: AxisSplit, y: View, dy: View, dx: Grad) {
    assert!(dy.size() == y.size() && dx.view.size() == y.size(), "sizes of sparsemax");
    let (y, dy, mode, dx) = (Raw::<T>::of(y), Raw::<T>::of(dy), dx.mode, Raw::<T>::of(dx.view));
    threads::tasks(split.outer * split.inner, split.size() * COST, |i| {
        let line = Line::of(split, i);
        // SAFETY: a task alone touches its line, and reads an element before it writes it.
        unsafe {
            let (mut sum, mut count) = (T::zero(), T::zero());
            for i in line.indices().filter(|i| y.get(*i) > T::zero()) {
                sum += dy.get(i);
                count += T::one();
            }
            let mean = sum / count;
            for i in line.indices() {
                let d = if y.get(i) > T::zero() { dy.get(i) - mean } else { T::zero() };
                dx.set(i, if mode == Mode::Add { dx.get(i) + d } else { d });
            }
        }
    });
}
