use super::band::Band;
use super::projected::Projected;
use keras_kernels::Shape;

use crate::layer::{Call, Context, Layer};
use crate::plan::{Ints, Message, PlanResult, Spec};
use crate::{Constraint, Initializer, Regularizer};

/// Multi-head attention.
///
/// Query, key and value are projected to `num_heads` heads; each query step takes the mean of the values, weighted by the softmax
/// of its products with the keys over `sqrt(key_dim)`; the heads together are projected to the output.
///
/// * Inputs: query `[steps, features]`, value `[source steps, features]`, perhaps key like value (default the value itself); with
///   `attention_mask_input` the mask. Samples of higher rank need `attention_axes`, or attend along all but the last.
/// * Output: as the query, with `output_shape` in place of its last dimension.
/// * Weights, each with a bias if `use_bias`: query, key, (gate,) value `[features, num_heads, dim]`, output
///   `[num_heads, value_dim, features]`.
/// * Masks of the inputs leave steps out; the output has the query's mask. Masks apply where attention runs along axis 1 alone.
///
/// Source: Vaswani et al., "Attention Is All You Need", 2017;
/// <https://keras.io/api/layers/attention_layers/multi_head_attention/>.
///
/// ```
/// use keras_runtime::layers::MultiHeadAttention;
/// use keras_runtime::plan::Spec;
///
/// let x = Spec::of(&[10, 16]);
/// let plan = MultiHeadAttention::new(2, 8).plan(&[x, x]).unwrap();
/// assert_eq!(plan.params(), 4 * (16 * 16 + 16));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(parts(
    query_dense: crate::layers::EinsumDense,
    key_dense: crate::layers::EinsumDense,
    value_dense: crate::layers::EinsumDense,
    gate_dense: crate::layers::EinsumDense = "_gate_dense",
    output_dense: crate::layers::EinsumDense,
))]
pub struct MultiHeadAttention {
    /// How many heads.
    pub num_heads: usize,
    /// Size of queries and keys of a head.
    pub key_dim: usize,
    /// Size of values of a head (default `key_dim`).
    #[config(default = None)]
    pub value_dim: Option<usize>,
    /// Share of the weights that a training step drops (default 0).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Whether the projections add biases (default true).
    #[config(default = true)]
    pub use_bias: bool,
    /// Dimensions in place of the query's last one (default as the query).
    #[config(default = None)]
    pub output_shape: Option<Ints>,
    /// Axes along which attention runs (default all but batch and features).
    #[config(default = None)]
    pub attention_axes: Option<Ints>,
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

impl MultiHeadAttention {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if let Some(true) = self.flash_attention {
            return Err(Message::new(
                "`flash_attention` is another algorithm for the same result: leave it out",
            ));
        }
        self.projected().plan(inputs)
    }

    const fn projected(&self) -> Projected {
        Projected {
            groups: self.num_heads,
            repeats: 1,
            key_dim: self.key_dim,
            value_dim: match self.value_dim {
                Some(dim) => dim,
                None => self.key_dim,
            },
            output_shape: self.output_shape,
            attention_axes: self.attention_axes,
            names: ["query_dense", "key_dense", "_gate_dense", "value_dense", "output_dense"],
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

impl Layer for MultiHeadAttention {
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
    use crate::DType;
    use crate::testing::{LayerCheck, run_layer};

    const MHA: MultiHeadAttention = MultiHeadAttention::new(2, 3);

    fn check(layer: MultiHeadAttention, inputs: &[&[usize]]) {
        let check = LayerCheck::new(layer);
        inputs.iter().fold(check, |check, dims| check.input(Spec::of(dims))).run();
    }

    #[test]
    fn gradients() {
        check(MHA, &[&[3, 4], &[2, 5]]);
        check(MHA.value_dim(2), &[&[3, 4], &[2, 5], &[2, 3]]);
        check(MHA.use_bias(false), &[&[3, 4], &[3, 4]]);
        check(MHA.use_gate(true).value_dim(4), &[&[3, 4], &[2, 4]]);
        check(MHA.output_shape([2, 3]), &[&[3, 4], &[2, 4]]);
        check(MHA.dropout(0.5), &[&[3, 4], &[2, 4]]);
        check(MHA.dropout(0.5).use_gate(true).use_causal_mask(true), &[&[3, 4], &[3, 4]]);
        check(MHA.return_attention_scores(true), &[&[3, 4], &[2, 4]]);
        check(MHA.use_causal_mask(true), &[&[3, 4], &[4, 4]]);
        check(MHA.sliding_window(2), &[&[4, 4], &[4, 4]]);
    }

    #[test]
    fn axes() {
        check(MHA, &[&[2, 3, 4], &[2, 2, 4]]);
        check(MHA.attention_axes([1]), &[&[3, 2, 4], &[2, 2, 4]]);
        check(MHA.attention_axes([2]), &[&[2, 3, 4], &[2, 2, 4]]);
    }

    #[test]
    fn masked_steps_are_not_seen() {
        let mask = [1, 1, 0, 0, 1, 1, 1, 0, 1];
        let check =
            |layer| LayerCheck::new(layer).input(Spec::of(&[3, 4])).input(Spec::of(&[2, 4])).mask(&mask);
        check(MHA).run();
        check(MHA.return_attention_scores(true)).run();
        let bools = Spec::of(&[3, 2]).with_dtype(DType::Bool);
        LayerCheck::new(MHA.attention_mask_input(true))
            .input(Spec::of(&[3, 4]))
            .input(Spec::of(&[2, 4]))
            .input(bools)
            .run();
    }

    #[test]
    fn the_first_step_of_a_causal_layer_sees_itself_alone() {
        let x = Spec::of(&[2, 1]);
        let ones = |n: usize| vec![1.0; n];
        let layer = MultiHeadAttention::new(1, 1).use_bias(false).use_causal_mask(true);
        let inputs = [(x, vec![3.0, 5.0]), (x, vec![3.0, 5.0])];
        let y = run_layer(&layer, &inputs, &[ones(1), ones(1), ones(1), ones(1)], DType::F64, false).unwrap();
        // softmax(5 * 3, 5 * 5) = (1, e^10) / (1 + e^10)
        let second = (3.0 + 5.0 * 10f64.exp()) / (1.0 + 10f64.exp());
        assert_eq!(y[0][0], 3.0);
        assert!((y[0][1] - second).abs() < 1e-14);
    }

    #[test]
    fn refusals() {
        let message = |layer: MultiHeadAttention, inputs: &[&[usize]]| {
            let specs: Vec<Spec> = inputs.iter().map(|dims| Spec::of(dims)).collect();
            layer.plan(&specs).unwrap_err().to_string()
        };
        let one: &[usize] = &[3, 4];
        assert_eq!(message(MHA, &[one]), "takes query, value and perhaps key, found 1 inputs");
        assert!(message(MHA, &[one, one, &[2, 4]]).starts_with("expects query, value and key that agree"));
        assert_eq!(
            message(MHA.attention_axes([2]), &[one, one]),
            "`attention_axes` must name axes between batch and features"
        );
        assert!(message(MHA.flash_attention(true), &[one, one]).starts_with("`flash_attention` is another"));
    }
}
