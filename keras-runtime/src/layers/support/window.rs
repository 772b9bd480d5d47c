//! Windows that slide over images: what convolutions and poolings share.

use keras_kernels::{Grad, Shape, View};

use super::walks;
use crate::layer::{Call, Context};
use crate::layers::options::{DataFormat, Padding};
use crate::plan::{Message, Plan, Size, Spec};

/// Most spatial dimensions.
pub(crate) const DIMS: usize = 3;

/// A list of sizes with 1 for the dimensions that are not there.
pub(crate) const fn fill<const N: usize>(size: &Size<N>) -> [usize; DIMS] {
    let mut out = [1; DIMS];
    let mut i = 0;
    while i < N {
        out[i] = size.0[i];
        i += 1;
    }
    out
}

/// Places of a window along one dimension.
#[derive(Clone, Copy)]
pub(crate) struct Slide {
    /// How many places there are.
    pub(crate) output: usize,
    /// Zeros in front of the input.
    pub(crate) before: usize,
}

/// Places of a window of `window` elements, `dilation` apart, along `n`. There may be none.
pub(crate) const fn slide(
    n: usize,
    window: usize,
    stride: usize,
    dilation: usize,
    padding: Padding,
) -> Slide {
    let reach = (window - 1) * dilation + 1;
    match padding {
        Padding::Valid => Slide { output: if n < reach { 0 } else { (n - reach) / stride + 1 }, before: 0 },
        Padding::Causal => Slide { output: n.div_ceil(stride), before: reach - 1 },
        Padding::Same => {
            let output = n.div_ceil(stride);
            // The odd one goes behind.
            let total = ((output.saturating_sub(1)) * stride + reach).saturating_sub(n);
            Slide { output, before: total / 2 }
        }
    }
}

/// Refuses a window that is larger than its input.
pub(crate) const fn too_large(option: &str, reach: usize, dim: usize, x: &Spec) -> Message {
    let message = Message::new("`")
        .text(option)
        .text("` reaches over ")
        .number(reach)
        .text(" elements, but dimension ");
    let message = message.number(dim + 1).text(" of ").spec(x).text(" has ").number(x.dim(dim));
    message.text("; use `padding = same` or a smaller window")
}

/// A layer that computes with channels last, on inputs of either format: where channels come first, inputs and outputs are
/// transposed on the way.
#[derive(Clone, Copy)]
pub(crate) struct Turn {
    format: DataFormat,
}

impl Turn {
    pub(crate) const fn new(format: DataFormat) -> Turn {
        Turn { format }
    }

    /// Adds room for the transposed input and output to a plan (the first buffers of the lists). `x` and `y` have channels last.
    pub(crate) const fn plan(self, plan: Plan, x: Spec, y: Spec) -> Plan {
        if !self.format.is_first() {
            return plan;
        }
        plan.save(x).save(y).backward_scratch(x).backward_scratch(y)
    }

    /// Buffers that [`Turn::plan`] adds to each list.
    const fn buffers(self) -> usize {
        if self.format.is_first() { 2 } else { 0 }
    }

    /// The rest of a list of buffers.
    pub(crate) fn rest(self, buffers: &[View]) -> &[View] {
        &buffers[self.buffers().min(buffers.len())..]
    }

    /// The input with channels last.
    pub(crate) fn input(self, cx: &Context<'_>, call: &Call) -> View {
        let x = call.inputs[0];
        if !self.format.is_first() {
            return x;
        }
        let to = call.saved[0];
        cx.device.walk(&walks::channels_to_last(x.shape()), x, Grad::write(to));
        to
    }

    /// The input with channels last, as forward left it.
    pub(crate) fn kept_input(self, call: &Call) -> View {
        if self.format.is_first() { call.saved[0] } else { call.inputs[0] }
    }

    /// Where the output with channels last goes, and where it is in backward.
    pub(crate) fn output(self, call: &Call) -> View {
        if self.format.is_first() { call.saved[1] } else { call.outputs[0] }
    }

    /// Passes the output on to a buffer of the layer's format.
    pub(crate) fn finish(self, cx: &Context<'_>, call: &Call, to: View) {
        if self.format.is_first() {
            let walk = walks::reverse(walks::channels_to_last(to.shape()));
            cx.device.walk(&walk, call.saved[1], Grad::write(to));
        }
    }

    /// The output's gradient with channels last.
    pub(crate) fn output_grad(self, cx: &Context<'_>, call: &Call, dy: View) -> View {
        if !self.format.is_first() {
            return dy;
        }
        let to = call.backward_scratch[1];
        cx.device.walk(&walks::channels_to_last(dy.shape()), dy, Grad::write(to));
        to
    }

    /// Computes the input's gradient with channels last and passes it on.
    pub(crate) fn input_grad(self, cx: &Context<'_>, call: &Call, compute: impl FnOnce(Grad)) {
        let Some(dx) = call.input_grads[0] else { return };
        if !self.format.is_first() {
            return compute(dx);
        }
        let room = call.backward_scratch[0];
        compute(Grad::write(room));
        cx.device.walk(&walks::reverse(walks::channels_to_last(dx.view.shape())), room, dx);
    }
}

/// Spatial sizes of a full shape with channels last, with 1 for the dimensions that are not there.
pub(crate) const fn sizes(shape: Shape) -> [usize; DIMS] {
    let mut out = [1; DIMS];
    let mut i = 0;
    while i + 2 < shape.rank() {
        out[i] = shape.dim(i + 1);
        i += 1;
    }
    out
}
