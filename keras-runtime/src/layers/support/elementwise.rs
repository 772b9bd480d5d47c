//! Layers that are an activation function and nothing else. Backward reads the layer's input where it lies.

use keras_kernels::activation::Activation;

use crate::engine::Role;
use crate::layer::{Call, Context};
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};

/// The plan of a layer that applies `f`.
pub(crate) const fn plan(x: &Spec, f: Activation) -> PlanResult {
    if !x.dtype().is_float() {
        return Err(catalogue::float(x));
    }
    let axis = match f {
        Activation::Softmax { axis }
        | Activation::LogSoftmax { axis }
        | Activation::Sparsemax { axis }
        | Activation::Glu { axis } => axis,
        _ => return Ok(Plan::new(*x)),
    };
    let Some(at) = x.axis(axis) else {
        return Err(catalogue::axis(axis, x));
    };
    if let Activation::Glu { .. } = f {
        if !x.dim(at).is_multiple_of(2) {
            return Err(Message::new("`glu` needs an even dimension to halve, found ").spec(x));
        }
        return Ok(Plan::new(x.with_shape(x.shape().with_dim(at, x.dim(at) / 2))));
    }
    Ok(Plan::new(*x))
}

/// What a layer that applies `f` is to a fused pass.
pub(crate) const fn role(f: Activation) -> Role {
    if f.is_elementwise() { Role::Activation(f) } else { Role::Alone }
}

/// Applies `f`.
pub(crate) fn forward(cx: &Context<'_>, call: &Call, f: Activation) {
    cx.device.activation(f, call.inputs[0], call.outputs[0]);
}

/// Its gradient.
pub(crate) fn backward(cx: &Context<'_>, call: &Call, f: Activation) {
    if let Some(dx) = call.input_grads[0] {
        cx.device.activation_grad(f, Some(call.inputs[0]), call.outputs[0], call.output_grads[0], dx);
    }
}
