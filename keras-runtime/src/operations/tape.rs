//! Elementwise programs made on the stack, each value with its derivative by one input.
//!
//! A function is recorded once, in terms of [`Dual`]s; its derivative follows. What depends on a call is recorded when its buffers are
//! placed ([`crate::Layer::programs`]).

use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Instr, MAX_INSTRS, Program, Unary, Value};

use super::slope::{self, Record};
use crate::layer::Recorded;

/// A program under construction.
pub(crate) struct Tape {
    instrs: [Instr; MAX_INSTRS],
    len: usize,
}

/// A value, and its derivative by the input that is asked for; `None` where it does not depend on it.
#[derive(Clone, Copy)]
pub(crate) struct Dual {
    pub(crate) value: Value,
    pub(crate) tangent: Option<Value>,
}

impl Record for Tape {
    type Value = Value;

    fn constant(&mut self, value: f64) -> Value {
        self.push(Instr::Const(value))
    }

    fn unary(&mut self, f: Unary, x: Value) -> Value {
        self.push(Instr::Unary(f, x))
    }

    fn binary(&mut self, f: Binary, a: Value, b: Value) -> Value {
        self.push(Instr::Binary(f, a, b))
    }

    fn choose(&mut self, c: Value, yes: Value, no: Value) -> Value {
        self.push(Instr::Select(c, yes, no))
    }
}

impl Tape {
    pub(crate) fn new() -> Tape {
        Tape { instrs: [Instr::Const(0.0); MAX_INSTRS], len: 0 }
    }

    pub(crate) fn push(&mut self, instr: Instr) -> Value {
        self.instrs[self.len] = instr;
        self.len += 1;
        (self.len - 1) as Value
    }

    /// Input `i`, which is the one that is asked for if `asked`.
    pub(crate) fn input(&mut self, i: usize, asked: bool) -> Dual {
        let value = self.push(Instr::Input(i as u8));
        let tangent = asked.then(|| self.push(Instr::Const(1.0)));
        Dual { value, tangent }
    }

    /// A constant.
    pub(crate) fn number(&mut self, value: f64) -> Dual {
        Dual { value: self.push(Instr::Const(value)), tangent: None }
    }

    /// A value clipped as a rectifier does it ([`crate::engine::rectifies`]).
    pub(crate) fn rectified(&mut self, value: Value, f: Activation) -> Value {
        match f.bounds() {
            Some([0.0, high]) => {
                let value = self.push(Instr::Unary(Unary::Relu, value));
                if high == f64::INFINITY {
                    return value;
                }
                let high = self.push(Instr::Const(high));
                self.push(Instr::Binary(Binary::Min, value, high))
            }
            _ => value,
        }
    }

    /// A function of one value.
    pub(crate) fn apply(&mut self, f: Unary, x: Dual) -> Dual {
        let value = self.push(Instr::Unary(f, x.value));
        let tangent = x.tangent.and_then(|dx| slope::of_unary(self, f, x.value, value, dx));
        Dual { value, tangent }
    }

    /// A function of two values.
    pub(crate) fn join(&mut self, f: Binary, a: Dual, b: Dual) -> Dual {
        let y = self.push(Instr::Binary(f, a.value, b.value));
        let left = a.tangent.and_then(|da| slope::of_left(self, f, a.value, b.value, da));
        let right = b.tangent.and_then(|db| slope::of_right(self, f, a.value, b.value, y, db));
        Dual { value: y, tangent: self.sum(left, right) }
    }

    /// `a` where the mask is set, else `b`.
    pub(crate) fn select(&mut self, mask: Value, a: Dual, b: Dual) -> Dual {
        let value = self.push(Instr::Select(mask, a.value, b.value));
        let tangent = (a.tangent.is_some() || b.tangent.is_some()).then(|| {
            let mut or_zero = |t: Option<Value>| t.unwrap_or_else(|| self.push(Instr::Const(0.0)));
            let (da, db) = (or_zero(a.tangent), or_zero(b.tangent));
            self.push(Instr::Select(mask, da, db))
        });
        Dual { value, tangent }
    }

    fn sum(&mut self, a: Option<Value>, b: Option<Value>) -> Option<Value> {
        match (a, b) {
            (Some(a), Some(b)) => Some(self.push(Instr::Binary(Binary::Add, a, b))),
            (a, b) => a.or(b),
        }
    }

    /// The program that yields this value, to keep.
    pub(crate) fn recorded(&self, output: Value) -> Recorded {
        Recorded::new(&self.instrs[..self.len], output)
    }

    /// The program that yields this value.
    pub(crate) fn program<'a>(&'a self, output: &'a [Value; 1]) -> Program<'a> {
        Program { instrs: &self.instrs[..self.len], outputs: output }
    }
}
