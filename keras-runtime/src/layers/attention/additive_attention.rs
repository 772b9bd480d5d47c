use keras_kernels::Shape;

use super::sums::Sums;
use super::weighted::{SCORES, Weighted};
use crate::layer::{Call, Context, Layer};
use crate::plan::{Message, PlanResult, Spec, WeightSpec, any_poison, catalogue};
use crate::{Initializer, plan_try};

/// Additive attention: scores are `sum(scale * tanh(query + key))` over the features.
///
/// * Inputs: query `[steps, d]`, value `[source steps, e]`, perhaps key `[source steps, d]` (default the value itself).
/// * Output: `[steps, e]`, the mean of the values, weighted by the softmax of the scores.
/// * Weights: `scale [d]` (if `use_scale`).
/// * The value's mask leaves steps out; steps that the query's mask leaves out yield zero.
///
/// Source: Bahdanau et al., "Neural Machine Translation by Jointly Learning to Align and Translate", 2015;
/// <https://keras.io/api/layers/attention_layers/additive_attention/>.
///
/// ```
/// use keras_runtime::layers::AdditiveAttention;
/// use keras_runtime::plan::Spec;
///
/// let x = Spec::of(&[10, 16]);
/// assert_eq!(AdditiveAttention::new().plan(&[x, x]).unwrap().params(), 16);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(scale?))]
pub struct AdditiveAttention {
    /// Whether the terms are scaled (default true).
    #[config(default = true)]
    pub use_scale: bool,
    /// Share of the weights that a training step drops (default 0).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Seed of the dropout (default the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
    /// Option of a call: no step sees a later one (default false).
    #[config(call, default = false)]
    pub use_causal_mask: bool,
    /// Option of a call: the weights are a second output, `[steps, source steps]` (default false).
    #[config(call, default = false)]
    pub return_attention_scores: bool,
}

impl AdditiveAttention {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        let plan = plan_try!(self.weighted().plan(inputs));
        if any_poison(inputs) || !self.use_scale {
            return Ok(plan);
        }
        let shape = Shape::of(&[inputs[0].last()]);
        Ok(plan.weight(WeightSpec::new("scale", shape, Initializer::GLOROT_UNIFORM)))
    }

    const fn weighted(&self) -> Weighted {
        Weighted {
            dropout: self.dropout,
            seed: self.seed,
            use_causal_mask: self.use_causal_mask,
            return_attention_scores: self.return_attention_scores,
        }
    }

    fn sums(&self) -> Sums {
        Sums { outer: self.use_scale.then_some(0), inner: None }
    }
}

impl Layer for AdditiveAttention {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        catalogue::masks_of_steps(&inputs[0], masks[0].as_ref())?;
        catalogue::masks_of_steps(&inputs[1], masks[1].as_ref())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.sums().forward(cx, call, call.saved[SCORES]);
        self.weighted().forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let weighted = self.weighted();
        let dscores = weighted.backward(cx, call);
        self.sums().backward(cx, call, dscores, weighted.key_grad(call));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer| LayerCheck::new(layer).input(Spec::of(&[3, 4])).input(Spec::of(&[2, 4]));
        check(AdditiveAttention::new()).run();
        check(AdditiveAttention::new().use_scale(false)).run();
        check(AdditiveAttention::new().dropout(0.4).return_attention_scores(true)).run();
        check(AdditiveAttention::new().use_causal_mask(true)).run();
        check(AdditiveAttention::new()).mask(&[1, 1, 0, 0, 1, 1, 1, 0, 1]).run();
        let with_key = LayerCheck::new(AdditiveAttention::new()).input(Spec::of(&[3, 4]));
        with_key.input(Spec::of(&[2, 5])).input(Spec::of(&[2, 4])).run();
    }
}
