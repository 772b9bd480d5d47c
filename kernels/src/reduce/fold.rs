//! What is kept while a reduction runs.

use crate::cpu::math::{Real, fmax, fmin};
use crate::cpu::simd::Level;

/// A reduction of numbers to one.
pub(crate) trait Fold<T: Real>: Copy + Send + Sync {
    /// What is kept.
    type Acc: Copy + Send + Sync;
    /// The start.
    fn init(&self) -> Self::Acc;
    /// After `x`, the reduction's element number `index`.
    fn push<L: Level>(&self, acc: Self::Acc, x: T, index: usize) -> Self::Acc;
    /// Of two parts, the first of which came first.
    fn merge<L: Level>(&self, a: Self::Acc, b: Self::Acc) -> Self::Acc;
    /// The result over `n` elements.
    fn finish(&self, acc: Self::Acc, n: usize) -> f64;
}

/// Sum, or mean; kept in 64 bits.
#[derive(Clone, Copy)]
pub(crate) struct Sum {
    pub mean: bool,
}

impl<T: Real> Fold<T> for Sum {
    type Acc = f64;
    #[inline(always)]
    fn init(&self) -> f64 {
        0.0
    }
    #[inline(always)]
    fn push<L: Level>(&self, acc: f64, x: T, _: usize) -> f64 {
        acc + x.wide()
    }
    #[inline(always)]
    fn merge<L: Level>(&self, a: f64, b: f64) -> f64 {
        a + b
    }
    #[inline(always)]
    fn finish(&self, acc: f64, n: usize) -> f64 {
        if self.mean { acc / n as f64 } else { acc }
    }
}

/// Product, kept in 64 bits.
#[derive(Clone, Copy)]
pub(super) struct Product;

impl<T: Real> Fold<T> for Product {
    type Acc = f64;
    #[inline(always)]
    fn init(&self) -> f64 {
        1.0
    }
    #[inline(always)]
    fn push<L: Level>(&self, acc: f64, x: T, _: usize) -> f64 {
        acc * x.wide()
    }
    #[inline(always)]
    fn merge<L: Level>(&self, a: f64, b: f64) -> f64 {
        a * b
    }
    #[inline(always)]
    fn finish(&self, acc: f64, _: usize) -> f64 {
        acc
    }
}

/// The largest, or the smallest.
#[derive(Clone, Copy)]
pub(super) struct Extreme<const LARGEST: bool>;

impl<T: Real, const LARGEST: bool> Fold<T> for Extreme<LARGEST> {
    type Acc = T;
    #[inline(always)]
    fn init(&self) -> T {
        if LARGEST { T::neg_infinity() } else { T::infinity() }
    }
    #[inline(always)]
    fn push<L: Level>(&self, acc: T, x: T, _: usize) -> T {
        if LARGEST { fmax(acc, x) } else { fmin(acc, x) }
    }
    #[inline(always)]
    fn merge<L: Level>(&self, a: T, b: T) -> T {
        if LARGEST { fmax(a, b) } else { fmin(a, b) }
    }
    #[inline(always)]
    fn finish(&self, acc: T, _: usize) -> f64 {
        acc.wide()
    }
}

/// Index of the first largest or smallest; a NaN counts as beyond all numbers, as in numpy.
#[derive(Clone, Copy)]
pub(super) struct ArgExtreme<const LARGEST: bool>;

impl<T: Real, const LARGEST: bool> Fold<T> for ArgExtreme<LARGEST> {
    type Acc = (T, usize);
    #[inline(always)]
    fn init(&self) -> (T, usize) {
        (if LARGEST { T::neg_infinity() } else { T::infinity() }, usize::MAX)
    }
    #[inline(always)]
    fn push<L: Level>(&self, acc: (T, usize), x: T, index: usize) -> (T, usize) {
        <Self as Fold<T>>::merge::<L>(self, acc, (x, index))
    }
    #[inline(always)]
    fn merge<L: Level>(&self, a: (T, usize), b: (T, usize)) -> (T, usize) {
        let beyond = if LARGEST { b.0 > a.0 } else { b.0 < a.0 };
        let same = b.0 == a.0 || (a.0.is_nan() && b.0.is_nan());
        let nan_first = b.0.is_nan() && !a.0.is_nan();
        if nan_first || (beyond && !a.0.is_nan()) || (same && b.1 < a.1) { b } else { a }
    }
    #[inline(always)]
    fn finish(&self, acc: (T, usize), _: usize) -> f64 {
        if acc.1 == usize::MAX { 0.0 } else { acc.1 as f64 }
    }
}

/// `log(sum(exp(x)))`: the largest so far, and the sum of exponentials relative to it.
#[derive(Clone, Copy)]
pub(super) struct LogSumExp;

impl LogSumExp {
    /// What to subtract before `exp`: the largest, unless that is infinite or NaN.
    #[inline(always)]
    fn shift<T: Real>(max: T) -> T {
        if max.abs() < T::infinity() { max } else { T::zero() }
    }
}

impl<T: Real> Fold<T> for LogSumExp {
    type Acc = (T, T);
    #[inline(always)]
    fn init(&self) -> (T, T) {
        (T::neg_infinity(), T::zero())
    }
    #[inline(always)]
    fn push<L: Level>(&self, acc: (T, T), x: T, _: usize) -> (T, T) {
        <Self as Fold<T>>::merge::<L>(self, acc, (x, T::one()))
    }
    #[inline(always)]
    fn merge<L: Level>(&self, (m, s): (T, T), (n, t): (T, T)) -> (T, T) {
        let max = fmax(m, n);
        let shift = LogSumExp::shift(max);
        // A part whose maximum is infinite was summed unshifted, and stays so.
        let scale = |m: T| (m - shift).fexp::<L>();
        let left = if m == T::neg_infinity() { T::zero() } else { s * scale(m) };
        let right = if n == T::neg_infinity() { T::zero() } else { t * scale(n) };
        (max, left + right)
    }
    #[inline(always)]
    fn finish(&self, (m, s): (T, T), _: usize) -> f64 {
        if m.abs() < T::infinity() { m.wide() + s.wide().ln() } else { m.wide() }
    }
}
