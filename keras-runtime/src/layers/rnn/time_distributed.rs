use std::sync::Arc;

use keras_kernels::Shape;
use keras_kernels::random::Stream;

use crate::config::layer_json;
use crate::engine::Run;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::layers::Registry;
use crate::layers::support::each_step;
use crate::layers::support::wrapped::Wrapped;
use crate::plan::{List, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, any_poison};
use crate::{Error, Result, plan_try};

/// A layer that is applied to every step of a sequence alone.
///
/// Steps are samples to the layer inside: nothing is copied, batch and steps are one dimension for it. A layer with state (batch
/// normalization) sees one step after the other: each has statistics of its own and moves the state, as in Keras.
///
/// * Input: `[steps, ..]`, where `[..]` is what the layer inside takes.
/// * Output: `[steps, ..]`.
/// * Weights: those of the layer under `layer`.
/// * A mask reaches the layer inside without its axis of steps, and goes on as it is.
/// * The layer may be a model of one input and one output: each of its layers is applied to every step.
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
        if let Some(model) = inner.model {
            // That of a `TimeDistributed` around a model is the plan of this one's layer.
            return match inner.steps {
                None => model.plan_at_steps(inputs[0].dim(0)),
                Some(_) => Err(Message::new(
                    "cannot wrap a `TimeDistributed` around a model: put that into a model of its own",
                )),
            };
        }
        let specs = plan_try!(self.inner_specs(inputs));
        let mut plan = plan_try!(each_step::plan(&inner, specs.as_slice(), inputs[0].dim(0)));
        let mut weights = List::new(WeightSpec::new("", crate::Shape::SCALAR, crate::Initializer::Zeros));
        let mut i = 0;
        while i < inner.weights.len() {
            weights.push(inner.weights.as_slice()[i].under("layer"));
            i += 1;
        }
        plan.weights = weights;
        let mut state = List::new(WeightSpec::new("", crate::Shape::SCALAR, crate::Initializer::Zeros));
        i = 0;
        while i < inner.state.len() {
            state.push(inner.state.as_slice()[i].under("layer"));
            i += 1;
        }
        plan.state = state;
        plan.mask = MaskRule::First;
        Ok(plan)
    }
}

impl<L: Layer> Layer for TimeDistributed<L> {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        self.plan_wrapped(inputs, self.layer.plan_for(self.inner_specs(inputs)?.as_slice()))
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        let x = call.inputs[0];
        let step = Spec::sample(x.shape().remove(0).remove(0));
        let step = if x.dtype().is_float() { step } else { step.with_dtype(x.dtype()) };
        let Ok(plan) = self.layer.plan_for(&[step]) else { return Vec::new() };
        each_step::calls(&self.layer, &plan, &[step], call)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        each_step::forward(&self.layer, cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        each_step::backward(&self.layer, cx, call);
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        each_step::check_masks(&self.layer, self.inner_specs(inputs)?.as_slice(), masks)
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.layer.pack(cx, &call.inner[0]);
    }

    fn run_forward(&self, run: &Run<'_>, at: usize) -> usize {
        run.wrapper_forward(self, at)
    }

    fn run_backward(&self, run: &Run<'_>, at: usize) -> usize {
        run.wrapper_backward(self, at)
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

super::access::wrapper!(TimeDistributed<L>, TimeDistributedWeights {
    /// The layer inside.
    layer layer_mut: L,
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
    fn each_step_moves_the_state() {
        let check = |layer| LayerCheck::new(TimeDistributed::new(layer)).input(Spec::of(&[3, 4]));
        check(BatchNormalization::new()).run();
        check(BatchNormalization::new()).frozen().run();
        check(BatchNormalization::new()).mask(&[1, 1, 0, 1, 0, 1, 1, 1, 1]).run();
        let twice = TimeDistributed::new(TimeDistributed::new(BatchNormalization::new()));
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
    }
}
