//! Exponential and its kin for 32-bit floats: polynomials without branches, within four units in the last
//! place (`erfc`, a product of four rounded factors: five).
//!
//! Arguments are reduced as usual (powers of two taken out of `exp` and `log`); the polynomials are minimax fits
//! made for this file (weighted least squares on Chebyshev nodes, reweighted until the error is level).

use super::simd::{Level, fma};

/// The polynomial with these coefficients, highest power first.
#[inline(always)]
fn polynomial<L: Level, const N: usize>(x: f32, coefficients: [f32; N]) -> f32 {
    let mut sum = coefficients[0];
    for c in &coefficients[1..] {
        sum = fma::<L, f32>(sum, x, *c);
    }
    sum
}

/// Added and taken away again, this rounds to an integer, which is then in the low bits.
const ROUND: f32 = 12_582_912.0;
/// `ln 2` in two parts, the first with few enough bits that its products with small integers are exact.
const LN_2: [f32; 2] = [0.693_359_4, -2.121_944_4e-4];

/// `2^n` for `n` in `-126..=127`.
#[inline(always)]
fn power_of_two(n: i32) -> f32 {
    f32::from_bits(((n + 127) as u32) << 23)
}

/// `n` and `r` with `x = n ln 2 + r`, and `exp(r) - 1`.
#[inline(always)]
fn split<L: Level>(x: f32) -> (i32, f32) {
    let shifted = fma::<L, f32>(x, std::f32::consts::LOG2_E, ROUND);
    let n = (shifted.to_bits() as i32).wrapping_sub(ROUND.to_bits() as i32);
    let whole = shifted - ROUND;
    let r = fma::<L, f32>(whole, -LN_2[0], x);
    let r = fma::<L, f32>(whole, -LN_2[1], r);
    let p =
        polynomial::<L, 6>(r, [1.984_588_5e-4, 1.394_072e-3, 8.333_39e-3, 4.166_636e-2, 1.666_666_6e-1, 0.5]);
    (n, fma::<L, f32>(p, r * r, r))
}

/// `x` between two bounds; NaN stays.
#[inline(always)]
fn clamp(x: f32, low: f32, high: f32) -> f32 {
    let x = if x < low { low } else { x };
    if x > high { high } else { x }
}

/// `exp(x)`.
#[inline(always)]
pub(crate) fn exp<L: Level>(x: f32) -> f32 {
    let (n, m) = split::<L>(clamp(x, -110.0, 90.0));
    // In two steps, so that neither power leaves the range where the result is subnormal or just overflows.
    let half = n >> 1;
    (1.0 + m) * power_of_two(half) * power_of_two(n.wrapping_sub(half))
}

/// `exp(x) - 1`.
#[inline(always)]
pub(crate) fn expm1<L: Level>(x: f32) -> f32 {
    let (n, m) = split::<L>(clamp(x, -20.0, 89.0));
    // Half of it, since 2^128 is no number.
    let half = power_of_two(n.wrapping_sub(1));
    2.0 * fma::<L, f32>(half, m, half - 0.5)
}

/// `1 / (1 + exp(-x))`.
#[inline(always)]
pub(crate) fn sigmoid<L: Level>(x: f32) -> f32 {
    let e = exp::<L>(-x.abs());
    let positive = 1.0 / (1.0 + e);
    if x < 0.0 { e * positive } else { positive }
}

/// Hyperbolic tangent.
#[inline(always)]
pub(crate) fn tanh<L: Level>(x: f32) -> f32 {
    let e = expm1::<L>(clamp(2.0 * x.abs(), 0.0, 20.0));
    (e / (e + 2.0)).copysign(x)
}

/// Natural logarithm.
#[inline(always)]
pub(crate) fn log<L: Level>(x: f32) -> f32 {
    let small = x < f32::MIN_POSITIVE;
    let scaled = if small { x * 8_388_608.0 } else { x };
    let bits = scaled.to_bits().wrapping_sub(std::f32::consts::FRAC_1_SQRT_2.to_bits());
    let e = (bits as i32 >> 23) as f32 - if small { 23.0 } else { 0.0 };
    let m = f32::from_bits((bits & 0x007F_FFFF).wrapping_add(std::f32::consts::FRAC_1_SQRT_2.to_bits()));
    let f = m - 1.0;
    let p = polynomial::<L, 9>(
        f,
        [
            6.746_638_6e-2,
            -1.167_565_1e-1,
            1.188_816_3e-1,
            -1.240_558_9e-1,
            1.421_955_2e-1,
            -1.666_799_6e-1,
            2.000_211_9e-1,
            -2.500_000_9e-1,
            3.333_331_3e-1,
        ],
    );
    let square = f * f;
    let tail = fma::<L, f32>(p, f * square, e * LN_2[1]);
    let tail = fma::<L, f32>(square, -0.5, tail);
    let result = fma::<L, f32>(e, LN_2[0], f + tail);
    let result = if x == 0.0 { f32::NEG_INFINITY } else { result };
    let result = if x == f32::INFINITY { f32::INFINITY } else { result };
    if x < 0.0 || x.is_nan() { f32::NAN } else { result }
}

/// `ln(1 + x)`.
#[inline(always)]
pub(crate) fn log1p<L: Level>(x: f32) -> f32 {
    let u = 1.0 + x;
    // What rounding took from `u`, to first order.
    let lost = (x - (u - 1.0)) / u;
    let result = log::<L>(u) + if lost.is_finite() { lost } else { 0.0 };
    if u == 1.0 { x } else { result }
}

/// Error function where `|x|` is below [`ERF_SPLIT`].
#[inline(always)]
fn erf_near_zero<L: Level>(x: f32) -> f32 {
    let p = polynomial::<L, 7>(
        x * x,
        [
            8.193_779_6e-5,
            -8.099_878e-4,
            5.197_154_8e-3,
            -2.685_779_1e-2,
            1.128_366_6e-1,
            -3.761_263_2e-1,
            1.283_791_7e-1,
        ],
    );
    fma::<L, f32>(p, x, x)
}

/// From here on `erfc` has a form of its own, and `erf` is computed from it; below it is the other way round.
const ERF_SPLIT: f32 = 0.9;

/// `erfc(t)` for `t` of at least 0.5: `u q(u) exp(-t^2)` with `u = 1 / (1 + t / 2)`.
#[inline(always)]
fn erfc_tail<L: Level>(t: f32) -> f32 {
    let t = clamp(t, 0.0, 10.2);
    let u = 1.0 / fma::<L, f32>(t, 0.5, 1.0);
    let q = polynomial::<L, 9>(
        u - 0.5,
        [
            -6.176_134e-2,
            5.112_620_4e-2,
            9.629_904e-2,
            -1.034_984_6e-1,
            -1.719_675_4e-1,
            1.457_651_4e-1,
            5.589_423_2e-1,
            6.871_607_3e-1,
            5.107_913_6e-1,
        ],
    );
    // The square in two parts: rounding it would cost tens of units in the last place far out.
    let head = f32::from_bits(t.to_bits() & 0xFFFF_F000);
    let rest = (head - t) * (head + t);
    let power = exp::<L>(-head * head);
    q * u * fma::<L, f32>(power, expm1::<L>(rest), power)
}

/// Error function.
#[inline(always)]
pub(crate) fn erf<L: Level>(x: f32) -> f32 {
    let t = x.abs();
    let far = (1.0 - erfc_tail::<L>(t)).copysign(x);
    if t < ERF_SPLIT { erf_near_zero::<L>(x) } else { far }
}

/// `1 - erf(x)`.
#[inline(always)]
pub(crate) fn erfc<L: Level>(x: f32) -> f32 {
    let t = x.abs();
    let tail = erfc_tail::<L>(t);
    let far = if x < 0.0 { 2.0 - tail } else { tail };
    if t < ERF_SPLIT { 1.0 - erf_near_zero::<L>(x) } else { far }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cpu::simd::{self, Fused, Kernel, Plain};

    /// Distance from the correct result in units of its last place (of the smallest normal number below that).
    fn ulps(found: f32, correct: f64) -> f64 {
        let rounded = correct as f32;
        if found == rounded || (found.is_nan() && rounded.is_nan()) {
            return 0.0;
        }
        // Unlike `clamp`, this makes a number of a NaN: a number where NaN was due is far off.
        #[allow(clippy::manual_clamp)]
        let magnitude = rounded.abs().max(f32::MIN_POSITIVE).min(f32::MAX);
        let unit = f64::from(f32::from_bits(magnitude.to_bits() + 1)) - f64::from(magnitude);
        let unit = if unit.is_finite() { unit } else { 2f64.powi(104) };
        (f64::from(found) - correct).abs() / unit
    }

    /// Every 997th 32-bit pattern: both signs, subnormals, infinities and NaNs.
    fn patterns() -> impl Iterator<Item = f32> {
        let special = [0.0, -0.0, f32::INFINITY, f32::NEG_INFINITY, f32::NAN, f32::MAX, f32::MIN, 1.0, -1.0];
        special.into_iter().chain((0..u32::MAX / 997).map(|i| f32::from_bits(i * 997)))
    }

    fn check(name: &str, limit: f64, correct: fn(f64) -> f64, functions: [fn(f32) -> f32; 2]) {
        for (level, f) in ["plain", "fused"].iter().zip(functions) {
            let mut worst = (0.0, 0.0);
            for x in patterns() {
                let error = ulps(f(x), correct(f64::from(x)));
                if error > worst.0 || error.is_nan() {
                    worst = (error, x);
                }
            }
            let (error, at) = worst;
            println!("{name} {level}: {error:.2} ulp at {at:e}");
            assert!(error <= limit, "{name} ({level}) is {error} ulp off at {at:e}: {:e}", f(at));
        }
    }

    #[test]
    fn functions_are_exact_to_a_few_units_in_the_last_place() {
        check("exp", 2.0, f64::exp, [exp::<Plain>, exp::<Fused>]);
        check("expm1", 3.0, f64::exp_m1, [expm1::<Plain>, expm1::<Fused>]);
        check("log", 2.0, f64::ln, [log::<Plain>, log::<Fused>]);
        check("log1p", 3.0, f64::ln_1p, [log1p::<Plain>, log1p::<Fused>]);
        check("tanh", 4.0, f64::tanh, [tanh::<Plain>, tanh::<Fused>]);
        check("sigmoid", 4.0, |x| 1.0 / (1.0 + (-x).exp()), [sigmoid::<Plain>, sigmoid::<Fused>]);
        check("erf", 4.0, libm::erf, [erf::<Plain>, erf::<Fused>]);
        check("erfc", 5.0, libm::erfc, [erfc::<Plain>, erfc::<Fused>]);
    }

    struct Tanh<'a>(&'a [f32], &'a mut [f32]);
    impl Kernel for Tanh<'_> {
        type Output = ();
        #[inline(always)]
        fn run<L: Level>(self) {
            for (y, x) in self.1.iter_mut().zip(self.0) {
                *y = tanh::<L>(*x);
            }
        }
    }

    /// What runs on this machine is what was tested one number at a time.
    #[test]
    fn vector_code_computes_the_same() {
        let x: Vec<f32> = (0..1000).map(|i| (i as f32 - 500.0) / 37.0).collect();
        let mut y = vec![0.0; x.len()];
        simd::run(Tanh(&x, &mut y));
        let one = [tanh::<Plain>, tanh::<Fused>];
        assert!(one.iter().any(|f| x.iter().zip(&y).all(|(x, y)| f(*x).to_bits() == y.to_bits())));
    }
}
