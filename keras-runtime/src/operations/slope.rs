//! Derivatives of the functions of elements, whatever records them: programs on the stack, or formulas.
//!
//! Each yields the derivative times `by`: what flows in on the other side. Where a function has a kink, the derivative is the one
//! that JAX takes: 0 for `abs` at 0, one half of each side for `max` and `min` of equal numbers. `None` stands for a function that is
//! flat wherever it has a slope, such as a comparison.

use std::f64::consts::{FRAC_2_SQRT_PI, LOG2_E, LOG10_E};

use keras_kernels::elementwise::{Binary, Unary};

/// Something that functions of elements are recorded on.
pub(crate) trait Record {
    /// A recorded value.
    type Value: Copy;
    /// A constant.
    fn constant(&mut self, value: f64) -> Self::Value;
    /// A function of one value.
    fn unary(&mut self, f: Unary, x: Self::Value) -> Self::Value;
    /// A function of two values.
    fn binary(&mut self, f: Binary, a: Self::Value, b: Self::Value) -> Self::Value;
    /// `yes` where `c` is not zero, else `no`.
    fn choose(&mut self, c: Self::Value, yes: Self::Value, no: Self::Value) -> Self::Value;

    /// A product.
    fn mul(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        self.binary(Binary::Mul, a, b)
    }
    /// A quotient.
    fn div(&mut self, a: Self::Value, b: Self::Value) -> Self::Value {
        self.binary(Binary::Div, a, b)
    }
    /// `x` and a number.
    fn plus(&mut self, x: Self::Value, number: f64) -> Self::Value {
        let number = self.constant(number);
        self.binary(Binary::Add, x, number)
    }
    /// `x` times a number.
    fn scaled(&mut self, x: Self::Value, number: f64) -> Self::Value {
        let number = self.constant(number);
        self.mul(x, number)
    }
    /// `1 - x`.
    fn one_minus(&mut self, x: Self::Value) -> Self::Value {
        let one = self.constant(1.0);
        self.binary(Binary::Sub, one, x)
    }
    /// `number / x`.
    fn over(&mut self, number: f64, x: Self::Value) -> Self::Value {
        let number = self.constant(number);
        self.div(number, x)
    }
    /// `-x`.
    fn neg(&mut self, x: Self::Value) -> Self::Value {
        self.unary(Unary::Neg, x)
    }
    /// `x^2`.
    fn square(&mut self, x: Self::Value) -> Self::Value {
        self.unary(Unary::Square, x)
    }
}

/// The derivative of `y = f(x)`, times `by`.
pub(crate) fn of_unary<R: Record>(
    r: &mut R,
    f: Unary,
    x: R::Value,
    y: R::Value,
    by: R::Value,
) -> Option<R::Value> {
    let slope = match f {
        Unary::Neg => return Some(r.neg(by)),
        Unary::Abs => r.unary(Unary::Sign, x),
        Unary::Square => r.scaled(x, 2.0),
        Unary::Sqrt => r.over(0.5, y),
        Unary::Rsqrt => {
            let square = r.square(y);
            let cube = r.mul(square, y);
            r.scaled(cube, -0.5)
        }
        Unary::Recip => {
            let square = r.square(y);
            r.neg(square)
        }
        Unary::Exp => y,
        Unary::Expm1 => r.plus(y, 1.0),
        Unary::Log => r.over(1.0, x),
        Unary::Log1p => {
            let more = r.plus(x, 1.0);
            r.over(1.0, more)
        }
        Unary::Log2 => r.over(LOG2_E, x),
        Unary::Log10 => r.over(LOG10_E, x),
        Unary::Sin => r.unary(Unary::Cos, x),
        Unary::Cos => {
            let sin = r.unary(Unary::Sin, x);
            r.neg(sin)
        }
        Unary::Tan => {
            let square = r.square(y);
            r.plus(square, 1.0)
        }
        Unary::Asin | Unary::Acos => {
            let square = r.square(x);
            let rest = r.one_minus(square);
            let slope = r.unary(Unary::Rsqrt, rest);
            if f == Unary::Asin { slope } else { r.neg(slope) }
        }
        Unary::Atan => {
            let square = r.square(x);
            let more = r.plus(square, 1.0);
            r.over(1.0, more)
        }
        Unary::Sinh => r.unary(Unary::Cosh, x),
        Unary::Cosh => r.unary(Unary::Sinh, x),
        Unary::Tanh => {
            let square = r.square(y);
            r.one_minus(square)
        }
        Unary::Asinh | Unary::Acosh => {
            let square = r.square(x);
            let more = r.plus(square, if f == Unary::Asinh { 1.0 } else { -1.0 });
            r.unary(Unary::Rsqrt, more)
        }
        Unary::Atanh => {
            let square = r.square(x);
            let rest = r.one_minus(square);
            r.over(1.0, rest)
        }
        Unary::Erf => {
            let square = r.square(x);
            let minus = r.neg(square);
            let bell = r.unary(Unary::Exp, minus);
            r.scaled(bell, FRAC_2_SQRT_PI)
        }
        Unary::Sigmoid => {
            let rest = r.one_minus(y);
            r.mul(y, rest)
        }
        Unary::Relu => {
            let zero = r.constant(0.0);
            r.binary(Binary::Greater, x, zero)
        }
        Unary::Softplus => r.unary(Unary::Sigmoid, x),
        Unary::Sign | Unary::Floor | Unary::Ceil | Unary::Round => return None,
        Unary::Not | Unary::IsNan | Unary::IsFinite => return None,
        other => unreachable!("{other:?} has no derivative yet"),
    };
    Some(r.mul(by, slope))
}

/// The derivative of `y = f(a, b)` by `a`, times `by`.
pub(crate) fn of_left<R: Record>(
    r: &mut R,
    f: Binary,
    a: R::Value,
    b: R::Value,
    by: R::Value,
) -> Option<R::Value> {
    Some(match f {
        Binary::Add | Binary::Sub | Binary::Mod => by,
        Binary::Mul => r.mul(by, b),
        Binary::Div => r.div(by, b),
        Binary::Pow => {
            // x^0 is constant, at 0 too.
            let less = r.plus(b, -1.0);
            let power = r.binary(Binary::Pow, a, less);
            let (slope, zero) = (r.mul(b, power), r.constant(0.0));
            let slope = r.choose(b, slope, zero);
            r.mul(by, slope)
        }
        Binary::Max | Binary::Min => {
            let share = share(r, f, a, b);
            r.mul(by, share)
        }
        Binary::Atan2 => {
            let product = r.mul(by, b);
            over_squares(r, product, a, b)
        }
        _ => return None,
    })
}

/// The derivative of `y = f(a, b)` by `b`, times `by`.
pub(crate) fn of_right<R: Record>(
    r: &mut R,
    f: Binary,
    a: R::Value,
    b: R::Value,
    y: R::Value,
    by: R::Value,
) -> Option<R::Value> {
    Some(match f {
        Binary::Add => by,
        Binary::Sub => r.neg(by),
        Binary::Mul => r.mul(by, a),
        Binary::Div => {
            let product = r.mul(by, y);
            let quotient = r.div(product, b);
            r.neg(quotient)
        }
        Binary::Pow => {
            // 0^y is constant.
            let (product, one) = (r.mul(by, y), r.constant(1.0));
            let base = r.choose(a, a, one);
            let log = r.unary(Unary::Log, base);
            r.mul(product, log)
        }
        Binary::Max | Binary::Min => {
            let share = share(r, f, b, a);
            r.mul(by, share)
        }
        Binary::Mod => {
            let quotient = r.binary(Binary::FloorDiv, a, b);
            let product = r.mul(by, quotient);
            r.neg(product)
        }
        Binary::Atan2 => {
            let product = r.mul(by, a);
            let quotient = over_squares(r, product, a, b);
            r.neg(quotient)
        }
        _ => return None,
    })
}

/// `x / (a^2 + b^2)`.
fn over_squares<R: Record>(r: &mut R, x: R::Value, a: R::Value, b: R::Value) -> R::Value {
    let (a, b) = (r.square(a), r.square(b));
    let sum = r.binary(Binary::Add, a, b);
    r.div(x, sum)
}

/// 1 where `x` is the extreme, half where both are.
fn share<R: Record>(r: &mut R, f: Binary, x: R::Value, other: R::Value) -> R::Value {
    let wins = if f == Binary::Max { Binary::Greater } else { Binary::Less };
    let wins = r.binary(wins, x, other);
    let ties = r.binary(Binary::Equal, x, other);
    let ties = r.scaled(ties, 0.5);
    r.binary(Binary::Add, wins, ties)
}
