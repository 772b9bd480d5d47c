//! Pooling over all positions.

use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context};
use crate::layers::options::{DataFormat, check_image};
use crate::plan::{MaskRule, Plan, PlanResult, Spec, catalogue};
use crate::plan_try;

/// What is computed of a channel.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    Max,
    Average,
}

/// The plan.
pub(super) const fn plan(
    kind: Kind,
    x: &Spec,
    dims: usize,
    format: DataFormat,
    keepdims: bool,
) -> PlanResult {
    plan_try!(check_image(x, dims, format));
    if !x.dtype().is_float() {
        return Err(catalogue::float(x));
    }
    let channels = format.channels(x.rank());
    let mut kept = x.shape();
    let mut i = 0;
    while i < x.rank() {
        if i != channels {
            kept = kept.with_dim(i, 1);
        }
        i += 1;
    }
    let shape = if keepdims { kept } else { Shape::of(&[x.dim(channels)]) };
    let plan = Plan::new(x.with_shape(shape)).mask(MaskRule::Drop);
    Ok(match kind {
        // How many elements are the largest.
        Kind::Max => plan.backward_scratch(x.with_shape(kept)),
        // How many steps a mask leaves.
        Kind::Average if dims == 1 => plan.scratch(Spec::of(&[1])).backward_scratch(Spec::of(&[1])),
        Kind::Average => plan,
    })
}

/// The full shape of the output with all dimensions kept.
fn kept(x: Shape, format: DataFormat) -> Shape {
    let channels = 1 + format.channels(x.rank() - 1);
    (1..x.rank()).filter(|axis| *axis != channels).fold(x, |shape, axis| shape.with_dim(axis, 1))
}

fn axes(x: Shape, format: DataFormat) -> Axes {
    let channels = 1 + format.channels(x.rank() - 1);
    (1..x.rank()).filter(|axis| *axis != channels).fold(Axes::NONE, Axes::with)
}

/// 1 where an element is the largest of its channel.
const IS_LARGEST: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Equal, 0, 1)],
    outputs: &[2],
};
/// The gradient, shared by the largest elements: x, y, dy, how many they are.
const SHARE: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Input(3),
        Instr::Binary(Binary::Equal, 0, 1),
        Instr::Binary(Binary::Div, 2, 3),
        Instr::Binary(Binary::Mul, 4, 5),
    ],
    outputs: &[6],
};

/// Forward of the largest element.
pub(super) fn max(cx: &Context<'_>, call: &Call, format: DataFormat) {
    let x = call.inputs[0];
    cx.device.reduce(Reduce::Max, axes(x.shape(), format), x, Grad::write(call.outputs[0]));
}

/// Its gradient.
pub(super) fn max_grad(cx: &Context<'_>, call: &Call, format: DataFormat) {
    let Some(dx) = call.input_grads[0] else { return };
    let (x, count) = (call.inputs[0], call.backward_scratch[0]);
    let kept = kept(x.shape(), format);
    let (y, dy) = (call.outputs[0].reshape(kept), call.output_grads[0].reshape(kept));
    cx.device.map(&IS_LARGEST, &[], &[x, y], &[Grad::write(count)]);
    cx.device.map(&SHARE, &[], &[x, y, dy, count], &[dx]);
}

/// A mask as floats: summed, the number of steps that it leaves.
const COUNT: Program<'static> = Program { instrs: &[Instr::Input(0)], outputs: &[0] };
/// `a` where the mask is set, else 0.
const KEEP: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Input(1), Instr::Const(0.0), Instr::Select(1, 0, 2)],
    outputs: &[3],
};
/// `a / b`.
const DIV: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Div, 0, 1)], outputs: &[2] };
/// `dy / count` where the mask is set, else 0: dy, mask, count.
const KEEP_GRAD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Const(0.0),
        Instr::Binary(Binary::Div, 0, 2),
        Instr::Select(1, 4, 3),
    ],
    outputs: &[5],
};
/// `a` times a number.
const SCALE: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Scalar(0), Instr::Binary(Binary::Mul, 0, 1)], outputs: &[2] };

/// The mask of a sequence, beside its channels.
fn mask_of(call: &Call, format: DataFormat) -> Option<View> {
    let x = call.inputs[0].shape();
    let mask = call.input_masks.first().copied().flatten().filter(|_| x.rank() == 3)?;
    let shape = x.with_dim(1 + format.channels(2), 1);
    (mask.size() == shape.size()).then(|| mask.reshape(shape))
}

/// Counts the steps that a mask leaves: `[batch, 1, 1]`.
fn count(cx: &Context<'_>, mask: View, to: View) -> View {
    let to = to.reshape(Shape::of(&[mask.shape().dim(0), 1, 1]));
    cx.device.map(&COUNT, &[], &[mask], &[Grad::write(to)]);
    to
}

/// Forward of the mean.
pub(super) fn average(cx: &Context<'_>, call: &Call, format: DataFormat) {
    let (x, y) = (call.inputs[0], call.outputs[0]);
    let Some(mask) = mask_of(call, format) else {
        return cx.device.reduce(Reduce::Mean, axes(x.shape(), format), x, Grad::write(y));
    };
    let y = y.reshape(kept(x.shape(), format));
    let count = count(cx, mask, call.scratch[0]);
    cx.device.map(&KEEP, &[], &[x, mask], &[Grad::write(y)]);
    cx.device.map(&DIV, &[], &[y, count], &[Grad::write(y)]);
}

/// Its gradient.
pub(super) fn average_grad(cx: &Context<'_>, call: &Call, format: DataFormat) {
    let Some(dx) = call.input_grads[0] else { return };
    let x = call.inputs[0].shape();
    let kept = kept(x, format);
    let dy = call.output_grads[0].reshape(kept);
    match mask_of(call, format) {
        Some(mask) => {
            let count = count(cx, mask, call.backward_scratch[0]);
            cx.device.map(&KEEP_GRAD, &[], &[dy, mask, count], &[dx]);
        }
        None => {
            let positions = x.size() / kept.size().max(1);
            cx.device.map(&SCALE, &[1.0 / positions as f64], &[dy], &[dx]);
        }
    }
}
