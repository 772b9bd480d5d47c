//! Gradients of chains, by reverse accumulation.

use super::{Chain, Instr, Value};
use crate::call::graph::is_flat;

impl Chain {
    /// The program of the gradient: its inputs are the chain's and then the gradient of its result; its outputs are the
    /// gradients of the leaves that are returned, in this order.
    pub(in crate::call) fn gradient(&self, flows: &dyn Fn(usize) -> bool) -> (Chain, Vec<usize>) {
        let mut back = self.clone();
        let root = self.outputs[0];
        let mut needed = vec![false; self.instrs.len()];
        for (i, instr) in self.instrs.iter().enumerate() {
            needed[i] = match instr {
                Instr::Input(j) | Instr::Field(_, j, _) => flows(self.leaves[*j]),
                Instr::Unary(f, a) => !is_flat(f) && needed[*a],
                Instr::Binary(f, a, b) => !is_flat(f) && (needed[*a] || needed[*b]),
                Instr::Select(_, a, b) => needed[*a] || needed[*b],
                _ => false,
            };
        }
        let mut adjoints: Vec<Option<Value>> = vec![None; self.instrs.len()];
        adjoints[root] = Some(back.push(Instr::Input(self.leaves.len())));
        let mut outputs = Vec::new();
        let mut leaves = Vec::new();
        for y in (0..self.instrs.len()).rev() {
            let Some(dy) = adjoints[y].filter(|_| needed[y]) else { continue };
            let contributions = match self.instrs[y].clone() {
                Instr::Input(j) | Instr::Field(_, j, _) => {
                    outputs.push(dy);
                    leaves.push(self.leaves[j]);
                    Vec::new()
                }
                Instr::Unary(f, x) => vec![(x, back.unary_gradient(f, x, y, dy))],
                Instr::Binary(f, a, b) => {
                    let mut both = Vec::new();
                    if needed[a] {
                        both.push((a, back.left_gradient(f, a, b, dy)));
                    }
                    if needed[b] {
                        both.push((b, back.right_gradient(f, a, b, y, dy)));
                    }
                    both
                }
                Instr::Select(c, a, b) => {
                    let zero = back.constant(0.0);
                    let left = back.push(Instr::Select(c, dy, zero));
                    let right = back.push(Instr::Select(c, zero, dy));
                    vec![(a, left), (b, right)]
                }
                _ => Vec::new(),
            };
            for (x, dx) in contributions.into_iter().filter(|(x, _)| needed[*x]) {
                adjoints[x] = Some(match adjoints[x] {
                    Some(sum) => back.binary("Add", sum, dx),
                    None => dx,
                });
            }
        }
        back.outputs = outputs;
        back.sweep();
        (back, leaves)
    }
}
