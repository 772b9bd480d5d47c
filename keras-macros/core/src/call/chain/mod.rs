//! Chains of elementwise functions.
//!
//! [`gradient`] derives the program of a chain's gradient by the rules in [`slopes`], [`tokens`] writes programs.

mod gradient;
mod slopes;
mod tokens;

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::graph::{Graph, Kind};

/// Position of an instruction.
type Value = usize;

/// One instruction of `kernels::elementwise`.
#[derive(Clone, Debug, PartialEq)]
enum Instr {
    Input(usize),
    /// An input if the field is a weight, else a number.
    Field(Ident, usize, usize),
    Scalar(usize),
    Const(f64),
    Unary(&'static str, Value),
    Binary(&'static str, Value, Value),
    Select(Value, Value, Value),
}

impl Instr {
    fn uses(&self) -> Vec<Value> {
        match *self {
            Instr::Unary(_, a) => vec![a],
            Instr::Binary(_, a, b) => vec![a, b],
            Instr::Select(a, b, c) => vec![a, b, c],
            _ => Vec::new(),
        }
    }

    fn renumbered(&self, new: &[Value]) -> Instr {
        match self.clone() {
            Instr::Unary(f, a) => Instr::Unary(f, new[a]),
            Instr::Binary(f, a, b) => Instr::Binary(f, new[a], new[b]),
            Instr::Select(a, b, c) => Instr::Select(new[a], new[b], new[c]),
            other => other,
        }
    }
}

/// A program under construction; equal instructions are one.
#[derive(Clone, Default)]
pub(in crate::call) struct Chain {
    instrs: Vec<Instr>,
    outputs: Vec<Value>,
    /// Nodes that are its inputs.
    pub leaves: Vec<usize>,
    /// Numbers that it is given.
    pub scalars: Vec<TokenStream>,
    /// The same as the user wrote them.
    numbers: Vec<TokenStream>,
}

impl Chain {
    /// The program that computes `root` from nodes outside `members`.
    pub(in crate::call) fn new(graph: &Graph, root: usize, members: &dyn Fn(usize) -> bool) -> Chain {
        let mut chain = Chain::default();
        let mut done = HashMap::new();
        let value = chain.node(graph, root, root, members, &mut done);
        chain.outputs = vec![value];
        chain
    }

    fn node(
        &mut self,
        graph: &Graph,
        node: usize,
        root: usize,
        members: &dyn Fn(usize) -> bool,
        done: &mut HashMap<usize, Value>,
    ) -> Value {
        if let Some(value) = done.get(&node) {
            return *value;
        }
        let inside = node == root || members(node);
        let value = match &graph.nodes[node].kind {
            Kind::Const(c) => self.push(Instr::Const(*c)),
            Kind::Scalar(tokens) => {
                let at = self.scalar(quote!(::keras::rt::Number::number(#tokens)), tokens);
                self.push(Instr::Scalar(at))
            }
            Kind::Field(name) if !inside => {
                let scalar =
                    self.scalar(quote!(::keras::rt::Number::number(self.#name)), &quote!(self.#name));
                let input = self.leaf(node);
                self.push(Instr::Field(name.clone(), input, scalar))
            }
            _ if !inside => {
                let input = self.leaf(node);
                self.push(Instr::Input(input))
            }
            kind => {
                let inputs = &graph.nodes[node].inputs;
                let values: Vec<Value> =
                    inputs.iter().map(|i| self.node(graph, *i, root, members, done)).collect();
                match kind {
                    Kind::Copy => values[0],
                    Kind::Unary(f) => self.push(Instr::Unary(f, values[0])),
                    Kind::Binary(f) => self.push(Instr::Binary(f, values[0], values[1])),
                    Kind::Select => self.push(Instr::Select(values[0], values[1], values[2])),
                    _ => unreachable!("only elementwise nodes are members of a chain"),
                }
            }
        };
        done.insert(node, value);
        value
    }

    fn leaf(&mut self, node: usize) -> usize {
        self.leaves.iter().position(|l| *l == node).unwrap_or_else(|| {
            self.leaves.push(node);
            self.leaves.len() - 1
        })
    }

    fn scalar(&mut self, tokens: TokenStream, number: &TokenStream) -> usize {
        let text = tokens.to_string();
        self.scalars.iter().position(|s| s.to_string() == text).unwrap_or_else(|| {
            self.scalars.push(tokens);
            self.numbers.push(number.clone());
            self.scalars.len() - 1
        })
    }

    fn push(&mut self, instr: Instr) -> Value {
        self.instrs.iter().position(|i| *i == instr).unwrap_or_else(|| {
            self.instrs.push(instr);
            self.instrs.len() - 1
        })
    }

    fn constant(&mut self, value: f64) -> Value {
        self.push(Instr::Const(value))
    }

    fn unary(&mut self, f: &'static str, a: Value) -> Value {
        self.push(Instr::Unary(f, a))
    }

    fn binary(&mut self, f: &'static str, a: Value, b: Value) -> Value {
        self.push(Instr::Binary(f, a, b))
    }

    /// Which of the inputs the program reads.
    pub(in crate::call) fn reads(&self) -> Vec<bool> {
        let mut reads = vec![false; self.leaves.len()];
        for instr in &self.instrs {
            if let Instr::Input(i) | Instr::Field(_, i, _) = instr {
                // The gradient of the result comes after the leaves.
                if let Some(read) = reads.get_mut(*i) {
                    *read = true;
                }
            }
        }
        reads
    }

    /// Drops instructions that no output needs.
    fn sweep(&mut self) {
        let mut needed = vec![false; self.instrs.len()];
        self.outputs.iter().for_each(|o| needed[*o] = true);
        for i in (0..self.instrs.len()).rev() {
            if needed[i] {
                self.instrs[i].uses().into_iter().for_each(|u| needed[u] = true);
            }
        }
        let (mut new, mut kept) = (vec![0; self.instrs.len()], Vec::new());
        for (i, instr) in self.instrs.iter().enumerate().filter(|(i, _)| needed[*i]) {
            new[i] = kept.len();
            kept.push(instr.renumbered(&new));
        }
        self.instrs = kept;
        self.outputs.iter_mut().for_each(|o| *o = new[*o]);
    }

    pub(in crate::call) fn len(&self) -> usize {
        self.instrs.len()
    }
}
