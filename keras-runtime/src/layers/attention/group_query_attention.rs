use super::band::Band;
use super::projected::Projected;
use keras_kernels::Shape;

use crate::layer::{Call, Context, Layer};
use crate::plan::{Message, PlanResult, Spec, catalogue};
use crate::{Constraint, Initializer, Regularizer};

/// Grouped query attention: multi-head attention in which several heads of queries share one head of keys and values.
///
/// * Inputs: query `[steps, features]`, value `[source steps, features]`, perhaps key like value (default the value itself); with
///   `attention_mask_input` the mask.
/// * Output: as the query.
/// * Weights, each with a bias if `use_bias`: query `[features, num_query_heads, head_dim]`, key, (gate,) value, output
///   `[num_query_heads, head_dim, features]`.
/// * Masks of the inputs leave steps out; the output has the query's mask.
///
/// Source: Ainslie et al., "GQA", 2023; <https://keras.io/api/layers/attention_layers/group_query_attention/>.
///
/// ```
/// use keras_runtime::layers::GroupQueryAttention;
/// use keras_runtime::plan::Spec;
///
/// let x = Spec::of(&[10, 16]);
/// let plan = GroupQueryAttention::new(4, 4, 2).plan(&[x, x]).unwrap();
/// assert_eq!(plan.params(), 2 * (16 * 16 + 16) + 2 * (16 * 8 + 8));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(parts(
    query_dense: crate::layers::EinsumDense = "_query_dense",
    key_dense: crate::layers::EinsumDense = "_key_dense",
    value_dense: crate::layers::EinsumDense = "_value_dense",
    gate_dense: crate::layers::EinsumDense = "_gate_dense",
    output_dense: crate::layers::EinsumDense = "_output_dense",
))]
pub struct GroupQueryAttention {
    /// Size of a head.
    pub head_dim: usize,
    /// Heads of queries.
    pub num_query_heads: usize,
    /// Heads of keys and values; divides `num_query_heads`.
    pub num_key_value_heads: usize,
    /// Share of the weights that a training step drops (default 0).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Whether the projections add biases (default true).
    #[config(default = true)]
    pub use_bias: bool,
    /// Steps see each other only if they are less than this apart (default all).
    #[config(default = None)]
    pub sliding_window: Option<usize>,
    /// Another algorithm for the same result, which is refused (default none).
    #[config(skip, default = None)]
    pub flash_attention: Option<bool>,
    /// How the kernels start (default `glorot_uniform`).
    #[config(default = Initializer::GLOROT_UNIFORM)]
    pub kernel_initializer: Initializer,
    /// How the biases start (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub bias_initializer: Initializer,
    /// Penalty on the kernels (default none).
    #[config(default = None)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the biases (default none).
    #[config(default = None)]
    pub bias_regularizer: Option<Regularizer>,
    /// What the kernels are projected onto after each step (default nothing).
    #[config(default = None)]
    pub kernel_constraint: Option<Constraint>,
    /// What the biases are projected onto after each step (default nothing).
    #[config(default = None)]
    pub bias_constraint: Option<Constraint>,
    /// Whether the heads' results are multiplied by a sigmoid of a projection of the query (default false).
    #[config(default = false)]
    pub use_gate: bool,
    /// Seed of the dropout (default the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
    /// Option of a call: no step sees a later one (default false).
    #[config(call, default = false)]
    pub use_causal_mask: bool,
    /// Option of a call: the weights are a second output, `[heads, steps, source steps]` (default false).
    #[config(call, default = false)]
    pub return_attention_scores: bool,
    /// Option of a call: the last input says which pairs of steps count, `[steps, source steps]` (default false).
    #[config(call, default = false)]
    pub attention_mask_input: bool,
}

impl GroupQueryAttention {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if let Some(true) = self.flash_attention {
            return Err(Message::new(
                "`flash_attention` is another algorithm for the same result: leave it out",
            ));
        }
        if self.num_key_value_heads == 0 || !self.num_query_heads.is_multiple_of(self.num_key_value_heads) {
            let message =
                Message::new("`num_query_heads` must be a multiple of `num_key_value_heads`, found ");
            return Err(message.number(self.num_query_heads).text(" and ").number(self.num_key_value_heads));
        }
        if inputs.len() > 1 && !inputs[0].is_poison() && inputs[0].rank() != 2 {
            return Err(catalogue::rank("[steps, features]", &inputs[0]));
        }
        self.projected().plan(inputs)
    }

    const fn projected(&self) -> Projected {
        let groups = if self.num_key_value_heads == 0 { 1 } else { self.num_key_value_heads };
        Projected {
            groups,
            repeats: self.num_query_heads / groups,
            key_dim: self.head_dim,
            value_dim: self.head_dim,
            output_shape: None,
            attention_axes: None,
            names: ["_query_dense", "_key_dense", "_gate_dense", "_value_dense", "_output_dense"],
            dropout: self.dropout,
            use_bias: self.use_bias,
            band: Band { causal: self.use_causal_mask, window: self.sliding_window },
            use_gate: self.use_gate,
            seed: self.seed,
            attention_mask_input: self.attention_mask_input,
            return_attention_scores: self.return_attention_scores,
            kernel_initializer: self.kernel_initializer,
            bias_initializer: self.bias_initializer,
            kernel_regularizer: self.kernel_regularizer,
            bias_regularizer: self.bias_regularizer,
            kernel_constraint: self.kernel_constraint,
            bias_constraint: self.bias_constraint,
        }
    }
}

impl Layer for GroupQueryAttention {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        self.projected().check_masks(inputs, masks)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.projected().on(cx, call).forward();
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.projected().on(cx, call).backward();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer| LayerCheck::new(layer).input(Spec::of(&[3, 4])).input(Spec::of(&[2, 4])).run();
        check(GroupQueryAttention::new(3, 4, 2));
        check(GroupQueryAttention::new(2, 3, 1).use_bias(false));
        check(GroupQueryAttention::new(2, 2, 2).use_gate(true).dropout(0.4));
        check(GroupQueryAttention::new(2, 4, 2).use_causal_mask(true).sliding_window(2));
        check(GroupQueryAttention::new(2, 4, 2).return_attention_scores(true));
    }

    #[test]
    fn refusals() {
        let x = Spec::of(&[3, 4]);
        let error = GroupQueryAttention::new(2, 3, 2).plan(&[x, x]).unwrap_err().to_string();
        assert_eq!(error, "`num_query_heads` must be a multiple of `num_key_value_heads`, found 3 and 2");
    }
}
