//! Elementwise activations: value and slope of each, as Keras on JAX computes them.
//!
//! Where a function has a kink the slope is JAX's: `max` and `min` of two equal numbers pass half the gradient to
//! each, a `where` takes the branch that its condition chose.

use crate::cpu::blocks::Op;
use crate::cpu::math::{Real, fmax, fmin};
use crate::cpu::simd::Level;

/// A function and its derivative, both in terms of `x`.
pub(super) trait Function<T: Real>: Copy + Send + Sync {
    fn value<L: Level>(&self, x: T) -> T;
    fn slope<L: Level>(&self, x: T) -> T;
}

/// A derivative in terms of the function's value.
pub(super) trait SlopeFromOutput<T: Real>: Copy + Send + Sync {
    fn slope_at<L: Level>(&self, y: T) -> T;
}

/// `y = f(x)` as an operation (the second operand is ignored).
#[derive(Clone, Copy)]
pub(super) struct Value<F>(pub F);
impl<T: Real, F: Function<T>> Op<T> for Value<F> {
    #[inline(always)]
    fn apply<L: Level>(&self, x: T, _: T) -> T {
        self.0.value::<L>(x)
    }
}

/// `f'(x) * dy` as an operation.
#[derive(Clone, Copy)]
pub(super) struct Slope<F>(pub F);
impl<T: Real, F: Function<T>> Op<T> for Slope<F> {
    #[inline(always)]
    fn apply<L: Level>(&self, x: T, dy: T) -> T {
        self.0.slope::<L>(x) * dy
    }
}

/// `f'(x) * dy` from `y = f(x)` as an operation.
#[derive(Clone, Copy)]
pub(super) struct SlopeAt<F>(pub F);
impl<T: Real, F: SlopeFromOutput<T>> Op<T> for SlopeAt<F> {
    #[inline(always)]
    fn apply<L: Level>(&self, y: T, dy: T) -> T {
        self.0.slope_at::<L>(y) * dy
    }
}

/// One where the condition holds, else zero.
#[inline(always)]
fn indicator<T: Real>(condition: bool) -> T {
    if condition { T::one() } else { T::zero() }
}

/// Slope of `min(max(x, low), high)`: half at the ends, as JAX has it.
#[inline(always)]
fn clip_slope<T: Real>(x: T, low: T, high: T) -> T {
    let half = T::lit(0.5);
    if x > low && x < high {
        T::one()
    } else if x == low || x == high {
        half
    } else {
        T::zero()
    }
}

/// Declares functions: expands to a struct with the parameters, and `Function` with the two bodies.
macro_rules! functions {
    ($($(#[$doc:meta])* $name:ident { $($p:ident),* } |$x:ident, $L:ident, $T:ident| $value:expr, $slope:expr;)*) => { $(
        $(#[$doc])*
        #[derive(Clone, Copy)]
        pub(super) struct $name<T> { $(pub $p: T,)* pub of: std::marker::PhantomData<T> }
        impl<$T: Real> Function<$T> for $name<$T> {
            #[inline(always)]
            #[allow(unused_variables)]
            fn value<$L: Level>(&self, $x: $T) -> $T {
                $(let $p = self.$p;)*
                $value
            }
            #[inline(always)]
            #[allow(unused_variables)]
            fn slope<$L: Level>(&self, $x: $T) -> $T {
                $(let $p = self.$p;)*
                $slope
            }
        }
    )* };
}

functions! {
    /// `max(x, 0)`.
    Relu {} |x, L, T| fmax(x, T::zero()), indicator(x > T::zero());
    /// `x` from zero on, else `slope * x`.
    LeakyRelu { slope } |x, L, T|
        if x >= T::zero() { x } else { slope * x },
        if x >= T::zero() { T::one() } else { slope };
    /// `min(max(x, 0), 6)`.
    Relu6 {} |x, L, T|
        fmin(fmax(x, T::zero()), T::lit(6.0)), indicator(x > T::zero() && x < T::lit(6.0));
    /// Keras' `relu` with all its options.
    FullRelu { max_value, slope, threshold } |x, L, T| {
        let above = if threshold == T::zero() { fmax(x, T::zero()) }
            else if x > threshold { x } else { T::zero() };
        let clipped = if max_value < T::infinity() { fmin(fmax(above, T::zero()), max_value) } else { above };
        clipped - slope * fmax(threshold - x, T::zero())
    }, {
        let above: T = indicator(x > threshold);
        let clipped = if max_value < T::infinity() {
            above * clip_slope(x, T::zero(), max_value)
        } else { above };
        clipped + slope * indicator(x < threshold)
    };
    /// `x` if positive, else `alpha * (exp(x) - 1)`, the whole times `scale`.
    Elu { alpha, scale } |x, L, T|
        scale * if x > T::zero() { x } else { alpha * fmin(x, T::zero()).fexpm1::<L>() },
        scale * if x > T::zero() { T::one() } else { alpha * fmin(x, T::zero()).fexp::<L>() };
    /// `max(x, 0) + alpha * (exp(min(x, 0) / alpha) - 1)`.
    Celu { alpha } |x, L, T|
        fmax(x, T::zero()) + alpha * (fmin(x, T::zero()) / alpha).fexpm1::<L>(),
        (fmin(x, T::zero()) / alpha).fexp::<L>();
    /// `log(1 + exp(x))`.
    Softplus {} |x, L, T| x.fsoftplus::<L>(), x.fsigmoid::<L>();
    /// `x / (1 + |x|)`.
    Softsign {} |x, L, T|
        x / (T::one() + x.abs()),
        { let d = T::one() + x.abs(); T::one() / (d * d) };
    /// `x * sigmoid(x)`.
    Silu {} |x, L, T|
        x * x.fsigmoid::<L>(),
        { let s = x.fsigmoid::<L>(); s * (T::one() + x * (T::one() - s)) };
    /// `x * P(X <= x)` for a normal `X`.
    Gelu {} |x, L, T|
        T::lit(0.5) * x * (-x * T::lit(std::f64::consts::FRAC_1_SQRT_2)).ferfc::<L>(),
        {
            let below = T::lit(0.5) * (-x * T::lit(std::f64::consts::FRAC_1_SQRT_2)).ferfc::<L>();
            let density = T::lit(FRAC_1_SQRT_TAU) * (T::lit(-0.5) * x * x).fexp::<L>();
            below + x * density
        };
    /// The same by `tanh`.
    GeluTanh {} |x, L, T| {
        let u = T::lit(SQRT_2_OVER_PI) * (x + T::lit(0.044715) * (x * x * x));
        x * (T::lit(0.5) * (T::one() + u.ftanh::<L>()))
    }, {
        let u = T::lit(SQRT_2_OVER_PI) * (x + T::lit(0.044715) * (x * x * x));
        let du = T::lit(SQRT_2_OVER_PI) * (T::one() + T::lit(3.0 * 0.044715) * (x * x));
        let t = u.ftanh::<L>();
        T::lit(0.5) * (T::one() + t) + T::lit(0.5) * x * (T::one() - t * t) * du
    };
    /// `exp(x)`.
    Exponential {} |x, L, T| x.fexp::<L>(), x.fexp::<L>();
    /// `1 / (1 + exp(-x))`.
    Sigmoid {} |x, L, T|
        x.fsigmoid::<L>(), { let y = x.fsigmoid::<L>(); y * (T::one() - y) };
    /// Hyperbolic tangent.
    Tanh {} |x, L, T| x.ftanh::<L>(), { let y = x.ftanh::<L>(); T::one() - y * y };
    /// `relu6(x + 3) / 6`.
    HardSigmoid {} |x, L, T|
        fmin(fmax(x + T::lit(3.0), T::zero()), T::lit(6.0)) / T::lit(6.0),
        indicator::<T>(x > T::lit(-3.0) && x < T::lit(3.0)) / T::lit(6.0);
    /// `x * hard_sigmoid(x)`.
    HardSilu {} |x, L, T|
        x * (fmin(fmax(x + T::lit(3.0), T::zero()), T::lit(6.0)) / T::lit(6.0)),
        (fmin(fmax(x + T::lit(3.0), T::zero()), T::lit(6.0))
            + x * indicator(x > T::lit(-3.0) && x < T::lit(3.0))) / T::lit(6.0);
    /// `x` clipped to -1..1.
    HardTanh {} |x, L, T|
        if x > T::one() { T::one() } else if x < -T::one() { -T::one() } else { x },
        indicator(x <= T::one() && x >= -T::one());
    /// `x * tanh(softplus(x))`.
    Mish {} |x, L, T|
        x * x.fsoftplus::<L>().ftanh::<L>(),
        { let t = x.fsoftplus::<L>().ftanh::<L>(); t + x * (T::one() - t * t) * x.fsigmoid::<L>() };
    /// `log(sigmoid(x))`.
    LogSigmoid {} |x, L, T| -(-x).fsoftplus::<L>(), (-x).fsigmoid::<L>();
    /// `x` where `|x| > threshold`, else 0.
    HardShrink { threshold } |x, L, T|
        if x.abs() > threshold { x } else { T::zero() }, indicator(x.abs() > threshold);
    /// `x` moved towards 0.
    SoftShrink { threshold } |x, L, T|
        if x > threshold { x - threshold } else if x < -threshold { x + threshold } else { T::zero() },
        indicator(x > threshold || x < -threshold);
    /// `x - tanh(x)`.
    TanhShrink {} |x, L, T| x - x.ftanh::<L>(), { let t = x.ftanh::<L>(); t * t };
    /// `(x + sqrt(x^2 + b)) / 2`.
    Squareplus { b } |x, L, T|
        (x + (x * x + b).sqrt()) * T::lit(0.5),
        (T::one() + x / (x * x + b).sqrt()) * T::lit(0.5);
    /// 0, a parabola, `x`.
    SparsePlus {} |x, L, T|
        if x <= -T::one() { T::zero() } else if x >= T::one() { x } else {
            let s = x + T::one();
            s * s * T::lit(0.25)
        },
        if x <= -T::one() { T::zero() } else if x >= T::one() { T::one() } else {
            (x + T::one()) * T::lit(0.5)
        };
    /// `clip(x + 1, 0, 2) / 2`.
    SparseSigmoid {} |x, L, T|
        T::lit(0.5) * fmin(fmax(x + T::one(), T::zero()), T::lit(2.0)),
        T::lit(0.5) * clip_slope(x + T::one(), T::zero(), T::lit(2.0));
    /// `x` if above `threshold`, else `default_value`.
    Threshold { threshold, default_value } |x, L, T|
        if x > threshold { x } else { default_value }, indicator(x > threshold);
}

const SQRT_2_OVER_PI: f64 = 0.797_884_560_802_865_4;
const FRAC_1_SQRT_TAU: f64 = 0.398_942_280_401_432_7;

/// Declares slopes in terms of the output.
macro_rules! slopes_from_output {
    ($($(#[$doc:meta])* $name:ident |$this:ident, $y:ident, $T:ident| $slope:expr;)*) => { $(
        $(#[$doc])*
        impl<$T: Real> SlopeFromOutput<$T> for $name<$T> {
            #[inline(always)]
            fn slope_at<L: Level>(&self, $y: $T) -> $T {
                let $this = self;
                $slope
            }
        }
    )* };
}

slopes_from_output! {
    Relu |_f, y, T| indicator(y > T::zero());
    LeakyRelu |f, y, T| if y >= T::zero() { T::one() } else { f.slope };
    Relu6 |_f, y, T| indicator(y > T::zero() && y < T::lit(6.0));
    /// With no slope below a threshold of zero; the caller sees to that.
    FullRelu |f, y, T| indicator(y > T::zero() && y < f.max_value);
    Exponential |_f, y, T| y;
    Sigmoid |_f, y, T| y * (T::one() - y);
    Tanh |_f, y, T| T::one() - y * y;
    HardTanh |_f, y, T| indicator(y < T::one() && y > -T::one());
}
