//! Derivatives of the elementwise functions, whatever records them.

use keras_kernels::elementwise::{Binary, Unary};

/// Something that elementwise functions are recorded on.
pub(crate) trait Record {
    /// A recorded value.
    type Value: Copy;
    /// A constant.
    fn constant(&mut self, value: f64) -> Self::Value;
    /// A function of one value.
    fn unary(&mut self, f: Unary, x: Self::Value) -> Self::Value;
    /// A function of two values.
    fn binary(&mut self, f: Binary, a: Self::Value, b: Self::Value) -> Self::Value;
}

use Binary::{Add, Div, Mul, Sub};

/// The derivative of `y = f(x)`; `None` where it is 0 everywhere. At kinks it is what JAX takes (0 for `abs` at 0).
pub(crate) fn of_unary<R: Record>(on: &mut R, f: Unary, x: R::Value, y: R::Value) -> Option<R::Value> {
    let one_plus = |on: &mut R, v| {
        let one = on.constant(1.0);
        on.binary(Add, one, v)
    };
    let one_minus = |on: &mut R, v| {
        let one = on.constant(1.0);
        on.binary(Sub, one, v)
    };
    Some(match f {
        Unary::Neg => on.constant(-1.0),
        Unary::Abs => on.unary(Unary::Sign, x),
        Unary::Square => {
            let two = on.constant(2.0);
            on.binary(Mul, two, x)
        }
        Unary::Sqrt => {
            let half = on.constant(0.5);
            on.binary(Div, half, y)
        }
        Unary::Rsqrt => {
            let half = on.constant(-0.5);
            let ratio = on.binary(Div, y, x);
            on.binary(Mul, half, ratio)
        }
        Unary::Recip => {
            let square = on.unary(Unary::Square, y);
            on.unary(Unary::Neg, square)
        }
        Unary::Exp => y,
        Unary::Expm1 => one_plus(on, y),
        Unary::Log => on.unary(Unary::Recip, x),
        Unary::Log1p => {
            let more = one_plus(on, x);
            on.unary(Unary::Recip, more)
        }
        Unary::Log2 | Unary::Log10 => {
            let base: f64 = if f == Unary::Log2 { 2.0 } else { 10.0 };
            let base = on.constant(1.0 / base.ln());
            on.binary(Div, base, x)
        }
        Unary::Sin => on.unary(Unary::Cos, x),
        Unary::Cos => {
            let sin = on.unary(Unary::Sin, x);
            on.unary(Unary::Neg, sin)
        }
        Unary::Tan => {
            let square = on.unary(Unary::Square, y);
            one_plus(on, square)
        }
        Unary::Asin | Unary::Acos => {
            let square = on.unary(Unary::Square, x);
            let rest = one_minus(on, square);
            let slope = on.unary(Unary::Rsqrt, rest);
            if f == Unary::Asin { slope } else { on.unary(Unary::Neg, slope) }
        }
        Unary::Atan => {
            let square = on.unary(Unary::Square, x);
            let more = one_plus(on, square);
            on.unary(Unary::Recip, more)
        }
        Unary::Sinh => on.unary(Unary::Cosh, x),
        Unary::Cosh => on.unary(Unary::Sinh, x),
        Unary::Tanh => {
            let square = on.unary(Unary::Square, y);
            one_minus(on, square)
        }
        Unary::Asinh | Unary::Acosh => {
            let square = on.unary(Unary::Square, x);
            let one = on.constant(if f == Unary::Asinh { 1.0 } else { -1.0 });
            let more = on.binary(Add, square, one);
            on.unary(Unary::Rsqrt, more)
        }
        Unary::Atanh => {
            let square = on.unary(Unary::Square, x);
            let rest = one_minus(on, square);
            on.unary(Unary::Recip, rest)
        }
        Unary::Erf => {
            let square = on.unary(Unary::Square, x);
            let minus = on.unary(Unary::Neg, square);
            let bell = on.unary(Unary::Exp, minus);
            let scale = on.constant(std::f64::consts::FRAC_2_SQRT_PI);
            on.binary(Mul, scale, bell)
        }
        Unary::Sigmoid => {
            let rest = one_minus(on, y);
            on.binary(Mul, y, rest)
        }
        Unary::Relu => {
            let zero = on.constant(0.0);
            on.binary(Binary::Greater, x, zero)
        }
        Unary::Softplus => on.unary(Unary::Sigmoid, x),
        // Steps are flat, and so is what the kernels may get later without a derivative here: a test goes through all.
        _ => return None,
    })
}

/// The derivative of `y = f(a, b)` by `a`; `None` where it is 0 everywhere.
pub(crate) fn of_left<R: Record>(
    on: &mut R,
    f: Binary,
    a: R::Value,
    b: R::Value,
    _y: R::Value,
) -> Option<R::Value> {
    Some(match f {
        Add | Sub | Binary::Mod => on.constant(1.0),
        Mul => b,
        Div => on.unary(Unary::Recip, b),
        Binary::Pow => {
            let one = on.constant(1.0);
            let less = on.binary(Sub, b, one);
            let power = on.binary(Binary::Pow, a, less);
            on.binary(Mul, b, power)
        }
        Binary::Max | Binary::Min => share(on, f, a, b),
        Binary::Atan2 => {
            let squares = sum_of_squares(on, a, b);
            on.binary(Div, b, squares)
        }
        _ => return None,
    })
}

/// The derivative of `y = f(a, b)` by `b`; `None` where it is 0 everywhere.
pub(crate) fn of_right<R: Record>(
    on: &mut R,
    f: Binary,
    a: R::Value,
    b: R::Value,
    y: R::Value,
) -> Option<R::Value> {
    Some(match f {
        Add => on.constant(1.0),
        Sub => on.constant(-1.0),
        Mul => a,
        Div => {
            let ratio = on.binary(Div, y, b);
            on.unary(Unary::Neg, ratio)
        }
        Binary::Pow => {
            let log = on.unary(Unary::Log, a);
            on.binary(Mul, y, log)
        }
        Binary::Max | Binary::Min => share(on, f, b, a),
        Binary::Mod => {
            let quotient = on.binary(Binary::FloorDiv, a, b);
            on.unary(Unary::Neg, quotient)
        }
        Binary::Atan2 => {
            let squares = sum_of_squares(on, a, b);
            let ratio = on.binary(Div, a, squares);
            on.unary(Unary::Neg, ratio)
        }
        _ => return None,
    })
}

fn sum_of_squares<R: Record>(on: &mut R, a: R::Value, b: R::Value) -> R::Value {
    let (a, b) = (on.unary(Unary::Square, a), on.unary(Unary::Square, b));
    on.binary(Add, a, b)
}

/// 1 where `x` is the extreme, half where both are.
fn share<R: Record>(on: &mut R, f: Binary, x: R::Value, other: R::Value) -> R::Value {
    let wins = if f == Binary::Max { Binary::Greater } else { Binary::Less };
    let wins = on.binary(wins, x, other);
    let ties = on.binary(Binary::Equal, x, other);
    let half = on.constant(0.5);
    let ties = on.binary(Mul, half, ties);
    on.binary(Add, wins, ties)
}
