//! What rules calculate with.

use std::ops::{Add, Div, Mul, Neg, Sub};

use crate::cpu::math::{Real, fmax, fmin};

/// Something that a rule calculates with: the floats of a pass, or a symbol of a formula.
pub trait Number:
    Copy
    + Add<Output = Self>
    + Sub<Output = Self>
    + Mul<Output = Self>
    + Div<Output = Self>
    + Neg<Output = Self>
    + Add<f64, Output = Self>
    + Sub<f64, Output = Self>
    + Mul<f64, Output = Self>
{
    /// Absolute value.
    #[must_use]
    fn abs(self) -> Self;
    /// -1, 0 or 1; NaN stays one.
    #[must_use]
    fn sign(self) -> Self;
    /// Square.
    #[must_use]
    fn square(self) -> Self;
    /// Square root.
    #[must_use]
    fn sqrt(self) -> Self;
    /// Power.
    #[must_use]
    fn power(self, exponent: f64) -> Self;
    /// The larger; NaN if either is.
    #[must_use]
    fn larger(self, other: Self) -> Self;
    /// Between two bounds; NaN stays one.
    #[must_use]
    fn between(self, low: f64, high: f64) -> Self;
}

/// A float of a pass.
#[derive(Clone, Copy)]
pub(super) struct Lane<T>(pub T);

macro_rules! operators {
    ($($trait:ident::$method:ident),*) => { $(
        impl<T: Real> $trait for Lane<T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: Self) -> Self {
                Lane($trait::$method(self.0, other.0))
            }
        }
        impl<T: Real> $trait<f64> for Lane<T> {
            type Output = Self;
            #[inline(always)]
            fn $method(self, other: f64) -> Self {
                Lane($trait::$method(self.0, T::lit(other)))
            }
        }
    )* };
}
operators!(Add::add, Sub::sub, Mul::mul, Div::div);

impl<T: Real> Neg for Lane<T> {
    type Output = Self;
    #[inline(always)]
    fn neg(self) -> Self {
        Lane(-self.0)
    }
}

impl<T: Real> Number for Lane<T> {
    #[inline(always)]
    fn abs(self) -> Self {
        Lane(self.0.abs())
    }
    #[inline(always)]
    fn sign(self) -> Self {
        let x = self.0;
        Lane(if x > T::zero() {
            T::one()
        } else if x < T::zero() {
            -T::one()
        } else {
            x
        })
    }
    #[inline(always)]
    fn square(self) -> Self {
        Lane(self.0 * self.0)
    }
    #[inline(always)]
    fn sqrt(self) -> Self {
        Lane(self.0.sqrt())
    }
    #[inline(always)]
    fn power(self, exponent: f64) -> Self {
        Lane(self.0.powf(T::lit(exponent)))
    }
    #[inline(always)]
    fn larger(self, other: Self) -> Self {
        Lane(fmax(self.0, other.0))
    }
    #[inline(always)]
    fn between(self, low: f64, high: f64) -> Self {
        Lane(fmin(fmax(self.0, T::lit(low)), T::lit(high)))
    }
}
