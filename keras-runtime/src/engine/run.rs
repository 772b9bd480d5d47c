//! One pass over a program: what the code that `model!` generates calls, one line a node.

use keras_kernels::elementwise::{Binary, Instr, Program as Chain, Unary};
use keras_kernels::layout::Walk;
use keras_kernels::{Grad, View};

use super::flat::Flat;
use super::program::Program;
use crate::Regularizer;
use crate::layer::{Context, Layer};

/// A pass under way.
pub struct Run<'a> {
    /// What is the same for all layers.
    pub cx: &'a Context<'a>,
    /// The calls.
    pub program: &'a Program,
    /// Their layers.
    pub flat: &'a Flat,
}

impl Run<'_> {
    /// Runs call `at` forward, or the calls of a model that is used as a layer; returns the number of the next call.
    #[inline]
    pub fn step<L: Layer + ?Sized>(&self, layer: &L, at: usize) -> usize {
        layer.run_forward(self, at)
    }

    /// Runs the call before `at` backward, or the calls of a model; returns its number.
    #[inline]
    pub fn back<L: Layer + ?Sized>(&self, layer: &L, at: usize) -> usize {
        layer.run_backward(self, at)
    }

    /// One leaf forward.
    #[inline]
    pub fn leaf_forward<L: Layer + ?Sized>(&self, layer: &L, at: usize) -> usize {
        // What shares memory with its input has nothing to write but a mask.
        if !self.program.steps[at].alias || self.program.calls[at].output_mask.is_some() {
            layer.forward(self.cx, &self.program.calls[at]);
        }
        at + 1
    }

    /// A wrapper forward. Around a model, each of the model's layers runs at all steps, as the flat graph has it.
    pub(crate) fn wrapper_forward<L: Layer + ?Sized>(&self, wrapper: &L, at: usize) -> usize {
        let Some(calls) = self.flat.stretch_from(at) else { return self.leaf_forward(wrapper, at) };
        calls.fold(at, |_, at| self.leaf_forward(&*self.flat.nodes[at].layer, at))
    }

    /// A wrapper backward.
    pub(crate) fn wrapper_backward<L: Layer + ?Sized>(&self, wrapper: &L, at: usize) -> usize {
        let Some(calls) = self.flat.stretch_to(at) else { return self.leaf_backward(wrapper, at) };
        calls.rev().fold(at, |_, at| self.leaf_backward(&*self.flat.nodes[at].layer, at + 1))
    }

    /// One leaf backward.
    pub fn leaf_backward<L: Layer + ?Sized>(&self, layer: &L, at: usize) -> usize {
        let at = at - 1;
        let (step, call) = (&self.program.steps[at], &self.program.calls[at]);
        if step.backward {
            step.zero.iter().for_each(|view| self.cx.device.fill(0.0, *view));
            if let Some(regularizer) = step.activity {
                for (y, dy) in call.outputs.iter().zip(&call.output_grads) {
                    activity_grad(self.cx, regularizer, *y, *dy);
                }
            }
            if !step.alias {
                layer.backward(self.cx, call);
            } else if let Some((from, to)) = step.pass {
                copy(self.cx, from, to);
            }
        }
        at
    }
}

/// Adds the gradient of a penalty on an output. Keras divides the penalty by the batch size.
fn activity_grad(cx: &Context<'_>, regularizer: Regularizer, y: View, dy: View) {
    let (l1, l2) = match regularizer {
        Regularizer::L1 { l1 } => (l1, 0.0),
        Regularizer::L2 { l2 } => (0.0, l2),
        Regularizer::L1L2 { l1, l2 } => (l1, l2),
        // Refused when the model is made: it is defined for matrices, not for batches.
        Regularizer::Orthogonal { .. } => return,
    };
    let batch = y.shape().dim(0) as f64;
    // dy += l1 * sign(y) + 2 * l2 * y
    const CHAIN: &[Instr] = &[
        Instr::Input(0),
        Instr::Unary(Unary::Sign, 0),
        Instr::Scalar(0),
        Instr::Binary(Binary::Mul, 1, 2),
        Instr::Scalar(1),
        Instr::Binary(Binary::Mul, 0, 4),
        Instr::Binary(Binary::Add, 3, 5),
    ];
    let chain = Chain { instrs: CHAIN, outputs: &[6] };
    cx.device.map(&chain, &[l1 / batch, 2.0 * l2 / batch], &[y], &[Grad::add(dy)]);
}

/// Copies a tensor.
pub fn copy(cx: &Context<'_>, from: View, to: Grad) {
    let strides = from.shape().strides().map(|s| s as isize);
    let walk = Walk { shape: from.shape(), from: 0, from_strides: strides, to: 0, to_strides: strides };
    cx.device.walk(&walk, from, to);
}
