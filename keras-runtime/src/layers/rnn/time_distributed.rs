use std::sync::Arc;

use keras_kernels::random::Stream;
use keras_kernels::{Grad, MAX_RANK, View};

use crate::config::layer_json;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::layers::Registry;
use crate::layers::support::wrapped::Wrapped;
use crate::plan::{List, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, any_poison};
use crate::{Error, Result, plan_try};

/// A layer that is applied to every step of a sequence alone.
///
/// Steps are samples to the layer inside: nothing is copied, batch and steps are one dimension for it.
///
/// * Input: `[steps, ..]`, where `[..]` is what the layer inside takes.
/// * Output: `[steps, ..]`.
/// * Weights: those of the layer under `layer`. Layers with state (batch normalization) are refused: Keras would update it once
///   a step.
///
/// Source: <https://keras.io/api/layers/recurrent_layers/time_distributed/>.
///
/// ```
/// use keras_runtime::Layer;
/// use keras_runtime::layers::{Dense, TimeDistributed};
/// use keras_runtime::plan::Spec;
///
/// let plan = TimeDistributed::new(Dense::new(5)).plan_for(&[Spec::of(&[10, 8])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 5]));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct TimeDistributed<L> {
    layer: L,
}

impl<L> TimeDistributed<L> {
    /// The layer at every step.
    pub const fn new(layer: L) -> TimeDistributed<L> {
        TimeDistributed { layer }
    }

    /// What the layer inside gets: one step.
    ///
    /// # Errors
    /// If there are no steps.
    pub const fn inner_specs(&self, inputs: &[Spec]) -> Result<List<Spec, 8>, Message> {
        let mut specs = List::new(Spec::POISON);
        if inputs.len() != 1 {
            return Err(crate::plan::catalogue::arity(1, inputs));
        }
        if let Some(empty) = crate::plan::catalogue::empty(inputs) {
            return Err(empty);
        }
        let x = &inputs[0];
        if x.rank() < 2 {
            return Err(crate::plan::catalogue::rank("[steps, ..]", x));
        }
        specs.push(x.with_shape(x.shape().remove(0)));
        Ok(specs)
    }

    /// The plan, from that of the layer inside.
    ///
    /// # Errors
    /// If the layer inside has none, or cannot be applied to steps.
    pub const fn plan_wrapped(&self, inputs: &[Spec], inner: PlanResult) -> PlanResult {
        let inner = plan_try!(inner);
        if any_poison(inputs) || any_poison(inner.outputs.as_slice()) {
            return Ok(Plan::POISON);
        }
        if !inner.state.is_empty() {
            return Err(Message::new("cannot wrap a layer with state, which would change at every step"));
        }
        if inner.model.is_some() {
            return Err(Message::new("cannot wrap a model: wrap its layers"));
        }
        let steps = inputs[0].dim(0);
        let mut plan = inner;
        plan.outputs = plan_try!(each_step(&inner.outputs, steps));
        plan.saved = plan_try!(each_step(&inner.saved, steps));
        plan.scratch = plan_try!(each_step(&inner.scratch, steps));
        plan.backward_scratch = plan_try!(each_step(&inner.backward_scratch, steps));
        let mut weights = List::new(WeightSpec::new("", crate::Shape::SCALAR, crate::Initializer::Zeros));
        let mut i = 0;
        while i < inner.weights.len() {
            weights.push(inner.weights.as_slice()[i].under("layer"));
            i += 1;
        }
        plan.weights = weights;
        plan.mask = MaskRule::First;
        Ok(plan)
    }
}

/// The same buffers for every step.
const fn each_step<const N: usize>(specs: &List<Spec, N>, steps: usize) -> Result<List<Spec, N>, Message> {
    let mut out = List::new(Spec::POISON);
    let mut i = 0;
    while i < specs.len() {
        let spec = specs.as_slice()[i];
        // One dimension is the batch's.
        if spec.rank() + 2 > MAX_RANK {
            return Err(Message::new("the layer inside needs too many dimensions to be applied to steps"));
        }
        out.push(if spec.batched() { spec.with_shape(spec.shape().insert(0, steps)) } else { spec });
        i += 1;
    }
    Ok(out)
}

impl<L: Layer> Layer for TimeDistributed<L> {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        self.plan_wrapped(inputs, self.layer.plan_for(self.inner_specs(inputs)?.as_slice()))
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        let x = call.inputs[0].shape();
        let (batch, steps) = (x.dim(0), x.dim(1));
        // What every sample and step has its own of. The plan of the layer inside says which buffers those are.
        let step = crate::plan::Spec::sample(x.remove(0).remove(0));
        let step =
            if call.inputs[0].dtype().is_float() { step } else { step.with_dtype(call.inputs[0].dtype()) };
        let Ok(plan) = self.layer.plan_for(&[step]) else { return Vec::new() };
        let fold = |view: View| {
            let shape = view.shape();
            view.reshape(shape.remove(0).with_dim(0, batch * steps))
        };
        let fold_if = |views: &[View], specs: &[Spec]| -> Vec<View> {
            let each = views.iter().zip(specs);
            each.map(|(view, spec)| if spec.batched() { fold(*view) } else { *view }).collect()
        };
        let fold_grad = |grad: &Option<Grad>| grad.map(|g| Grad { view: fold(g.view), mode: g.mode });
        let inner = Call {
            id: call.id,
            trainable: call.trainable,
            inputs: call.inputs.iter().copied().map(fold).collect(),
            outputs: call.outputs.iter().copied().map(fold).collect(),
            weights: call.weights.clone(),
            packed: call.packed.clone(),
            saved: fold_if(&call.saved, plan.saved.as_slice()),
            scratch: fold_if(&call.scratch, plan.scratch.as_slice()),
            backward_scratch: fold_if(&call.backward_scratch, plan.backward_scratch.as_slice()),
            input_masks: vec![None; call.inputs.len()],
            output_grads: call.output_grads.iter().copied().map(fold).collect(),
            input_grads: call.input_grads.iter().map(fold_grad).collect(),
            weight_grads: call.weight_grads.clone(),
            ..Call::default()
        };
        vec![inner.placed(&self.layer)]
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.layer.forward(cx, &call.inner[0]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.layer.backward(cx, &call.inner[0]);
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.layer.pack(cx, &call.inner[0]);
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        self.layer.initialize(weight, stream, values)
    }

    fn differentiable(&self) -> bool {
        self.layer.differentiable()
    }
}

impl<L: Layer> Configure for TimeDistributed<L> {
    fn class_name(&self) -> &'static str {
        "TimeDistributed"
    }

    fn config(&self) -> Config {
        Config::from_iter([("layer".to_string(), layer_json(&self.layer))])
    }
}

/// Makes a [`TimeDistributed`] of the layer that its configuration names.
pub(crate) fn from_config(config: &Config, registry: &Registry) -> Result<Arc<dyn Layer>> {
    let lacks = || Error::config("TimeDistributed", "its configuration lacks a `layer`");
    let wrapped = Wrapped::find(config, "TimeDistributed", "layer")?.ok_or_else(lacks)?;
    let layer = registry.layer(&wrapped.origin, wrapped.config)?;
    Ok(Arc::new(TimeDistributed::new(layer)))
}

super::access::wrapper!(TimeDistributed, TimeDistributedWeights {
    /// The layer inside.
    layer layer_mut,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{BatchNormalization, Dense, LSTM, LayerNormalization};
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(TimeDistributed::new(Dense::new(2))).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(TimeDistributed::new(LayerNormalization::new())).input(Spec::of(&[2, 3, 4])).run();
        LayerCheck::new(TimeDistributed::new(LSTM::new(2))).input(Spec::of(&[2, 3, 2])).run();
        let twice = TimeDistributed::new(TimeDistributed::new(Dense::new(2)));
        LayerCheck::new(twice).input(Spec::of(&[2, 3, 4])).run();
    }

    #[test]
    fn the_configuration_survives() {
        let config = TimeDistributed::new(Dense::new(3)).config();
        assert_eq!(from_config(&config, &Registry::new()).unwrap().config(), config);
    }

    #[test]
    fn refusals() {
        let message = |result: PlanResult| result.unwrap_err().to_string();
        let flat = TimeDistributed::new(Dense::new(3)).plan_for(&[Spec::of(&[4])]);
        assert_eq!(message(flat), "expects an input `[steps, ..]`, found `[4]`");
        let stateful = TimeDistributed::new(BatchNormalization::new()).plan_for(&[Spec::of(&[3, 4])]);
        assert_eq!(message(stateful), "cannot wrap a layer with state, which would change at every step");
    }
}
