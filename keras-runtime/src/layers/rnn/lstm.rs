use keras_kernels::activation::Activation;
use keras_kernels::random::Stream;
use keras_kernels::recurrent::Cell;

use crate::layer::{Call, Context, Layer};
use crate::layers::rnn::sequence::Sequence;
use crate::plan::{Message, PlanResult, Spec, WeightSpec, any_poison, catalogue};
use crate::{Constraint, Device, Initializer, Regularizer, Shape, View, plan_try};

/// Long short-term memory.
///
/// At every step `i`, `f`, `o = recurrent_activation(x W + h R + b)`, `g = activation(x W + h R + b)`, each with its own columns of
/// the kernels in the order i, f, g, o; then `c = f * c + i * g` and `h = o * activation(c)`.
///
/// * Input: `[steps, features]`, then the states `h` and `c` if `initial_state_inputs = 2`.
/// * Output: `[units]`, or `[steps, units]` with `return_sequences`; with `return_state` also the last `h` and `c`.
/// * Weights: `kernel [features, 4 units]`, `recurrent_kernel [units, 4 units]`, `bias [4 units]`.
/// * Masked steps leave the state as it was; their output is that of the step before, or zero with `zero_output_for_mask`.
///
/// With `go_backwards` outputs are in the order in which the steps are taken.
/// As in Keras, all gates see the input with one pattern of dropout; with `recurrent_dropout` each gate has patterns of its own, for
/// the input and for the state.
///
/// Source: Hochreiter and Schmidhuber, "Long Short-Term Memory", 1997; <https://keras.io/api/layers/recurrent_layers/lstm/>.
///
/// ```
/// use keras_runtime::layers::LSTM;
/// use keras_runtime::plan::Spec;
///
/// let plan = LSTM::new(4).return_sequences(true).plan(&[Spec::of(&[10, 8])]).unwrap();
/// assert_eq!(plan.params(), 4 * (8 * 4 + 4 * 4 + 4));
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 4]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(kernel, recurrent_kernel, bias?))]
pub struct LSTM {
    /// Size of the output and of the state.
    pub units: usize,
    /// Applied to the candidate (default `tanh`).
    #[config(default = Activation::Tanh)]
    pub activation: Activation,
    /// Applied to the gates (default `sigmoid`).
    #[config(default = Activation::Sigmoid)]
    pub recurrent_activation: Activation,
    /// Whether a bias is added (default true).
    #[config(default = true)]
    pub use_bias: bool,
    /// How the kernel starts (default `glorot_uniform`).
    #[config(default = Initializer::GLOROT_UNIFORM)]
    pub kernel_initializer: Initializer,
    /// How the recurrent kernel starts (default `orthogonal`).
    #[config(default = Initializer::ORTHOGONAL)]
    pub recurrent_initializer: Initializer,
    /// How the bias starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub bias_initializer: Initializer,
    /// Whether the forget gate's bias starts at one (default true).
    #[config(default = true)]
    pub unit_forget_bias: bool,
    /// Penalty on the kernel (default none).
    #[config(default = None)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the recurrent kernel (default none).
    #[config(default = None)]
    pub recurrent_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default none).
    #[config(default = None)]
    pub bias_regularizer: Option<Regularizer>,
    /// What the kernel is projected onto after each step (default nothing).
    #[config(default = None)]
    pub kernel_constraint: Option<Constraint>,
    /// What the recurrent kernel is projected onto after each step (default nothing).
    #[config(default = None)]
    pub recurrent_constraint: Option<Constraint>,
    /// What the bias is projected onto after each step (default nothing).
    #[config(default = None)]
    pub bias_constraint: Option<Constraint>,
    /// Share of the input that a training step drops, the same at every step of a sequence (default 0).
    #[config(default = 0.0)]
    pub dropout: f64,
    /// Share of the state that a training step drops, likewise (default 0).
    #[config(default = 0.0)]
    pub recurrent_dropout: f64,
    /// Seed of the dropout (default the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
    /// Whether the outputs of all steps are yielded, not the last alone (default false).
    #[config(default = false)]
    pub return_sequences: bool,
    /// Whether the last state is yielded too (default false).
    #[config(default = false)]
    pub return_state: bool,
    /// Whether steps are taken from the last to the first (default false).
    #[config(default = false)]
    pub go_backwards: bool,
    /// State from batch to batch, which is refused (default false).
    #[config(default = false)]
    pub stateful: bool,
    /// Accepted, and without effect: it changes how Keras compiles, not what it computes (default false).
    #[config(default = false)]
    pub unroll: bool,
    /// Whether outputs of masked steps are zero, not those of the step before (default false).
    #[config(default = false)]
    pub zero_output_for_mask: bool,
    /// Option of a call: how many initial states follow the input (default 0).
    #[config(call, default = 0)]
    pub initial_state_inputs: usize,
}

impl LSTM {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        let mut plan = plan_try!(self.sequence().plan(inputs));
        if any_poison(inputs) {
            return Ok(plan);
        }
        let kernel = Shape::of(&[inputs[0].last(), 4 * self.units]);
        let kernel = WeightSpec::new("kernel", kernel, self.kernel_initializer).under("cell");
        plan = plan.weight(kernel.regularizer(self.kernel_regularizer).constraint(self.kernel_constraint));
        let recurrent = Shape::of(&[self.units, 4 * self.units]);
        let recurrent =
            WeightSpec::new("recurrent_kernel", recurrent, self.recurrent_initializer).under("cell");
        plan = plan
            .weight(recurrent.regularizer(self.recurrent_regularizer).constraint(self.recurrent_constraint));
        if self.use_bias {
            let shape = Shape::of(&[4 * self.units]);
            let bias = WeightSpec::new("bias", shape, self.bias_initializer).under("cell");
            plan = plan.weight(bias.regularizer(self.bias_regularizer).constraint(self.bias_constraint));
        }
        Ok(plan)
    }

    const fn sequence(&self) -> Sequence {
        Sequence {
            cell: Cell::Lstm,
            units: self.units,
            activation: self.activation,
            recurrent_activation: self.recurrent_activation,
            initial_state_inputs: self.initial_state_inputs,
            return_sequences: self.return_sequences,
            return_state: self.return_state,
            go_backwards: self.go_backwards,
            stateful: self.stateful,
            zero_output_for_mask: self.zero_output_for_mask,
            dropout: self.dropout,
            recurrent_dropout: self.recurrent_dropout,
            seed: self.seed,
        }
    }
}

impl Layer for LSTM {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        catalogue::masks_of_steps(&inputs[0], masks[0].as_ref())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.sequence().forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.sequence().backward(cx, call);
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.sequence().pack(cx, call);
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        if weight.name != "bias" || !self.unit_forget_bias {
            return false;
        }
        // SAFETY: the numbers outlive the call, which nothing else uses meanwhile.
        let view = unsafe { View::of(values, weight.shape) };
        weight.initializer.fill(&Device::cpu(), stream, view);
        values[self.units..2 * self.units].fill(1.0);
        true
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    const X: [usize; 2] = [3, 2];

    fn check(layer: LSTM) -> LayerCheck<LSTM> {
        LayerCheck::new(layer).input(Spec::of(&X))
    }

    #[test]
    fn gradients() {
        check(LSTM::new(4)).run();
        check(LSTM::new(4).return_sequences(true)).run();
        check(LSTM::new(4).return_state(true)).run();
        check(LSTM::new(4).return_sequences(true).return_state(true).go_backwards(true)).run();
        check(LSTM::new(4).use_bias(false)).run();
        let states = LSTM::new(4).return_sequences(true).initial_state_inputs(2);
        check(states).input(Spec::of(&[4])).input(Spec::of(&[4])).run();
        check(LSTM::new(4)).frozen().run();
        check(LSTM::new(4).activation(Activation::Softplus)).run();
        check(LSTM::new(4).recurrent_activation(Activation::HardSigmoid)).run();
    }

    #[test]
    fn dropout_is_the_same_at_every_step() {
        check(LSTM::new(4).dropout(0.5).return_sequences(true)).run();
        check(LSTM::new(4).recurrent_dropout(0.5).seed(3)).run();
        check(LSTM::new(4).dropout(0.3).recurrent_dropout(0.3).go_backwards(true)).run();
        check(LSTM::new(4).dropout(0.3).recurrent_dropout(0.3)).inference().run();
    }

    /// Without activations and with equal kernels the output of one step is the product of three gates' inputs, each of them the
    /// number of features that were kept times 2: a cube where all gates saw the same.
    #[test]
    fn gates_share_a_pattern_unless_the_state_is_dropped() {
        let linear = LSTM::new(1).activation(Activation::Linear).recurrent_activation(Activation::Linear);
        let cubes = |layer: LSTM| {
            let x = (Spec::of(&[1, 20]), vec![1.0; 20 * 20]);
            let weights = [vec![1.0; 20 * 4], vec![1.0; 4]];
            let y = crate::testing::run_layer(&layer, &[x], &weights, crate::DType::F64, true);
            let is_cube = |y: &f64| (y.cbrt() - y.cbrt().round()).abs() < 1e-9;
            y.expect("a plan")[0].iter().filter(|y| is_cube(y)).count()
        };
        let layer = linear.use_bias(false).dropout(0.5);
        assert_eq!(cubes(layer), 20);
        assert!(cubes(layer.recurrent_dropout(0.5)) < 10);
    }

    #[test]
    fn masked_steps_leave_the_state() {
        let mask = [1, 1, 0, 0, 1, 1, 1, 0, 1];
        for backwards in [false, true] {
            let layer = LSTM::new(4).go_backwards(backwards);
            check(layer).mask(&mask).run();
            check(layer.return_sequences(true).return_state(true)).mask(&mask).run();
            check(layer.zero_output_for_mask(true)).mask(&mask).run();
            check(layer.zero_output_for_mask(true).return_sequences(true)).mask(&mask).run();
        }
    }

    #[test]
    fn the_forget_gate_starts_open() {
        let plan = LSTM::new(2).plan(&[Spec::of(&X)]).unwrap();
        let mut bias = [f64::NAN; 8];
        let stream = Stream { seed: 1, id: 0, step: 0 };
        assert!(LSTM::new(2).initialize(&plan.weights.as_slice()[2], stream, &mut bias));
        assert_eq!(bias, [0.0, 0.0, 1.0, 1.0, 0.0, 0.0, 0.0, 0.0]);
        assert!(!LSTM::new(2).unit_forget_bias(false).initialize(
            &plan.weights.as_slice()[2],
            stream,
            &mut bias
        ));
    }

    #[test]
    fn refusals() {
        let message = |layer: LSTM, dims: &[usize]| layer.plan(&[Spec::of(dims)]).unwrap_err().to_string();
        assert_eq!(
            message(LSTM::new(4), &[3]),
            "expects an input `[steps, features]`, found `[3]`; insert `Reshape`?"
        );
        assert_eq!(message(LSTM::new(0), &X), "`units` must be at least 1, found 0");
        assert_eq!(
            message(LSTM::new(4).activation(Activation::Glu { axis: -1 }), &X),
            "an activation of a recurrent layer yields as many numbers as it gets, along the units if along an axis (-1 or 1)"
        );
        assert_eq!(message(LSTM::new(4).dropout(1.0), &X), "`dropout` must be at least 0 and below 1");
        assert!(
            message(LSTM::new(4).stateful(true), &X).starts_with("`stateful` ties a model to one batch size")
        );
    }
}
