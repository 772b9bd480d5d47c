//! How the outputs of two directions become one, and its gradient.

use keras_kernels::elementwise::Binary;
use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, View};
use serde_json::{Value, json};

use crate::config::ConfigValue;
use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;

/// How [`Bidirectional`](crate::layers::Bidirectional) merges the outputs of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// One after the other along the last axis.
    Concat,
    /// Their mean.
    Ave,
    /// Not at all: two outputs.
    None,
}

impl ConfigValue for MergeMode {
    fn to_json(&self) -> Value {
        match self {
            MergeMode::Sum => json!("sum"),
            MergeMode::Mul => json!("mul"),
            MergeMode::Concat => json!("concat"),
            MergeMode::Ave => json!("ave"),
            MergeMode::None => Value::Null,
        }
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        match json.as_str() {
            Some("sum") => Ok(MergeMode::Sum),
            Some("mul") => Ok(MergeMode::Mul),
            Some("concat") => Ok(MergeMode::Concat),
            Some("ave") => Ok(MergeMode::Ave),
            None if json.is_null() => Ok(MergeMode::None),
            _ => Err("sum, mul, concat, ave or null".into()),
        }
    }
}

/// The merge of one wrapper: its mode, and whether there are outputs of all steps, of which the second direction's turn around.
#[derive(Clone, Copy)]
pub(super) struct Merge {
    pub mode: MergeMode,
    pub sequences: bool,
}

impl MergeMode {
    /// How many outputs there are before those of the states.
    pub(super) const fn outputs(self) -> usize {
        if matches!(self, MergeMode::None) { 2 } else { 1 }
    }
}

impl Merge {
    /// Fills the merged output from those of both directions.
    pub(super) fn forward(self, cx: &Context<'_>, call: &Call) {
        if self.mode == MergeMode::Mul {
            let [first, second] = [0, 1].map(|side: usize| call.inner[side].outputs[0]);
            self.turn(cx, second, call.outputs[0]);
            combine(cx, Binary::Mul, call.outputs[0], first, call.outputs[0]);
            return;
        }
        for side in 0..2 {
            self.transfer(cx, call, side, false);
        }
        if self.mode == MergeMode::Ave {
            halve(cx, call.outputs[0]);
        }
    }

    /// Fills the gradients of both directions' outputs.
    pub(super) fn backward(self, cx: &Context<'_>, call: &Call) {
        if self.mode == MergeMode::Mul {
            let dy = call.output_grads[0];
            let [(first, dfirst), (second, dsecond)] =
                [0, 1].map(|side: usize| (call.inner[side].outputs[0], call.inner[side].output_grads[0]));
            self.turn(cx, second, dfirst);
            combine(cx, Binary::Mul, dfirst, dy, dfirst);
            // The second side's own order: dy and the first output turned around.
            self.turn(cx, dy, dsecond);
            self.turn(cx, first, second);
            combine(cx, Binary::Mul, dsecond, second, dsecond);
            return;
        }
        for side in 0..2 {
            self.transfer(cx, call, side, true);
            if self.mode == MergeMode::Ave {
                halve(cx, call.inner[side].output_grads[0]);
            }
        }
    }

    /// Copies a side's output to its place among the outputs, or its gradient back; the second side's steps turn around.
    fn transfer(self, cx: &Context<'_>, call: &Call, side: usize, gradient: bool) {
        let inner = &call.inner[side];
        let own = if gradient { inner.output_grads[0] } else { inner.outputs[0] };
        let at = if self.mode.outputs() == 2 { side } else { 0 };
        let whole = if gradient { call.output_grads[at] } else { call.outputs[at] };
        let (shape, wide) = (own.shape(), whole.shape().last());
        let mut strides = whole.shape().strides().map(|s| s as isize);
        let mut first = if self.mode == MergeMode::Concat && side == 1 { wide - shape.last() } else { 0 };
        if side == 1 && self.sequences {
            first += (shape.dim(1) - 1) * wide;
            strides[1] = -strides[1];
        }
        let plain: [isize; MAX_RANK] = shape.strides().map(|s| s as isize);
        if gradient {
            let walk = Walk { shape, from: first, from_strides: strides, to: 0, to_strides: plain };
            cx.device.walk(&walk, whole, Grad::write(own));
        } else {
            // A sum is the first output plus the second.
            let adds = side == 1 && matches!(self.mode, MergeMode::Sum | MergeMode::Ave);
            let to = if adds { Grad::add(whole) } else { Grad::write(whole) };
            let walk = Walk { shape, from: 0, from_strides: plain, to: first, to_strides: strides };
            cx.device.walk(&walk, own, to);
        }
    }

    /// Turns the steps of the second side's output (or of a buffer like it) around, from one buffer to another.
    fn turn(self, cx: &Context<'_>, from: View, to: View) {
        let shape = from.shape();
        let plain: [isize; MAX_RANK] = shape.strides().map(|s| s as isize);
        let (mut strides, mut first) = (plain, 0);
        if self.sequences {
            first = (shape.dim(1) - 1) * shape.last();
            strides[1] = -strides[1];
        }
        let walk = Walk { shape, from: first, from_strides: strides, to: 0, to_strides: plain };
        cx.device.walk(&walk, from, Grad::write(to));
    }
}

/// `to = a f b`.
fn combine(cx: &Context<'_>, f: Binary, a: View, b: View, to: View) {
    let mut chain = Chain::new();
    let (a, b) = (chain.input(a), chain.input(b));
    let result = chain.binary(f, a, b);
    chain.run(cx.device, &[(result, Grad::write(to))]);
}

/// `to = to / 2`.
fn halve(cx: &Context<'_>, to: View) {
    let mut chain = Chain::new();
    let (value, factor) = (chain.input(to), chain.scalar(0.5));
    let result = chain.mul(value, factor);
    chain.run(cx.device, &[(result, Grad::write(to))]);
}
