use keras_kernels::{Grad, Shape};
use serde_json::{Value, json};

use super::sums::Sums;
use super::weighted::{SCORES, Weighted};
use crate::config::ConfigValue;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::chain::Chain;
use crate::plan::{Message, PlanResult, Spec, WeightSpec, any_poison, catalogue};
use crate::{Initializer, plan_try};

/// Dot-product attention: scores are the products of queries and keys.
///
/// * Inputs: query `[steps, d]`, value `[source steps, e]`, perhaps key `[source steps, d]` (default the value itself).
/// * Output: `[steps, e]`, the mean of the values, weighted by the softmax of the scores.
/// * Weights: `scale []` (if `use_scale`), a factor of the scores; `concat_score_weight []` (if `score_mode` is `Concat`), where scores
///   are `concat_score_weight * sum(tanh(scale * (query + key)))`.
/// * The value's mask leaves steps out; steps that the query's mask leaves out yield zero.
///
/// Source: Luong et al., "Effective Approaches to Attention-based Neural Machine Translation", 2015;
/// <https://keras.io/api/layers/attention_layers/attention/>.
///
/// ```
/// use keras_runtime::layers::Attention;
/// use keras_runtime::plan::Spec;
///
/// let (query, value) = (Spec::of(&[10, 16]), Spec::of(&[7, 16]));
/// let plan = Attention::new().use_scale(true).plan(&[query, value]).unwrap();
/// assert_eq!(plan.params(), 1);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(scale?, concat_score_weight?))]
pub struct Attention {
    /// Whether the scores are scaled by a weight (default false).
    #[config(default = false)]
    pub use_scale: bool,
    /// How scores are computed (default the dot product).
    #[config(default = ScoreMode::Dot)]
    pub score_mode: ScoreMode,
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

/// How [`Attention`] computes its scores.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ScoreMode {
    /// The product of query and key.
    Dot,
    /// The sum of the hyperbolic tangents of query plus key.
    Concat,
}

impl ConfigValue for ScoreMode {
    fn to_json(&self) -> Value {
        json!(match self {
            ScoreMode::Dot => "dot",
            ScoreMode::Concat => "concat",
        })
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        match json.as_str() {
            Some("dot") => Ok(ScoreMode::Dot),
            Some("concat") => Ok(ScoreMode::Concat),
            _ => Err("dot or concat".into()),
        }
    }
}

/// In backward's scratch: the products of queries and keys.
const PRODUCTS: usize = 3;

impl Attention {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        let mut plan = plan_try!(self.weighted().plan(inputs));
        if any_poison(inputs) {
            return Ok(plan);
        }
        if self.use_scale {
            plan = plan.weight(WeightSpec::new("scale", Shape::SCALAR, Initializer::Ones));
            plan = plan.backward_scratch(Spec::of(&[inputs[0].dim(0), inputs[1].dim(0)]));
        }
        if let ScoreMode::Concat = self.score_mode {
            plan = plan.weight(WeightSpec::new("concat_score_weight", Shape::SCALAR, Initializer::Ones));
        }
        Ok(plan)
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
        let scale = self.use_scale as usize;
        Sums { outer: Some(scale), inner: self.use_scale.then_some(0) }
    }
}

impl Layer for Attention {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        catalogue::masks_of_steps(&inputs[0], masks[0].as_ref())?;
        catalogue::masks_of_steps(&inputs[1], masks[1].as_ref())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (weighted, scores) = (self.weighted(), call.saved[SCORES]);
        let (query, key) = (call.inputs[0], call.inputs[call.inputs.len() - 1]);
        match self.score_mode {
            ScoreMode::Concat => self.sums().forward(cx, call, scores),
            ScoreMode::Dot => {
                let heads = weighted.heads(call);
                heads.scores(cx.device, 1.0, query.shape().last(), query, key, Grad::write(scores));
                if self.use_scale {
                    let mut chain = Chain::new();
                    let (value, scale) = (chain.input(scores), chain.input(call.weights[0]));
                    let product = chain.mul(value, scale);
                    chain.run(cx.device, &[(product, Grad::write(scores))]);
                }
            }
        }
        weighted.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let weighted = self.weighted();
        let dscores = weighted.backward(cx, call);
        if let ScoreMode::Concat = self.score_mode {
            self.sums().backward(cx, call, dscores, weighted.key_grad(call));
            return;
        }
        let (query, key) = (call.inputs[0], call.inputs[call.inputs.len() - 1]);
        let (heads, dim) = (weighted.heads(call), query.shape().last());
        if self.use_scale {
            if let Some(dscale) = call.weight_grads[0] {
                let products = call.backward_scratch[PRODUCTS];
                heads.scores(cx.device, 1.0, dim, query, key, Grad::write(products));
                let mut chain = Chain::new();
                let (product, dscore) = (chain.input(products), chain.input(dscores));
                let part = chain.mul(product, dscore);
                chain.run(cx.device, &[(part, dscale)]);
            }
            let mut chain = Chain::new();
            let (dscore, scale) = (chain.input(dscores), chain.input(call.weights[0]));
            let product = chain.mul(dscore, scale);
            chain.run(cx.device, &[(product, Grad::write(dscores))]);
        }
        if let Some(dquery) = call.input_grads[0] {
            heads.queries(cx.device, 1.0, dim, dscores, key, dquery);
        }
        if let Some(dkey) = weighted.key_grad(call) {
            heads.keys(cx.device, 1.0, dim, dscores, query, dkey);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        for mode in [ScoreMode::Dot, ScoreMode::Concat] {
            for scale in [false, true] {
                let layer = Attention::new().score_mode(mode).use_scale(scale);
                let check = |layer| LayerCheck::new(layer).input(Spec::of(&[3, 4])).input(Spec::of(&[2, 4]));
                check(layer).run();
                check(layer.dropout(0.4).use_causal_mask(true)).run();
                check(layer.return_attention_scores(true)).mask(&[1, 1, 0, 0, 1, 1, 1, 0, 1]).run();
                check(layer).input(Spec::of(&[2, 4])).run();
            }
        }
    }

    #[test]
    fn refusals() {
        let error = Attention::new().plan(&[Spec::of(&[3, 4]), Spec::of(&[2, 5])]).unwrap_err().to_string();
        assert!(error.starts_with("expects a query `[steps, d]`, a value"), "{error}");
    }
}
