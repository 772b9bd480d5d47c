//! Chains of elementwise operations as one pass over memory.
//!
//! A [`Program`] is a short list of instructions in single-assignment form. The CPU interprets it over blocks that
//! stay in the first-level cache, every instruction a SIMD loop over one block; other devices turn it into source.

mod broadcast;
mod cpu;
mod interpreter;
mod ops;
#[cfg(test)]
mod tests;

use crate::cpu::simd::Plain;
use crate::{Grad, View};

/// Most instructions of a program.
pub const MAX_INSTRS: usize = 96;

/// Most inputs and outputs of a program, together.
pub const MAX_OPERANDS: usize = 32;

/// Index of an earlier instruction of the same program.
pub type Value = u16;

/// One instruction; its result is named by its position.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Instr {
    /// The element of an input (broadcast as numpy does).
    Input(u8),
    /// An argument that is known when the kernel is called.
    Scalar(u8),
    /// A constant.
    Const(f64),
    /// A function of one value.
    Unary(Unary, Value),
    /// A function of two.
    Binary(Binary, Value, Value),
    /// The second where the first is not zero, else the third.
    Select(Value, Value, Value),
}

/// Functions of one number. Comparisons and logic give 1 or 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Unary {
    Neg,
    Abs,
    Sign,
    Square,
    Sqrt,
    Rsqrt,
    Recip,
    Exp,
    Expm1,
    Log,
    Log1p,
    Log2,
    Log10,
    Sin,
    Cos,
    Tan,
    Asin,
    Acos,
    Atan,
    Sinh,
    Cosh,
    Tanh,
    Asinh,
    Acosh,
    Atanh,
    Erf,
    Sigmoid,
    Relu,
    Softplus,
    Floor,
    Ceil,
    /// Half to even.
    Round,
    Not,
    IsNan,
    IsFinite,
}

/// Functions of two numbers. Comparisons and logic give 1 or 0; a NaN makes `Max` and `Min` NaN, as in numpy.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
#[allow(missing_docs)]
pub enum Binary {
    Add,
    Sub,
    Mul,
    Div,
    Pow,
    Max,
    Min,
    /// Remainder with the sign of the divisor, as Python's `%`.
    Mod,
    /// Quotient rounded down, as Python's `//`.
    FloorDiv,
    Atan2,
    Less,
    LessEqual,
    Greater,
    GreaterEqual,
    Equal,
    NotEqual,
    And,
    Or,
}

impl Unary {
    /// The function of one number, in 64 bits.
    pub fn of(self, x: f64) -> f64 {
        let mut out = [0.0];
        ops::unary::<f64, Plain>(self, &[x], &mut out);
        out[0]
    }
}

impl Binary {
    /// The function of two numbers, in 64 bits.
    pub fn of(self, a: f64, b: f64) -> f64 {
        let mut out = [0.0];
        ops::binary::<f64, Plain>(self, &[a], &[b], &mut out);
        out[0]
    }
}

/// A chain: instructions, and which of their values are its outputs.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Program<'a> {
    /// Instructions in order; each refers to earlier ones alone.
    pub instrs: &'a [Instr],
    /// Results, one for each output.
    pub outputs: &'a [Value],
}

/// Elementwise chains.
pub trait Elementwise {
    /// Runs a program over the broadcast of its inputs' and outputs' shapes (numpy's rule, aligned at the end).
    ///
    /// An output that is smaller than that along some dimensions gets the sum over them: the gradient of a
    /// broadcast input. Sums do not depend on the number of threads. Inputs may be of any element type and are
    /// read as the floats that the outputs are; an output of an integer or bool type gets the result rounded
    /// towards zero (bool: whether it is not zero); without a float output, 64-bit floats carry 32-bit integers.
    /// An output that is written and of the full shape may be the same memory as an input of that shape and type.
    ///
    /// # Panics
    /// If the shapes do not broadcast, an index is out of range, or a limit ([`MAX_INSTRS`], [`MAX_OPERANDS`]) is
    /// exceeded.
    fn map(&self, program: &Program<'_>, scalars: &[f64], inputs: &[View], outputs: &[Grad]);
}
