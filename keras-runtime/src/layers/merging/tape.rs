//! Elementwise programs made on the stack, each value with its derivative by one input.

use keras_kernels::elementwise::{Binary, Instr, Program, Value};

/// Most instructions: enough for six inputs with masks.
const CAPACITY: usize = 96;

/// A program under construction.
pub(super) struct Tape {
    instrs: [Instr; CAPACITY],
    len: usize,
}

/// A value, and its derivative by the input that is asked for; `None` where it does not depend on it.
#[derive(Clone, Copy)]
pub(super) struct Dual {
    pub(super) value: Value,
    pub(super) tangent: Option<Value>,
}

impl Tape {
    pub(super) fn new() -> Tape {
        Tape { instrs: [Instr::Const(0.0); CAPACITY], len: 0 }
    }

    pub(super) fn push(&mut self, instr: Instr) -> Value {
        self.instrs[self.len] = instr;
        self.len += 1;
        (self.len - 1) as Value
    }

    /// Input `i`, which is the one that is asked for if `asked`.
    pub(super) fn input(&mut self, i: usize, asked: bool) -> Dual {
        let value = self.push(Instr::Input(i as u8));
        let tangent = asked.then(|| self.push(Instr::Const(1.0)));
        Dual { value, tangent }
    }

    /// A constant.
    pub(super) fn constant(&mut self, value: f64) -> Dual {
        Dual { value: self.push(Instr::Const(value)), tangent: None }
    }

    pub(super) fn mul(&mut self, a: Dual, b: Dual) -> Dual {
        let value = self.push(Instr::Binary(Binary::Mul, a.value, b.value));
        let left = a.tangent.map(|da| self.push(Instr::Binary(Binary::Mul, da, b.value)));
        let right = b.tangent.map(|db| self.push(Instr::Binary(Binary::Mul, a.value, db)));
        Dual { value, tangent: self.sum(left, right) }
    }

    /// The larger (or smaller); where both are equal, each has half of the gradient, as in Keras on JAX.
    pub(super) fn extreme(&mut self, op: Binary, a: Dual, b: Dual) -> Dual {
        let value = self.push(Instr::Binary(op, a.value, b.value));
        let left = a.tangent.map(|da| self.share(op, a.value, b.value, da));
        let right = b.tangent.map(|db| self.share(op, b.value, a.value, db));
        Dual { value, tangent: self.sum(left, right) }
    }

    /// `tangent` times 1 where `x` wins, half where it is `other`, else 0.
    fn share(&mut self, op: Binary, x: Value, other: Value, tangent: Value) -> Value {
        let (wins, ties) = match op {
            Binary::Max => (Binary::Greater, Binary::GreaterEqual),
            _ => (Binary::Less, Binary::LessEqual),
        };
        let wins = self.push(Instr::Binary(wins, x, other));
        let ties = self.push(Instr::Binary(ties, x, other));
        let twice = self.push(Instr::Binary(Binary::Add, wins, ties));
        let twice = self.push(Instr::Binary(Binary::Mul, twice, tangent));
        let half = self.push(Instr::Const(0.5));
        self.push(Instr::Binary(Binary::Mul, twice, half))
    }

    /// `a` where the mask is set, else `b`.
    pub(super) fn select(&mut self, mask: Value, a: Dual, b: Dual) -> Dual {
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

    /// The program that yields this value.
    pub(super) fn program<'a>(&'a self, output: &'a [Value; 1]) -> Program<'a> {
        Program { instrs: &self.instrs[..self.len], outputs: output }
    }
}
