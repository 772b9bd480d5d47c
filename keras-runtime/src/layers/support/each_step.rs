//! A layer that is applied to every step of a sequence alone, as `TimeDistributed` does.
//!
//! Steps are samples to a layer without state: batch and steps are one dimension for it, and nothing is copied. A layer with state
//! (batch normalization) sees one step after the other, as in Keras: each has statistics of its own, and each moves the state. Its
//! values lie step after step then, in copies.

use keras_kernels::layout::Walk;
use keras_kernels::{DType, Grad, MAX_RANK, Shape, View};

use crate::layer::{Call, Context, Layer};
use crate::plan::{List, MAX_BUFFERS, MaskRule, Message, Plan, PlanResult, Spec};
use crate::plan_try;

/// Calls of single steps draw from other random streams than calls of the graph and those inside `Bidirectional`.
const STEPS: u32 = 1 << 25;

/// The plan for all steps, from that of one on `inputs`.
///
/// # Errors
/// If there are too many dimensions or buffers.
pub(crate) const fn plan(inner: &Plan, inputs: &[Spec], steps: usize) -> PlanResult {
    let mut plan = *inner;
    plan.outputs = plan_try!(with_steps(&inner.outputs, steps, false));
    plan.mask = match inner.mask {
        MaskRule::Compute(shape) => MaskRule::Compute(shape.insert(0, steps)),
        MaskRule::Any(shape) => MaskRule::Any(shape.insert(0, steps)),
        rule => rule,
    };
    if inner.state.is_empty() {
        plan.saved = plan_try!(with_steps(&inner.saved, steps, false));
        plan.scratch = plan_try!(with_steps(&inner.scratch, steps, false));
        plan.backward_scratch = plan_try!(with_steps(&inner.backward_scratch, steps, false));
        return Ok(plan);
    }
    if inner.mask.computes() {
        return Err(Message::new("cannot be applied to steps: it has state and makes a mask"));
    }
    let most = inputs.len() + inner.outputs.len() + 1;
    if most + inner.saved.len() > MAX_BUFFERS || most + inner.backward_scratch.len() > MAX_BUFFERS {
        return Err(Message::new("has state and too many buffers to be applied to steps"));
    }
    // The values of one step after the other: inputs, outputs, the mask, what the layer keeps.
    plan.alias = false;
    plan.saved = List::new(Spec::POISON);
    plan.backward_scratch = List::new(Spec::POISON);
    let mut i = 0;
    while i < inner.outputs.len() {
        let y = plan_try!(with_step(&inner.outputs.as_slice()[i], steps));
        plan.backward_scratch.push(y);
        i += 1;
    }
    i = 0;
    while i < inputs.len() {
        if !inputs[i].batched() {
            return Err(Message::new("has state, and cannot be applied to steps of a value without a batch"));
        }
        let x = plan_try!(with_step(&inputs[i], steps));
        plan.saved.push(x);
        plan.backward_scratch.push(x);
        i += 1;
    }
    i = 0;
    while i < inner.outputs.len() {
        plan.saved.push(plan_try!(with_step(&inner.outputs.as_slice()[i], steps)));
        i += 1;
    }
    // A mask says at most of all dimensions but the last what counts.
    let x = plan_try!(with_step(&inputs[0], steps));
    let rank = x.rank();
    let masked = if rank > 1 { x.shape().remove(rank - 1) } else { x.shape() };
    plan.saved.push(x.with_shape(masked).with_dtype(DType::Bool));
    let kept = plan_try!(with_steps(&inner.saved, steps, true));
    i = 0;
    while i < kept.len() {
        plan.saved.push(kept.as_slice()[i]);
        i += 1;
    }
    i = 0;
    while i < inner.backward_scratch.len() {
        plan.backward_scratch.push(inner.backward_scratch.as_slice()[i]);
        i += 1;
    }
    Ok(plan)
}

const fn with_step(spec: &Spec, steps: usize) -> Result<Spec, Message> {
    // One dimension is the batch's.
    if spec.rank() + 2 > MAX_RANK {
        return Err(Message::new("the layer inside needs too many dimensions to be applied to steps"));
    }
    Ok(spec.with_shape(spec.shape().insert(0, steps)))
}

/// The same buffers for every step; those without a batch serve all steps, unless each has its own.
const fn with_steps<const N: usize>(
    specs: &List<Spec, N>,
    steps: usize,
    each: bool,
) -> Result<List<Spec, N>, Message> {
    let mut out = List::new(Spec::POISON);
    let mut i = 0;
    while i < specs.len() {
        let spec = specs.as_slice()[i];
        out.push(if each || spec.batched() { plan_try!(with_step(&spec, steps)) } else { spec });
        i += 1;
    }
    Ok(out)
}

/// The calls of the layer inside: one for all steps, or one for each. `plan` is that of one step, on `inputs`.
pub(crate) fn calls(layer: &dyn Layer, plan: &Plan, inputs: &[Spec], call: &Call) -> Vec<Call> {
    let x = call.inputs[0].shape();
    let (batch, steps) = (x.dim(0), x.dim(1));
    let calls: Vec<Call> = if plan.state.is_empty() {
        vec![folded(plan, inputs, batch * steps, call)]
    } else {
        (0..steps).map(|step| single(plan, batch, steps, step, call)).collect()
    };
    calls.into_iter().map(|call| call.placed(layer)).collect()
}

/// The call whose samples are all steps.
fn folded(plan: &Plan, inputs: &[Spec], samples: usize, call: &Call) -> Call {
    let fold = |view: View| view.reshape(view.shape().remove(0).with_dim(0, samples));
    let fold_if = |view: View, spec: &Spec| if spec.batched() { fold(view) } else { view };
    let all = |views: &[View], specs: &[Spec]| -> Vec<View> {
        views.iter().zip(specs).map(|(view, spec)| fold_if(*view, spec)).collect()
    };
    let grad = |(grad, spec): (&Option<Grad>, &Spec)| {
        grad.map(|grad| Grad { view: fold_if(grad.view, spec), mode: grad.mode })
    };
    Call {
        id: call.id,
        trainable: call.trainable,
        inputs: all(&call.inputs, inputs),
        outputs: all(&call.outputs, plan.outputs.as_slice()),
        weights: call.weights.clone(),
        packed: call.packed.clone(),
        saved: all(&call.saved, plan.saved.as_slice()),
        scratch: all(&call.scratch, plan.scratch.as_slice()),
        backward_scratch: all(&call.backward_scratch, plan.backward_scratch.as_slice()),
        input_masks: call.input_masks.iter().map(|mask| mask.map(fold)).collect(),
        output_mask: call.output_mask.map(fold),
        output_grads: all(&call.output_grads, plan.outputs.as_slice()),
        input_grads: call.input_grads.iter().zip(inputs).map(grad).collect(),
        weight_grads: call.weight_grads.clone(),
        ..Call::default()
    }
}

/// Views of one step among buffers that hold step after step.
fn part(views: &[View], batch: usize, step: usize, batched: impl Fn(usize) -> bool) -> Vec<View> {
    let part = |(at, view): (usize, &View)| {
        let shape =
            if batched(at) { view.shape().remove(0).with_dim(0, batch) } else { view.shape().remove(0) };
        view.cut(step * shape.size(), shape)
    };
    views.iter().enumerate().map(part).collect()
}

/// The call of one step.
fn single(plan: &Plan, batch: usize, steps: usize, step: usize, call: &Call) -> Call {
    let (inputs, outputs) = (call.inputs.len(), call.outputs.len());
    let (x, rest) = call.saved.split_at(inputs);
    let (y, rest) = rest.split_at(outputs);
    let (mask, kept) = rest.split_at(1);
    let first = |grad: &Option<Grad>| grad.map(|g| if step == 0 { g } else { Grad::add(g.view) });
    let mut made = Call {
        id: STEPS + call.id.wrapping_mul(steps as u32).wrapping_add(step as u32) % STEPS,
        trainable: call.trainable,
        inputs: part(x, batch, step, |_| true),
        outputs: part(y, batch, step, |_| true),
        weights: call.weights.clone(),
        state: call.state.clone(),
        packed: call.packed.clone(),
        saved: part(kept, batch, step, |at| plan.saved.as_slice()[at].batched()),
        scratch: call.scratch.clone(),
        input_masks: vec![None; inputs],
        weight_grads: call.weight_grads.iter().map(first).collect(),
        ..Call::default()
    };
    if let Some(Some(given)) = call.input_masks.first() {
        made.input_masks[0] = part(&[mask[0].cut(0, given.shape())], batch, step, |_| true).pop();
    }
    if let Some((dy, rest)) = call.backward_scratch.split_at_checked(outputs)
        && let Some((dx, own)) = rest.split_at_checked(inputs)
    {
        made.output_grads = part(dy, batch, step, |_| true);
        let dx = part(dx, batch, step, |_| true);
        let grads = call.input_grads.iter().zip(dx);
        made.input_grads = grads.map(|(grad, view)| grad.map(|_| Grad::write(view))).collect();
        made.backward_scratch = own.to_vec();
    }
    made
}

/// Copies between `[batch, steps, ..]` and step after step.
fn turn(cx: &Context<'_>, from: View, to: Grad, gathers: bool) {
    let shape = if gathers { from.shape() } else { to.view.shape() };
    let (batch, steps) = (shape.dim(0), shape.dim(1));
    let size = shape.size() / (batch * steps).max(1);
    let strides = |list: [usize; 3]| {
        let mut out = [0; MAX_RANK];
        list.iter().enumerate().for_each(|(at, stride)| out[at] = *stride as isize);
        out
    };
    let (batch_first, step_first) = (strides([steps * size, size, 1]), strides([size, batch * size, 1]));
    let (from_strides, to_strides) =
        if gathers { (batch_first, step_first) } else { (step_first, batch_first) };
    let walk = Walk { shape: Shape::of(&[batch, steps, size]), from: 0, from_strides, to: 0, to_strides };
    cx.device.walk(&walk, from, to);
}

/// Forward through all steps.
pub(crate) fn forward(layer: &dyn Layer, cx: &Context<'_>, call: &Call) {
    if call.state.is_empty() {
        return layer.forward(cx, &call.inner[0]);
    }
    let (inputs, outputs) = (call.inputs.len(), call.outputs.len());
    for (x, to) in call.inputs.iter().zip(&call.saved) {
        turn(cx, *x, Grad::write(*to), true);
    }
    if let Some(mask) = call.input_masks[0] {
        turn(cx, mask, Grad::write(call.saved[inputs + outputs].cut(0, mask.shape())), true);
    }
    call.inner.iter().for_each(|step| layer.forward(cx, step));
    for (y, from) in call.outputs.iter().zip(&call.saved[inputs..]) {
        turn(cx, *from, Grad::write(*y), false);
    }
}

/// Backward through all steps: their order does not matter, since each adds its part.
pub(crate) fn backward(layer: &dyn Layer, cx: &Context<'_>, call: &Call) {
    if call.state.is_empty() {
        return layer.backward(cx, &call.inner[0]);
    }
    for (dy, to) in call.output_grads.iter().zip(&call.backward_scratch) {
        turn(cx, *dy, Grad::write(*to), true);
    }
    call.inner.iter().for_each(|step| layer.backward(cx, step));
    for (dx, from) in call.input_grads.iter().zip(&call.backward_scratch[call.outputs.len()..]) {
        if let Some(dx) = dx {
            turn(cx, *from, *dx, false);
        }
    }
}

/// Whether the layer inside can honour masks of these shapes (of samples); `inputs` are those of one step.
pub(crate) fn check_masks(
    layer: &dyn Layer,
    inputs: &[Spec],
    masks: &[Option<Shape>],
) -> Result<(), Message> {
    let masks: Vec<Option<Shape>> = masks.iter().map(|mask| mask.map(|shape| shape.remove(0))).collect();
    // There is room for one value for all numbers along the last dimension.
    let larger = |(mask, x): &(&Option<Shape>, &Spec)| mask.is_some_and(|m| m.size() * x.last() > x.size());
    if let Some((mask, input)) = masks.iter().zip(inputs).find(larger) {
        let message = Message::new("has a mask of shape ").dims(&mask.unwrap_or(Shape::SCALAR));
        return Err(message.text(" on ").spec(input));
    }
    layer.check_masks(inputs, &masks)
}
