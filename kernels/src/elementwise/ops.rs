//! One instruction over one block.

use super::{Binary, Unary};
use crate::cpu::math::{Real, fmax, fmin};
use crate::cpu::simd::Level;

/// One where the condition holds, else zero.
#[inline(always)]
fn truth<T: Real>(condition: bool) -> T {
    if condition { T::one() } else { T::zero() }
}

/// Python's remainder: the sign of the divisor.
#[inline(always)]
fn modulo<T: Real>(a: T, b: T) -> T {
    let r = a % b;
    if r != T::zero() && (r < T::zero()) != (b < T::zero()) { r + b } else { r }
}

/// `out = op(a)`.
#[inline(always)]
pub(super) fn unary<T: Real, L: Level>(op: Unary, a: &[T], out: &mut [T]) {
    macro_rules! each {
        (|$x:ident| $value:expr) => {
            for (out, x) in out.iter_mut().zip(a) {
                let $x = *x;
                *out = $value;
            }
        };
    }
    match op {
        Unary::Neg => each!(|x| -x),
        Unary::Abs => each!(|x| x.abs()),
        Unary::Sign => each!(|x| if x > T::zero() {
            T::one()
        } else if x < T::zero() {
            -T::one()
        } else {
            x
        }),
        Unary::Square => each!(|x| x * x),
        Unary::Sqrt => each!(|x| x.sqrt()),
        Unary::Rsqrt => each!(|x| x.sqrt().recip()),
        Unary::Recip => each!(|x| x.recip()),
        Unary::Exp => each!(|x| x.fexp::<L>()),
        Unary::Expm1 => each!(|x| x.fexpm1::<L>()),
        Unary::Log => each!(|x| x.flog::<L>()),
        Unary::Log1p => each!(|x| x.flog1p::<L>()),
        Unary::Log2 => each!(|x| x.log2()),
        Unary::Log10 => each!(|x| x.log10()),
        Unary::Sin => each!(|x| x.sin()),
        Unary::Cos => each!(|x| x.cos()),
        Unary::Tan => each!(|x| x.tan()),
        Unary::Asin => each!(|x| x.asin()),
        Unary::Acos => each!(|x| x.acos()),
        Unary::Atan => each!(|x| x.atan()),
        Unary::Sinh => each!(|x| x.sinh()),
        Unary::Cosh => each!(|x| x.cosh()),
        Unary::Tanh => each!(|x| x.ftanh::<L>()),
        Unary::Asinh => each!(|x| x.asinh()),
        Unary::Acosh => each!(|x| x.acosh()),
        Unary::Atanh => each!(|x| x.atanh()),
        Unary::Erf => each!(|x| x.ferf::<L>()),
        Unary::Sigmoid => each!(|x| x.fsigmoid::<L>()),
        Unary::Relu => each!(|x| fmax(x, T::zero())),
        Unary::Softplus => each!(|x| x.fsoftplus::<L>()),
        Unary::Floor => each!(|x| x.floor()),
        Unary::Ceil => each!(|x| x.ceil()),
        Unary::Round => each!(|x| x.fround()),
        Unary::Not => each!(|x| truth(x == T::zero())),
        Unary::IsNan => each!(|x| truth(x.is_nan())),
        Unary::IsFinite => each!(|x| truth(x.is_finite())),
    }
}

/// `out = op(a, b)`.
#[inline(always)]
pub(super) fn binary<T: Real, L: Level>(op: Binary, a: &[T], b: &[T], out: &mut [T]) {
    macro_rules! each {
        (|$x:ident, $y:ident| $value:expr) => {
            for (out, (x, y)) in out.iter_mut().zip(a.iter().zip(b)) {
                let ($x, $y) = (*x, *y);
                *out = $value;
            }
        };
    }
    match op {
        Binary::Add => each!(|x, y| x + y),
        Binary::Sub => each!(|x, y| x - y),
        Binary::Mul => each!(|x, y| x * y),
        Binary::Div => each!(|x, y| x / y),
        Binary::Pow => each!(|x, y| x.powf(y)),
        Binary::Max => each!(|x, y| fmax(x, y)),
        Binary::Min => each!(|x, y| fmin(x, y)),
        Binary::Mod => each!(|x, y| modulo(x, y)),
        Binary::FloorDiv => each!(|x, y| ((x - modulo(x, y)) / y).fround()),
        Binary::Atan2 => each!(|x, y| x.atan2(y)),
        Binary::Less => each!(|x, y| truth(x < y)),
        Binary::LessEqual => each!(|x, y| truth(x <= y)),
        Binary::Greater => each!(|x, y| truth(x > y)),
        Binary::GreaterEqual => each!(|x, y| truth(x >= y)),
        Binary::Equal => each!(|x, y| truth(x == y)),
        Binary::NotEqual => each!(|x, y| truth(x != y)),
        Binary::And => each!(|x, y| truth(x != T::zero() && y != T::zero())),
        Binary::Or => each!(|x, y| truth(x != T::zero() || y != T::zero())),
    }
}

/// `out = a where c is not zero, else b`.
#[inline(always)]
pub(super) fn select<T: Real>(c: &[T], a: &[T], b: &[T], out: &mut [T]) {
    for i in 0..out.len() {
        out[i] = if c[i] != T::zero() { a[i] } else { b[i] };
    }
}

/// Operations an element, for the decision to fork.
pub(super) fn cost(instr: &super::Instr) -> usize {
    use super::Instr;
    match instr {
        Instr::Unary(op, _) => match op {
            Unary::Neg | Unary::Abs | Unary::Sign | Unary::Square | Unary::Relu | Unary::Not => 1,
            Unary::Sqrt | Unary::Rsqrt | Unary::Recip | Unary::IsNan | Unary::IsFinite => 1,
            Unary::Exp | Unary::Tanh | Unary::Sigmoid | Unary::Softplus | Unary::Log => 4,
            _ => 20,
        },
        Instr::Binary(Binary::Pow | Binary::Mod | Binary::FloorDiv | Binary::Atan2, _, _) => 20,
        _ => 1,
    }
}
