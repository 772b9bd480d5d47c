use keras_kernels::elementwise::Binary;
use keras_kernels::layout::Walk;
use keras_kernels::random::Stream;
use keras_kernels::{Grad, MAX_RANK, View};
use serde_json::{Value, json};

use crate::config::{ConfigValue, envelope};
use crate::layer::{Call, Config, Configure, Context, FromConfig, Layer};
use crate::layers::rnn::{GRU, LSTM, SimpleRNN};
use crate::layers::support::chain::Chain;
use crate::plan::{List, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, any_poison};
use crate::{Error, Result, plan_try};

/// A recurrent layer that [`Bidirectional`] can run in both directions.
#[diagnostic::on_unimplemented(
    message = "`Bidirectional` cannot run `{Self}` in both directions",
    label = "expected a recurrent layer: `SimpleRNN`, `LSTM` or `GRU`"
)]
pub trait Recurrent: Layer + FromConfig + Clone {
    /// The same layer, taking its steps in this direction.
    fn directed(&self, go_backwards: bool, zero_output_for_mask: bool) -> Self;
    /// Whether it goes backwards.
    fn goes_backwards(&self) -> bool;
    /// Whether it yields the outputs of all steps.
    fn returns_sequences(&self) -> bool;
    /// How many initial states it takes as inputs.
    fn initial_states(&self) -> usize;
}

macro_rules! recurrent {
    ($($layer:ty),*) => { $(
        impl Recurrent for $layer {
            fn directed(&self, go_backwards: bool, zero_output_for_mask: bool) -> Self {
                (*self).go_backwards(go_backwards).zero_output_for_mask(zero_output_for_mask)
            }
            fn goes_backwards(&self) -> bool {
                self.go_backwards
            }
            fn returns_sequences(&self) -> bool {
                self.return_sequences
            }
            fn initial_states(&self) -> usize {
                self.initial_state_inputs
            }
        }
    )* };
}
recurrent!(GRU, LSTM, SimpleRNN);

/// How [`Bidirectional`] merges the outputs of the two directions.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MergeMode {
    /// Their sum.
    Sum,
    /// Their product.
    Mul,
    /// One after the other along the last axis.
    Concat,
    /// Their mean.
    Ave,
    /// Not at all: two outputs.
    None,
}

impl ConfigValue for MergeMode {
    fn to_json(&self) -> Value {
        match self {
            MergeMode::Sum => json!("sum"),
            MergeMode::Mul => json!("mul"),
            MergeMode::Concat => json!("concat"),
            MergeMode::Ave => json!("ave"),
            MergeMode::None => Value::Null,
        }
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        match json.as_str() {
            Some("sum") => Ok(MergeMode::Sum),
            Some("mul") => Ok(MergeMode::Mul),
            Some("concat") => Ok(MergeMode::Concat),
            Some("ave") => Ok(MergeMode::Ave),
            None if json.is_null() => Ok(MergeMode::None),
            _ => Err("sum, mul, concat, ave or null".into()),
        }
    }
}

/// A recurrent layer that runs in both directions, each with weights of its own.
///
/// * Input: what the layer inside takes; initial states (`initial_state_inputs` of that layer, given twice) of the forward
///   direction come first.
/// * Output: as the layer's, merged by `merge_mode`; the backward direction's steps are put in the order of time before. With
///   `return_state` the states of both directions follow.
/// * Weights: those of the layer under `forward_layer`, then under `backward_layer`.
/// * With `return_sequences` outputs of masked steps are zero.
///
/// Source: Schuster and Paliwal, "Bidirectional Recurrent Neural Networks", 1997;
/// <https://keras.io/api/layers/recurrent_layers/bidirectional/>.
///
/// ```
/// use keras_runtime::Layer;
/// use keras_runtime::layers::{Bidirectional, LSTM};
/// use keras_runtime::plan::Spec;
///
/// let layer = Bidirectional::new(LSTM::new(4).return_sequences(true));
/// let plan = layer.plan_for(&[Spec::of(&[10, 8])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 8]));
/// assert_eq!(plan.params(), 2 * 4 * (8 * 4 + 4 * 4 + 4));
/// ```
#[derive(Clone, Copy, Debug)]
pub struct Bidirectional<L> {
    layer: L,
    merge_mode: MergeMode,
    backward_layer: Option<L>,
}

impl<L> Bidirectional<L> {
    /// The layer in both directions, merged by [`MergeMode::Concat`].
    pub const fn new(layer: L) -> Bidirectional<L> {
        Bidirectional { layer, merge_mode: MergeMode::Concat, backward_layer: None }
    }

    /// How the outputs are merged (default `concat`).
    #[must_use]
    pub const fn merge_mode(mut self, merge_mode: MergeMode) -> Self
    where
        L: Copy,
    {
        self.merge_mode = merge_mode;
        self
    }

    /// A layer of its own for the backward direction (default the same one, turned around). It must go backwards if the other
    /// does not.
    #[must_use]
    pub const fn backward_layer(mut self, layer: L) -> Self
    where
        L: Copy,
    {
        self.backward_layer = Some(layer);
        self
    }

    /// What the layer inside gets: the sequence, and the first half of the initial states.
    ///
    /// # Errors
    /// If the states cannot be halved.
    pub const fn inner_specs(&self, inputs: &[Spec]) -> Result<List<Spec, 8>, Message> {
        let mut specs = List::new(Spec::POISON);
        if inputs.is_empty() || inputs.len().is_multiple_of(2) || inputs.len() > 9 {
            let message = Message::new("takes a sequence and initial states of both directions, found ");
            return Err(message.number(inputs.len()).text(" inputs"));
        }
        let mut i = 0;
        while i < inputs.len().div_ceil(2) {
            specs.push(inputs[i]);
            i += 1;
        }
        Ok(specs)
    }

    /// The plan, from that of the layer inside, which both directions share.
    ///
    /// # Errors
    /// If the layer inside has none, or the directions need plans of their own.
    pub const fn plan_wrapped(&self, inputs: &[Spec], inner: PlanResult) -> PlanResult {
        let inner = plan_try!(inner);
        if self.backward_layer.is_some() {
            return Err(Message::new("`backward_layer` works in models that are made at run time alone"));
        }
        self.merged(inputs, &inner, &inner)
    }

    const fn merged(&self, inputs: &[Spec], forward: &Plan, backward: &Plan) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let (f, b) = (forward.outputs.as_slice(), backward.outputs.as_slice());
        if f.len() != b.len() || f[0].rank() != b[0].rank() {
            return Err(Message::new("its layers must agree on `return_sequences` and `return_state`"));
        }
        // Halves of a call's buffers are found by counting.
        if forward.weights.len() != backward.weights.len()
            || forward.saved.len() != backward.saved.len()
            || forward.scratch.len() != backward.scratch.len()
            || forward.backward_scratch.len() != backward.backward_scratch.len()
        {
            let message = Message::new("its layers must agree on biases, on dropout, and on whether their ");
            return Err(message.text("activations' gradients need the input"));
        }
        let concat = matches!(self.merge_mode, MergeMode::Concat);
        if !concat && !f[0].same(&b[0]) && !matches!(self.merge_mode, MergeMode::None) {
            let message =
                Message::new("cannot merge outputs of different shapes, ").spec(&f[0]).text(" and ");
            return Err(message.spec(&b[0]));
        }
        let mut plan = Plan::new(if concat { f[0].with_last(f[0].last() + b[0].last()) } else { f[0] });
        if matches!(self.merge_mode, MergeMode::None) {
            plan = plan.output(b[0]);
        }
        plan = plan.mask(match self.merge_mode {
            _ if f[0].rank() != 2 => MaskRule::Drop,
            MergeMode::None => MaskRule::Pass,
            _ => MaskRule::First,
        });
        let mut side = 0;
        while side < 2 {
            let (inner, name) =
                if side == 0 { (forward, "forward_layer") } else { (backward, "backward_layer") };
            let mut i = 1;
            while i < inner.outputs.len() {
                plan = plan.output(inner.outputs.as_slice()[i]);
                i += 1;
            }
            let mut i = 0;
            while i < inner.weights.len() {
                plan = plan.weight(inner.weights.as_slice()[i].under(name));
                i += 1;
            }
            // Each direction's own output, which backward reads when they are multiplied, and its gradient.
            plan = plan.save(inner.outputs.as_slice()[0]).backward_scratch(inner.outputs.as_slice()[0]);
            let mut i = 0;
            while i < inner.saved.len() {
                plan = plan.save(inner.saved.as_slice()[i]);
                i += 1;
            }
            let mut i = 0;
            while i < inner.scratch.len() {
                plan = plan.scratch(inner.scratch.as_slice()[i]);
                i += 1;
            }
            let mut i = 0;
            while i < inner.backward_scratch.len() {
                plan = plan.backward_scratch(inner.backward_scratch.as_slice()[i]);
                i += 1;
            }
            side += 1;
        }
        Ok(plan)
    }
}

/// Buffers of a kind are: those of the merge, then those of the inner layer, forward; then the same backward.
fn half(views: &[View], side: usize) -> Vec<View> {
    let each = views.len() / 2;
    views[side * each..(side + 1) * each].to_vec()
}

impl<L: Recurrent> Bidirectional<L> {
    /// The layer of one side.
    fn side(&self, side: usize) -> L {
        let zeroes = self.layer.returns_sequences();
        match (side, &self.backward_layer) {
            (0, _) => self.layer.directed(self.layer.goes_backwards(), zeroes),
            (_, Some(layer)) => layer.directed(layer.goes_backwards(), zeroes),
            (_, None) => self.layer.directed(!self.layer.goes_backwards(), zeroes),
        }
    }

    const fn merges(&self) -> usize {
        if matches!(self.merge_mode, MergeMode::None) { 2 } else { 1 }
    }

    /// Copies a side's output to its place among the outputs, or its gradient back; the second side's steps turn around.
    fn transfer(&self, cx: &Context<'_>, call: &Call, side: usize, gradient: bool) {
        let inner = &call.inner[side];
        let own = if gradient { inner.output_grads[0] } else { inner.outputs[0] };
        let at = if self.merges() == 2 { side } else { 0 };
        let whole = if gradient { call.output_grads[at] } else { call.outputs[at] };
        let (shape, wide) = (own.shape(), whole.shape().last());
        let mut strides = whole.shape().strides().map(|s| s as isize);
        let mut first =
            if self.merge_mode == MergeMode::Concat && side == 1 { wide - shape.last() } else { 0 };
        if side == 1 && self.layer.returns_sequences() {
            first += (shape.dim(1) - 1) * wide;
            strides[1] = -strides[1];
        }
        let plain: [isize; MAX_RANK] = shape.strides().map(|s| s as isize);
        if gradient {
            let walk = Walk { shape, from: first, from_strides: strides, to: 0, to_strides: plain };
            cx.device.walk(&walk, whole, Grad::write(own));
        } else {
            // A sum is the first output plus the second.
            let adds = side == 1 && matches!(self.merge_mode, MergeMode::Sum | MergeMode::Ave);
            let to = if adds { Grad::add(whole) } else { Grad::write(whole) };
            let walk = Walk { shape, from: 0, from_strides: plain, to: first, to_strides: strides };
            cx.device.walk(&walk, own, to);
        }
    }

    /// Turns the steps of the second side's output (or of a buffer like it) around, from one buffer to another.
    fn turn(&self, cx: &Context<'_>, from: View, to: View) {
        let shape = from.shape();
        let plain: [isize; MAX_RANK] = shape.strides().map(|s| s as isize);
        let (mut strides, mut first) = (plain, 0);
        if self.layer.returns_sequences() {
            first = (shape.dim(1) - 1) * shape.last();
            strides[1] = -strides[1];
        }
        let walk = Walk { shape, from: first, from_strides: strides, to: 0, to_strides: plain };
        cx.device.walk(&walk, from, Grad::write(to));
    }
}

/// `to = a f b`.
fn combine(cx: &Context<'_>, f: Binary, a: View, b: View, to: View) {
    let mut chain = Chain::new();
    let (a, b) = (chain.input(a), chain.input(b));
    let result = chain.binary(f, a, b);
    chain.run(cx.device, &[(result, Grad::write(to))]);
}

/// `to = to / 2`.
fn halve(cx: &Context<'_>, to: View) {
    let mut chain = Chain::new();
    let (value, factor) = (chain.input(to), chain.scalar(0.5));
    let result = chain.mul(value, factor);
    chain.run(cx.device, &[(result, Grad::write(to))]);
}

impl<L: Recurrent> Layer for Bidirectional<L> {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let specs = self.inner_specs(inputs)?;
        let [forward, backward] = [0, 1].map(|side| self.side(side));
        if forward.goes_backwards() == backward.goes_backwards() {
            return Err(Message::new("`backward_layer` must go the other way: set its `go_backwards`"));
        }
        let backward = backward.plan_for(specs.as_slice())?;
        self.merged(inputs, &forward.plan_for(specs.as_slice())?, &backward)
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        let states = (call.inputs.len() - 1) / 2;
        let extra = (call.outputs.len() - self.merges()) / 2;
        let weights = call.weights.len() / 2;
        let of_side = |side: usize| {
            // The sequence, then this side's states. The second contribution to the sequence's gradient adds.
            let inputs = std::iter::once(0).chain((0..states).map(move |i| 1 + side * states + i));
            let outputs = (0..extra).map(move |i| self.merges() + side * extra + i);
            let saved = half(&call.saved, side);
            let backward_scratch = half(&call.backward_scratch, side);
            let output_grads = backward_scratch.first().copied().into_iter();
            let second =
                |at: usize, grad: Grad| if at == 0 && side == 1 { Grad::add(grad.view) } else { grad };
            Call {
                id: call.id * 2 + side as u32 + BRANCHES,
                trainable: call.trainable,
                inputs: inputs.clone().map(|at| call.inputs[at]).collect(),
                outputs: std::iter::once(saved[0])
                    .chain(outputs.clone().map(|at| call.outputs[at]))
                    .collect(),
                weights: call.weights[side * weights..(side + 1) * weights].to_vec(),
                saved: saved[1..].to_vec(),
                scratch: half(&call.scratch, side),
                backward_scratch: backward_scratch.get(1..).unwrap_or_default().to_vec(),
                input_masks: inputs.clone().map(|at| call.input_masks.get(at).copied().flatten()).collect(),
                output_grads: output_grads
                    .chain(outputs.filter_map(|at| call.output_grads.get(at).copied()))
                    .collect(),
                input_grads: inputs
                    .map(|at| call.input_grads.get(at).copied().flatten().map(|g| second(at, g)))
                    .collect(),
                weight_grads: call.weight_grads.iter().skip(side * weights).take(weights).copied().collect(),
                ..Call::default()
            }
        };
        vec![of_side(0), of_side(1)]
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        for side in 0..2 {
            self.side(side).forward(cx, &call.inner[side]);
        }
        if self.merge_mode == MergeMode::Mul {
            let [first, second] = [0, 1].map(|side: usize| call.inner[side].outputs[0]);
            self.turn(cx, second, call.outputs[0]);
            combine(cx, Binary::Mul, call.outputs[0], first, call.outputs[0]);
            return;
        }
        for side in 0..2 {
            self.transfer(cx, call, side, false);
        }
        if self.merge_mode == MergeMode::Ave {
            halve(cx, call.outputs[0]);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if self.merge_mode == MergeMode::Mul {
            let dy = call.output_grads[0];
            let [(first, dfirst), (second, dsecond)] =
                [0, 1].map(|side: usize| (call.inner[side].outputs[0], call.inner[side].output_grads[0]));
            self.turn(cx, second, dfirst);
            combine(cx, Binary::Mul, dfirst, dy, dfirst);
            // The second side's own order: dy and the first output turned around.
            self.turn(cx, dy, dsecond);
            self.turn(cx, first, second);
            combine(cx, Binary::Mul, dsecond, second, dsecond);
        } else {
            for side in 0..2 {
                self.transfer(cx, call, side, true);
                if self.merge_mode == MergeMode::Ave {
                    halve(cx, call.inner[side].output_grads[0]);
                }
            }
        }
        for side in 0..2 {
            self.side(side).backward(cx, &call.inner[side]);
        }
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        let side = usize::from(weight.path.as_slice().first() == Some(&"backward_layer"));
        self.side(side).initialize(weight, stream, values)
    }
}

/// Calls inside wrappers draw from other random streams than calls of the graph.
const BRANCHES: u32 = 1 << 26;

impl<L: Recurrent> Configure for Bidirectional<L> {
    fn class_name(&self) -> &'static str {
        "Bidirectional"
    }

    fn config(&self) -> Config {
        let inner = |side| {
            let layer = self.side(side);
            envelope("keras.layers", layer.class_name(), Value::Object(layer.config()))
        };
        let mut config = Config::new();
        config.insert("merge_mode".into(), self.merge_mode.to_json());
        config.insert("layer".into(), inner(0));
        config.insert("backward_layer".into(), inner(1));
        // An option of a call.
        if self.layer.initial_states() > 0 {
            config.insert("initial_state_inputs".into(), json!(2 * self.layer.initial_states()));
        }
        config
    }
}

impl<L: Recurrent> Bidirectional<L> {
    /// From a configuration whose inner layers are `L`s. States given to a call are halved between the directions.
    fn read(config: &Config) -> Result<Self> {
        let error = |message: &str| Error::config("Bidirectional", message);
        let inner = |key: &str| -> Result<Option<L>> {
            let Some(json) = config.get(key).filter(|v| !v.is_null()) else { return Ok(None) };
            if json.get("class_name").and_then(Value::as_str) != Some(L::CLASS_NAME) {
                return Err(error("both directions must have layers of one class"));
            }
            let inner = json.get("config").and_then(Value::as_object);
            let mut inner = inner.ok_or_else(|| error("its layer has no configuration"))?.clone();
            if let Some(states) = config.get("initial_state_inputs").and_then(Value::as_u64) {
                inner.insert("initial_state_inputs".into(), json!(states / 2));
            }
            L::from_config(&inner).map(Some)
        };
        let layer = inner("layer")?.ok_or_else(|| error("its configuration lacks `layer`"))?;
        let merge_mode = match config.get("merge_mode") {
            Some(json) => MergeMode::from_json(json).map_err(|expected| {
                Error::config("Bidirectional: `merge_mode`", format!("expected {expected}, found {json}"))
            })?,
            None => MergeMode::Concat,
        };
        Ok(Bidirectional { layer, merge_mode, backward_layer: inner("backward_layer")? })
    }
}

/// Makes a [`Bidirectional`] of the class that its configuration names.
pub(crate) fn from_config(config: &Config) -> Result<std::sync::Arc<dyn Layer>> {
    let class = config.get("layer").and_then(|l| l.get("class_name")).and_then(Value::as_str).unwrap_or("");
    Ok(match class {
        "GRU" => std::sync::Arc::new(Bidirectional::<GRU>::read(config)?),
        "LSTM" => std::sync::Arc::new(Bidirectional::<LSTM>::read(config)?),
        "SimpleRNN" => std::sync::Arc::new(Bidirectional::<SimpleRNN>::read(config)?),
        _ => {
            let message = format!("expected a SimpleRNN, LSTM or GRU in `layer`, found `{class}`");
            return Err(Error::config("Bidirectional", message));
        }
    })
}

super::access::wrapper!(Bidirectional, BidirectionalWeights {
    /// The layer that takes its steps in order.
    forward_layer forward_layer_mut,
    /// The layer that takes its steps from the last to the first.
    backward_layer backward_layer_mut,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    const MODES: [MergeMode; 5] =
        [MergeMode::Sum, MergeMode::Mul, MergeMode::Concat, MergeMode::Ave, MergeMode::None];

    fn check<L: Recurrent>(layer: Bidirectional<L>) -> LayerCheck<Bidirectional<L>> {
        LayerCheck::new(layer).input(Spec::of(&[3, 2]))
    }

    #[test]
    fn gradients() {
        for mode in MODES {
            check(Bidirectional::new(SimpleRNN::new(3)).merge_mode(mode)).run();
            let sequences = SimpleRNN::new(3).return_sequences(true);
            check(Bidirectional::new(sequences).merge_mode(mode)).run();
            check(Bidirectional::new(sequences).merge_mode(mode)).mask(&[1, 1, 0, 0, 1, 1, 1, 0, 1]).run();
        }
        check(Bidirectional::new(LSTM::new(2).return_state(true).return_sequences(true))).run();
        check(Bidirectional::new(GRU::new(2).recurrent_dropout(0.5))).run();
    }

    #[test]
    fn states_are_halved() {
        let state = Spec::of(&[2]);
        let lstm = check(Bidirectional::new(LSTM::new(2).initial_state_inputs(2)));
        lstm.input(state).input(state).input(state).input(state).run();
    }

    #[test]
    fn the_configuration_survives() {
        let layer = Bidirectional::new(LSTM::new(3).return_sequences(true)).merge_mode(MergeMode::None);
        let config = layer.config();
        assert_eq!(from_config(&config).unwrap().config(), config);
    }

    #[test]
    fn refusals() {
        let same_way = Bidirectional::new(GRU::new(2)).backward_layer(GRU::new(2));
        let error = same_way.plan_for(&[Spec::of(&[3, 2])]).unwrap_err().to_string();
        assert_eq!(error, "`backward_layer` must go the other way: set its `go_backwards`");
    }
}
