//! The activation at the end of a layer: where its input is kept, and how its gradient starts the backward pass.
//!
//! Used by every layer with an `activation` option. The buffers are the **last** of their lists in the plan.

use keras_kernels::View;
use keras_kernels::activation::Activation;

use crate::layer::{Call, Context};
use crate::plan::{Message, Plan, PlanResult, Spec};

/// Adds what the activation needs to a plan whose only output is `output`.
pub(crate) const fn plan(plan: Plan, f: Activation, output: Spec) -> PlanResult {
    if let Activation::Glu { .. } = f {
        return Err(Message::new("`glu` halves an axis: use it in a layer of its own, `Activation(glu)`"));
    }
    let mut plan = plan;
    if !f.is_linear() {
        plan = plan.backward_scratch(output);
    }
    if !f.grad_from_output() {
        plan = plan.save(output);
    }
    Ok(plan)
}

/// Where the layer puts its result before the activation, and the activation that its kernel applies on the way.
pub(crate) fn target(call: &Call, f: Activation) -> (View, Activation) {
    match call.saved.last() {
        Some(kept) if !f.grad_from_output() => (*kept, Activation::Linear),
        _ => (call.outputs[0], f),
    }
}

/// Applies an activation whose input is kept; the others were applied by the kernel.
pub(crate) fn finish(cx: &Context<'_>, call: &Call, f: Activation) {
    let (kept, _) = target(call, f);
    if kept.address() != call.outputs[0].address() {
        cx.device.activation(f, kept, call.outputs[0]);
    }
}

/// The gradient before the activation.
pub(crate) fn gradient(cx: &Context<'_>, call: &Call, f: Activation) -> View {
    let dy = call.output_grads[0];
    match call.backward_scratch.last() {
        Some(dz) if !f.is_linear() => {
            let kept = if f.grad_from_output() { None } else { call.saved.last().copied() };
            cx.device.activation_grad(f, kept, call.outputs[0], dy, keras_kernels::Grad::write(*dz));
            *dz
        }
        _ => dy,
    }
}
