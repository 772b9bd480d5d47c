//! Operations that sum: running sums, norms.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary};
use keras_kernels::layout::Walk;
use keras_kernels::{Grad, Shape, View};

use super::Compute;
use super::several::stretch;
use crate::layer::{Call, Context};
use crate::layers::support::walks;
use crate::ops::generated::Reduction;
use crate::ops::shapes::{full, resolve};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, catalogue};
use crate::plan_try;

/// `cumsum(x, axis)`: each element and those before it.
///
/// Each pass adds the sums of twice as many elements, from one buffer to another, so that no element is read after it was
/// written.
#[derive(Clone, Copy)]
pub(super) struct RunningSum {
    pub axis: isize,
}

impl RunningSum {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        match resolve(full(x).rank(), self.axis) {
            None => Err(catalogue::axis(self.axis, x)),
            Some(0) if x.batched() => Err(Message::new("cannot sum along the batch (axis 0)")),
            Some(_) => {
                Ok(Plan::new(*x).scratch(*x).backward_scratch(*x).backward_scratch(*x).mask(MaskRule::Drop))
            }
        }
    }

    /// Sums from the first element, or from the last one; the result is in the first buffer.
    fn sums(&self, cx: &Context<'_>, x: View, buffers: [View; 2], back: bool) {
        let shape = x.shape();
        let axis = resolve(shape.rank(), self.axis).expect("planned");
        let size = shape.dim(axis);
        let passes = size.next_power_of_two().trailing_zeros();
        // The last pass writes the first buffer.
        let mut at = passes as usize % 2;
        walks::copy(cx, x, Grad::write(buffers[at]));
        for pass in 0..passes {
            let (from, to) = (buffers[at], buffers[1 - at]);
            walks::copy(cx, from, Grad::write(to));
            let step = 1 << pass;
            let part = shape.with_dim(axis, size - step);
            let (read, write) = if back { (step, 0) } else { (0, step) };
            let (read, write) = (stretch(shape, axis, read, part), stretch(shape, axis, write, part));
            let walk = Walk { to: write.from, to_strides: write.from_strides, ..read };
            cx.device.walk(&walk, from, Grad::add(to));
            at = 1 - at;
        }
    }
}

impl Compute for RunningSum {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.sums(cx, call.inputs[0], [call.outputs[0], call.scratch[0]], false);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        let [sums, other] = [call.backward_scratch[0], call.backward_scratch[1]];
        self.sums(cx, call.output_grads[0], [sums, other], true);
        walks::copy(cx, sums, dx);
    }
}

/// `norm(x, ord, axis, keepdims)` of vectors: the sum of the sizes (order 1), or the root of the sum of the squares (order 2).
#[derive(Clone, Copy)]
pub(super) struct Norm {
    /// The sum over the same axes.
    pub sum: Reduction,
    /// Whether it is of order 2.
    pub squares: bool,
}

const SQUARES: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Unary(Unary::Square, 0)], outputs: &[1] };
const SIZES: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Unary(Unary::Abs, 0)], outputs: &[1] };
const ROOT: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Unary(Unary::Sqrt, 0)], outputs: &[1] };
/// `dy * x / y`.
const OF_ROOT: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Binary(Binary::Mul, 0, 2),
        Instr::Binary(Binary::Div, 3, 1),
    ],
    outputs: &[4],
};
/// `dy * sign(x)`.
const OF_SIZES: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Unary(Unary::Sign, 0),
        Instr::Binary(Binary::Mul, 2, 3),
    ],
    outputs: &[4],
};

impl Norm {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        plan_try!(super::reductions::check(inputs, &self.sum.axes));
        Ok(Plan::new(plan_try!(self.sum.spec(inputs))).mask(MaskRule::Drop))
    }

    /// The result's shape with its axes kept, as 1.
    fn kept(&self, inputs: &[View]) -> Shape {
        let spec = Spec::fixed(inputs[0].shape());
        self.sum.counts(&[spec]).expect("planned").shape()
    }
}

impl Compute for Norm {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let y = call.outputs[0].reshape(self.kept(&call.inputs));
        if self.squares {
            cx.device.map(&SQUARES, &[], &call.inputs, &[Grad::write(y)]);
            cx.device.map(&ROOT, &[], &[y], &[Grad::write(y)]);
        } else {
            cx.device.map(&SIZES, &[], &call.inputs, &[Grad::write(y)]);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        let kept = self.kept(&call.inputs);
        let views = [call.inputs[0], call.outputs[0].reshape(kept), call.output_grads[0].reshape(kept)];
        cx.device.map(if self.squares { &OF_ROOT } else { &OF_SIZES }, &[], &views, &[dx]);
    }
}
