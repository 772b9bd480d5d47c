//! Sparsemax, as Keras 3 computes it.
//!
//! Martins and Astudillo ("From Softmax to Sparsemax", 2016) project onto the simplex: of the `k` largest numbers, those of the
//! support, the sum minus one is shared out, `tau = (z_1 + .. + z_k - 1) / k`. Keras finds the same support, and then adds up the
//! cumulated sums of all its places where the paper takes the last one: `tau = (sum of (k + 1 - i) z_i - 1) / k`. So its outputs
//! do not sum to one. Files hold models that were trained that way: Keras' threshold is the one computed here.
//!
//! Keras sorts; here the support is shrunk until it stays (Michelot, 1986), and places are counted in the support alone, which
//! needs no memory and time square in the support's size.

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

impl Line {
    /// Smallest number of the support, and how many there are.
    fn support<T: Real>(self, x: Raw<T>) -> (f64, usize) {
        // SAFETY: whoever calls this has the line to itself.
        let at = |i| unsafe { x.get(i) }.wide();
        let mut tau = f64::NEG_INFINITY;
        let mut support = usize::MAX;
        loop {
            let (mut sum, mut count) = (0.0, 0usize);
            for x in self.indices().map(at).filter(|x| *x > tau || x.is_nan()) {
                sum += x;
                count += 1;
            }
            if count == 0 || count == support {
                return (tau, count);
            }
            support = count;
            tau = (sum - 1.0) / count as f64;
        }
    }

    /// How often the number at `i` of the support is in the cumulated sums: `k` times the largest, once the smallest. Equal
    /// numbers keep their order, as in Keras' sort.
    fn times<T: Real>(self, x: Raw<T>, tau: f64, k: usize, i: usize) -> f64 {
        // SAFETY: whoever calls this has the line to itself.
        let at = |i| unsafe { x.get(i) }.wide();
        let own = at(i);
        let before = |j: &usize| at(*j) > tau && (at(*j) > own || at(*j) == own && *j < i);
        (k - self.indices().filter(before).count().min(k)) as f64
    }
}

/// `y = max(x - tau, 0)`.
pub(super) fn forward<T: Real>(split: AxisSplit, x: View, y: View) {
    assert!(x.size() == y.size(), "sizes of sparsemax");
    let (x, y) = (Raw::<T>::of(x), Raw::<T>::of(y));
    threads::tasks(split.outer * split.inner, split.size() * COST, |i| {
        let line = Line::of(split, i);
        let (least, k) = line.support(x);
        let mut sum = 0.0;
        for i in line.indices() {
            // SAFETY: a task alone touches its line.
            let own = unsafe { x.get(i) }.wide();
            if own > least || own.is_nan() {
                sum += own * line.times(x, least, k, i);
            }
        }
        let tau = T::lit((sum - 1.0) / k as f64);
        for i in line.indices() {
            // SAFETY: as above; each element is read before it is written.
            unsafe { y.set(i, crate::cpu::math::fmax(x.get(i) - tau, T::zero())) };
        }
    });
}

/// `dx_i = dy_i [y_i > 0] - sum(dy_j [y_j > 0]) * times_i / k`, where `times_i` is 0 outside the support.
pub(super) fn backward<T: Real>(split: AxisSplit, x: View, y: View, dy: View, dx: Grad) {
    assert!(
        x.size() == y.size() && dy.size() == y.size() && dx.view.size() == y.size(),
        "sizes of sparsemax"
    );
    let (x, y, dy, mode, dx) =
        (Raw::<T>::of(x), Raw::<T>::of(y), Raw::<T>::of(dy), dx.mode, Raw::<T>::of(dx.view));
    threads::tasks(split.outer * split.inner, split.size() * COST, |i| {
        let line = Line::of(split, i);
        let (least, k) = line.support(x);
        // SAFETY: a task alone touches its line, and reads an element before it writes it.
        unsafe {
            let mut sum = T::zero();
            for i in line.indices().filter(|i| y.get(*i) > T::zero()) {
                sum += dy.get(i);
            }
            for i in line.indices() {
                let mut d = if y.get(i) > T::zero() { dy.get(i) } else { T::zero() };
                if x.get(i).wide() > least {
                    d -= sum * T::lit(line.times(x, least, k, i) / k as f64);
                }
                dx.set(i, if mode == Mode::Add { dx.get(i) + d } else { d });
            }
        }
    });
}
