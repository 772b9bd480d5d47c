//! The functions of elements, by the names that Keras' operations have.

use keras_kernels::elementwise::{Binary, Unary};

use super::tape::{Dual, Tape};

/// A function of one, two or three elements.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Function {
    /// A function that the kernels have.
    Unary(Unary),
    /// Likewise, of two.
    Binary(Binary),
    /// The element itself.
    Identity,
    /// The element itself, a constant for the derivative.
    Stop,
    /// One number everywhere, of the shape of the operand.
    Fill(f64),
    /// `x / y`, 0 where `y` is 0.
    DivideNoNan,
    /// `2^x`.
    Exp2,
    /// The third root, of negative numbers too.
    Cbrt,
    /// `x` times a number.
    Scale(f64),
    /// Rounded towards 0.
    Trunc,
    /// Rounded to so many decimals, half to even.
    Round(i32),
    /// `1 - erf(x)`.
    Erfc,
    /// Whether it is an infinity.
    IsInf,
    /// `sqrt(a^2 + b^2)`.
    Hypot,
    /// `log(exp(a) + exp(b))`.
    LogAddExp,
    /// Whether one of the two is not 0, but not both.
    Xor,
    /// Between two bounds.
    Clip(f64, f64),
    /// The second where the first is not 0, else the third.
    Where,
    /// NaN and infinities replaced.
    NanToNum(f64, f64, f64),
}

/// The element type of a function's result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Result {
    /// A float, whatever the operands are.
    Float,
    /// A truth value.
    Bool,
    /// The type that holds all operands.
    Same,
}

/// How an operation of Keras is called: class, names of its tensors, function.
pub(crate) type Entry = (&'static str, &'static [&'static str], Function);

const X: &[&str] = &["x"];
const TWO: &[&str] = &["x1", "x2"];

/// Operations of `keras.ops` that are a function without options.
pub(crate) const FUNCTIONS: &[Entry] = &[
    ("Abs", X, Function::Unary(Unary::Abs)),
    ("Absolute", X, Function::Unary(Unary::Abs)),
    ("Add", TWO, Function::Binary(Binary::Add)),
    ("Arccos", X, Function::Unary(Unary::Acos)),
    ("Arccosh", X, Function::Unary(Unary::Acosh)),
    ("Arcsin", X, Function::Unary(Unary::Asin)),
    ("Arcsinh", X, Function::Unary(Unary::Asinh)),
    ("Arctan", X, Function::Unary(Unary::Atan)),
    ("Arctan2", TWO, Function::Binary(Binary::Atan2)),
    ("Arctanh", X, Function::Unary(Unary::Atanh)),
    ("Cbrt", X, Function::Cbrt),
    ("Ceil", X, Function::Unary(Unary::Ceil)),
    ("Copy", X, Function::Identity),
    ("Cos", X, Function::Unary(Unary::Cos)),
    ("Cosh", X, Function::Unary(Unary::Cosh)),
    ("Deg2rad", X, Function::Scale(std::f64::consts::PI / 180.0)),
    ("Divide", TWO, Function::Binary(Binary::Div)),
    ("DivideNoNan", TWO, Function::DivideNoNan),
    ("Equal", TWO, Function::Binary(Binary::Equal)),
    ("Erf", X, Function::Unary(Unary::Erf)),
    ("Erfc", X, Function::Erfc),
    ("Exp", X, Function::Unary(Unary::Exp)),
    ("Exp2", X, Function::Exp2),
    ("Expm1", X, Function::Unary(Unary::Expm1)),
    ("Fabs", X, Function::Unary(Unary::Abs)),
    ("Floor", X, Function::Unary(Unary::Floor)),
    ("FloorDivide", TWO, Function::Binary(Binary::FloorDiv)),
    ("Greater", TWO, Function::Binary(Binary::Greater)),
    ("GreaterEqual", TWO, Function::Binary(Binary::GreaterEqual)),
    ("Hypot", TWO, Function::Hypot),
    ("Isfinite", X, Function::Unary(Unary::IsFinite)),
    ("Isinf", X, Function::IsInf),
    ("Isnan", X, Function::Unary(Unary::IsNan)),
    ("Less", TWO, Function::Binary(Binary::Less)),
    ("LessEqual", TWO, Function::Binary(Binary::LessEqual)),
    ("Log", X, Function::Unary(Unary::Log)),
    ("Log10", X, Function::Unary(Unary::Log10)),
    ("Log1p", X, Function::Unary(Unary::Log1p)),
    ("Log2", X, Function::Unary(Unary::Log2)),
    ("Logaddexp", TWO, Function::LogAddExp),
    ("LogicalAnd", TWO, Function::Binary(Binary::And)),
    ("LogicalNot", X, Function::Unary(Unary::Not)),
    ("LogicalOr", TWO, Function::Binary(Binary::Or)),
    ("LogicalXor", TWO, Function::Xor),
    ("Maximum", TWO, Function::Binary(Binary::Max)),
    ("Minimum", TWO, Function::Binary(Binary::Min)),
    ("Mod", TWO, Function::Binary(Binary::Mod)),
    ("Multiply", TWO, Function::Binary(Binary::Mul)),
    ("Negative", X, Function::Unary(Unary::Neg)),
    ("NotEqual", TWO, Function::Binary(Binary::NotEqual)),
    ("Power", TWO, Function::Binary(Binary::Pow)),
    ("Rad2deg", X, Function::Scale(180.0 / std::f64::consts::PI)),
    ("Reciprocal", X, Function::Unary(Unary::Recip)),
    ("Rsqrt", X, Function::Unary(Unary::Rsqrt)),
    ("Sign", X, Function::Unary(Unary::Sign)),
    ("Sin", X, Function::Unary(Unary::Sin)),
    ("Sinh", X, Function::Unary(Unary::Sinh)),
    ("Sqrt", X, Function::Unary(Unary::Sqrt)),
    ("Square", X, Function::Unary(Unary::Square)),
    ("StopGradient", &["variable"], Function::Stop),
    ("Subtract", TWO, Function::Binary(Binary::Sub)),
    ("Tan", X, Function::Unary(Unary::Tan)),
    ("Tanh", X, Function::Unary(Unary::Tanh)),
    ("TrueDivide", TWO, Function::Binary(Binary::Div)),
    ("Trunc", X, Function::Trunc),
    ("Where", &["condition", "x1", "x2"], Function::Where),
];

impl Function {
    /// The element type of its result.
    pub(crate) const fn result(self) -> Result {
        match self {
            Function::Unary(f) => match f {
                Unary::Neg | Unary::Abs | Unary::Sign | Unary::Square | Unary::Relu => Result::Same,
                Unary::Not | Unary::IsNan | Unary::IsFinite => Result::Bool,
                _ => Result::Float,
            },
            Function::Binary(f) => match f {
                Binary::Div | Binary::Atan2 => Result::Float,
                Binary::Less | Binary::LessEqual | Binary::Greater | Binary::GreaterEqual => Result::Bool,
                Binary::Equal | Binary::NotEqual | Binary::And | Binary::Or => Result::Bool,
                _ => Result::Same,
            },
            Function::IsInf | Function::Xor => Result::Bool,
            Function::Identity | Function::Stop | Function::Fill(_) | Function::Where => Result::Same,
            Function::Clip(..) | Function::Trunc | Function::Round(_) | Function::NanToNum(..) => {
                Result::Same
            }
            _ => Result::Float,
        }
    }

    /// Records it; the derivative follows.
    pub(crate) fn record(self, tape: &mut Tape, operands: &[Dual]) -> Dual {
        let x = operands[0];
        let flat = |x: Dual| Dual { value: x.value, tangent: None };
        match self {
            Function::Unary(f) => tape.apply(f, x),
            Function::Binary(f) => tape.join(f, x, operands[1]),
            Function::Identity => x,
            Function::Stop => flat(x),
            Function::Fill(value) => tape.number(value),
            Function::DivideNoNan => {
                let y = operands[1];
                let zero = tape.number(0.0);
                let is_zero = tape.join(Binary::Equal, flat(y), zero);
                // The quotient is taken by 1 where it does not count, so that no NaN enters the gradient.
                let one = tape.number(1.0);
                let safe = tape.select(is_zero.value, one, y);
                let quotient = tape.join(Binary::Div, x, safe);
                tape.select(is_zero.value, zero, quotient)
            }
            Function::Exp2 => {
                let ln2 = tape.number(std::f64::consts::LN_2);
                let power = tape.join(Binary::Mul, x, ln2);
                tape.apply(Unary::Exp, power)
            }
            Function::Cbrt => {
                let size = tape.apply(Unary::Abs, x);
                let third = tape.number(1.0 / 3.0);
                let root = tape.join(Binary::Pow, size, third);
                let sign = tape.apply(Unary::Sign, flat(x));
                tape.join(Binary::Mul, sign, root)
            }
            Function::Scale(factor) => {
                let factor = tape.number(factor);
                tape.join(Binary::Mul, x, factor)
            }
            Function::Trunc => {
                let size = tape.apply(Unary::Abs, flat(x));
                let whole = tape.apply(Unary::Floor, size);
                let sign = tape.apply(Unary::Sign, flat(x));
                tape.join(Binary::Mul, sign, whole)
            }
            Function::Round(0) => tape.apply(Unary::Round, flat(x)),
            Function::Round(decimals) => {
                let scale = tape.number(10f64.powi(decimals));
                let scaled = tape.join(Binary::Mul, flat(x), scale);
                let rounded = tape.apply(Unary::Round, scaled);
                tape.join(Binary::Div, rounded, scale)
            }
            Function::Erfc => {
                let erf = tape.apply(Unary::Erf, x);
                let one = tape.number(1.0);
                tape.join(Binary::Sub, one, erf)
            }
            Function::IsInf => {
                let size = tape.apply(Unary::Abs, flat(x));
                let infinity = tape.number(f64::INFINITY);
                tape.join(Binary::Equal, size, infinity)
            }
            Function::Hypot => {
                let (a, b) = (tape.apply(Unary::Square, x), tape.apply(Unary::Square, operands[1]));
                let sum = tape.join(Binary::Add, a, b);
                tape.apply(Unary::Sqrt, sum)
            }
            Function::LogAddExp => {
                // log(e^a + e^b) = a + log(1 + e^(b - a)), which softplus computes without overflow.
                let difference = tape.join(Binary::Sub, operands[1], x);
                let more = tape.apply(Unary::Softplus, difference);
                tape.join(Binary::Add, x, more)
            }
            Function::Xor => {
                let (a, b) = (tape.apply(Unary::Not, x), tape.apply(Unary::Not, operands[1]));
                tape.join(Binary::NotEqual, a, b)
            }
            Function::Clip(low, high) => {
                let (low, high) = (tape.number(low), tape.number(high));
                let above = tape.join(Binary::Max, x, low);
                tape.join(Binary::Min, above, high)
            }
            Function::Where => tape.select(x.value, operands[1], operands[2]),
            Function::NanToNum(nan, above, below) => {
                let is_nan = tape.apply(Unary::IsNan, flat(x));
                let nan = tape.number(nan);
                let x = tape.select(is_nan.value, nan, x);
                let infinity = tape.number(f64::INFINITY);
                let is_above = tape.join(Binary::Equal, flat(x), infinity);
                let above = tape.number(above);
                let x = tape.select(is_above.value, above, x);
                let infinity = tape.number(f64::NEG_INFINITY);
                let is_below = tape.join(Binary::Equal, flat(x), infinity);
                let below = tape.number(below);
                tape.select(is_below.value, below, x)
            }
        }
    }
}
