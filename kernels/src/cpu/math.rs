//! Functions of one number for loops that the compiler turns into vector code.
//!
//! `f64` calls the standard library: it serves to check gradients, where exactness counts and speed does not (and
//! one level of code is enough).

use super::simd::{self, Kernel, Level, Plain};
use super::single;
use crate::{Element, Float};

/// A float with the functions that kernels use.
pub(crate) trait Real: Float {
    /// `exp(x)`.
    fn fexp<L: Level>(self) -> Self;
    /// `exp(x) - 1`.
    fn fexpm1<L: Level>(self) -> Self;
    /// `ln(x)`.
    fn flog<L: Level>(self) -> Self;
    /// `ln(1 + x)`.
    fn flog1p<L: Level>(self) -> Self;
    /// Hyperbolic tangent.
    fn ftanh<L: Level>(self) -> Self;
    /// `1 / (1 + exp(-x))`.
    fn fsigmoid<L: Level>(self) -> Self;
    /// Error function.
    fn ferf<L: Level>(self) -> Self;
    /// `1 - erf(x)`.
    fn ferfc<L: Level>(self) -> Self;

    /// Runs a kernel over elements of this type at the level that suits it.
    fn dispatch<K: Kernel>(kernel: K) -> K::Output;
    /// The nearest integer, half to even.
    fn fround(self) -> Self;

    /// A constant of this type.
    #[inline(always)]
    fn lit(value: f64) -> Self {
        <Self as Element>::from_f64(value)
    }

    /// As a 64-bit float.
    #[inline(always)]
    fn wide(self) -> f64 {
        <Self as Element>::to_f64(self)
    }

    /// `ln(1 + exp(x))`, without overflow.
    #[inline(always)]
    fn fsoftplus<L: Level>(self) -> Self {
        let tail = (-self.abs()).fexp::<L>().flog1p::<L>();
        fmax(self, Self::zero()) + tail
    }
}

/// The larger; NaN if either is.
#[inline(always)]
pub(crate) fn fmax<T: Float>(a: T, b: T) -> T {
    if a > b || a.is_nan() { a } else { b }
}

/// The smaller; NaN if either is.
#[inline(always)]
pub(crate) fn fmin<T: Float>(a: T, b: T) -> T {
    if a < b || a.is_nan() { a } else { b }
}

impl Real for f64 {
    #[inline]
    fn dispatch<K: Kernel>(kernel: K) -> K::Output {
        kernel.run::<Plain>()
    }
    #[inline(always)]
    fn fround(self) -> f64 {
        self.round_ties_even()
    }
    #[inline(always)]
    fn fexp<L: Level>(self) -> f64 {
        self.exp()
    }
    #[inline(always)]
    fn fexpm1<L: Level>(self) -> f64 {
        self.exp_m1()
    }
    #[inline(always)]
    fn flog<L: Level>(self) -> f64 {
        self.ln()
    }
    #[inline(always)]
    fn flog1p<L: Level>(self) -> f64 {
        self.ln_1p()
    }
    #[inline(always)]
    fn ftanh<L: Level>(self) -> f64 {
        self.tanh()
    }
    #[inline(always)]
    fn fsigmoid<L: Level>(self) -> f64 {
        1.0 / (1.0 + (-self).exp())
    }
    #[inline(always)]
    fn ferf<L: Level>(self) -> f64 {
        libm::erf(self)
    }
    #[inline(always)]
    fn ferfc<L: Level>(self) -> f64 {
        libm::erfc(self)
    }
}

impl Real for f32 {
    #[inline]
    fn dispatch<K: Kernel>(kernel: K) -> K::Output {
        simd::run(kernel)
    }
    #[inline(always)]
    fn fround(self) -> f32 {
        self.round_ties_even()
    }
    #[inline(always)]
    fn fexp<L: Level>(self) -> f32 {
        single::exp::<L>(self)
    }
    #[inline(always)]
    fn fexpm1<L: Level>(self) -> f32 {
        single::expm1::<L>(self)
    }
    #[inline(always)]
    fn flog<L: Level>(self) -> f32 {
        single::log::<L>(self)
    }
    #[inline(always)]
    fn flog1p<L: Level>(self) -> f32 {
        single::log1p::<L>(self)
    }
    #[inline(always)]
    fn ftanh<L: Level>(self) -> f32 {
        single::tanh::<L>(self)
    }
    #[inline(always)]
    fn fsigmoid<L: Level>(self) -> f32 {
        single::sigmoid::<L>(self)
    }
    #[inline(always)]
    fn ferf<L: Level>(self) -> f32 {
        single::erf::<L>(self)
    }
    #[inline(always)]
    fn ferfc<L: Level>(self) -> f32 {
        single::erfc::<L>(self)
    }
}
