//! Chains of elementwise operations, written step by step on the stack.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary, Value};
use keras_kernels::{Device, Grad, View};

/// Most instructions of a chain.
const CAPACITY: usize = 40;
/// Most inputs, scalars or outputs of a chain.
const MOST: usize = 10;

/// Adds a tensor, if there is one, to another.
pub(crate) fn add(device: &Device, from: Option<View>, to: View) {
    if let Some(from) = from {
        let mut chain = Chain::new();
        let value = chain.input(from);
        chain.run(device, &[(value, Grad::add(to))]);
    }
}

/// A chain under construction: values are named by what the methods return. Inputs and scalars are given where they are used.
///
/// It serves layers whose options add and drop terms; a fixed chain is better a const.
pub(crate) struct Chain {
    instrs: [Instr; CAPACITY],
    len: usize,
    inputs: [Option<View>; MOST],
    scalars: [f64; MOST],
    counts: [usize; 2],
}

impl Chain {
    /// An empty chain.
    pub(crate) fn new() -> Chain {
        let instrs = [Instr::Const(0.0); CAPACITY];
        Chain { instrs, len: 0, inputs: [None; MOST], scalars: [0.0; MOST], counts: [0; 2] }
    }

    fn push(&mut self, instr: Instr) -> Value {
        self.instrs[self.len] = instr;
        self.len += 1;
        self.len as Value - 1
    }

    /// The elements of a tensor.
    pub(crate) fn input(&mut self, view: View) -> Value {
        let at = self.counts[0];
        self.inputs[at] = Some(view);
        self.counts[0] += 1;
        self.push(Instr::Input(at as u8))
    }

    /// A number.
    pub(crate) fn scalar(&mut self, value: f64) -> Value {
        let at = self.counts[1];
        self.scalars[at] = value;
        self.counts[1] += 1;
        self.push(Instr::Scalar(at as u8))
    }

    /// A function of one value.
    pub(crate) fn unary(&mut self, f: Unary, a: Value) -> Value {
        self.push(Instr::Unary(f, a))
    }

    /// A function of two values.
    pub(crate) fn binary(&mut self, f: Binary, a: Value, b: Value) -> Value {
        self.push(Instr::Binary(f, a, b))
    }

    /// `a + b`.
    pub(crate) fn add(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Add, a, b)
    }

    /// `a - b`.
    pub(crate) fn sub(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Sub, a, b)
    }

    /// `a * b`.
    pub(crate) fn mul(&mut self, a: Value, b: Value) -> Value {
        self.binary(Binary::Mul, a, b)
    }

    /// `a` where `condition` is not zero, else `b`.
    pub(crate) fn select(&mut self, condition: Value, a: Value, b: Value) -> Value {
        self.push(Instr::Select(condition, a, b))
    }

    /// Runs the chain. An output that is smaller than the rest gets sums.
    pub(crate) fn run(&self, device: &Device, outputs: &[(Value, Grad)]) {
        let Some(&(_, first)) = outputs.first() else { return };
        let (mut values, mut grads) = ([0; MOST], [first; MOST]);
        for (at, (value, grad)) in outputs.iter().enumerate() {
            (values[at], grads[at]) = (*value, *grad);
        }
        // The places beyond the inputs are not read.
        let inputs = self.inputs.map(|view| view.unwrap_or(first.view));
        let program = Program { instrs: &self.instrs[..self.len], outputs: &values[..outputs.len()] };
        let (inputs, scalars) = (&inputs[..self.counts[0]], &self.scalars[..self.counts[1]]);
        device.map(&program, scalars, inputs, &grads[..outputs.len()]);
    }
}
