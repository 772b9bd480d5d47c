//! Recurrent layers in both directions.

mod config;
mod merge;
mod recurrent;

use keras_kernels::random::Stream;
use keras_kernels::{Grad, Shape};

use self::merge::Merge;
use crate::layer::{Call, Context, Layer};
use crate::plan::{List, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, any_poison, catalogue};
use crate::plan_try;

pub(crate) use config::from_config;
pub use merge::MergeMode;
pub use recurrent::Recurrent;

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
pub struct Bidirectional<L, B = L> {
    layer: L,
    merge_mode: MergeMode,
    backward_layer: Option<B>,
}

impl<L> Bidirectional<L> {
    /// The layer in both directions, merged by [`MergeMode::Concat`].
    pub const fn new(layer: L) -> Bidirectional<L> {
        Bidirectional { layer, merge_mode: MergeMode::Concat, backward_layer: None }
    }
}

impl<L: Copy, B: Copy> Bidirectional<L, B> {
    /// `Bidirectional::new(layer).backward_layer(backward_layer)`, made by the type of the result: `model!` names it once.
    #[doc(hidden)]
    pub const fn of_both(layer: L, backward_layer: B) -> Bidirectional<L, B> {
        Bidirectional { layer, merge_mode: MergeMode::Concat, backward_layer: Some(backward_layer) }
    }

    /// How the outputs are merged (default `concat`).
    #[must_use]
    pub const fn merge_mode(mut self, merge_mode: MergeMode) -> Self {
        self.merge_mode = merge_mode;
        self
    }
}

impl<L: Copy> Bidirectional<L> {
    /// A layer of its own for the backward direction (default the same one, turned around), of any recurrent class. It must go
    /// backwards if the other does not, and yield as many steps and states.
    #[must_use]
    pub const fn backward_layer<B: Copy>(self, layer: B) -> Bidirectional<L, B> {
        Bidirectional { layer: self.layer, merge_mode: self.merge_mode, backward_layer: Some(layer) }
    }
}

impl<L, B> Bidirectional<L, B> {
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

    /// What the backward layer gets: the sequence, and the second half of the initial states. [`Bidirectional::inner_specs`] says
    /// whether they can be halved.
    pub const fn backward_specs(&self, inputs: &[Spec]) -> List<Spec, 8> {
        let mut specs = List::new(Spec::POISON);
        specs.push(inputs[0]);
        let mut i = inputs.len().div_ceil(2);
        while i < inputs.len() {
            specs.push(inputs[i]);
            i += 1;
        }
        specs
    }

    /// The plan, from that of the layer inside, which both directions share.
    ///
    /// # Errors
    /// If the layer inside has none.
    pub const fn plan_wrapped(&self, inputs: &[Spec], inner: PlanResult) -> PlanResult {
        let inner = plan_try!(inner);
        let states = inputs.len() / 2;
        let mut i = 1;
        while i <= states {
            if !inputs[i].same(&inputs[states + i]) && !any_poison(inputs) {
                let message = Message::new("expects initial states of one shape in both directions, found ");
                return Err(message.spec(&inputs[i]).text(" and ").spec(&inputs[states + i]));
            }
            i += 1;
        }
        self.merged(inputs, &inner, &inner)
    }

    /// The plan, from those of a forward and a backward layer.
    ///
    /// # Errors
    /// If one of them has none, if they go the same way, or yield something else.
    pub const fn plan_of_both(
        &self,
        inputs: &[Spec],
        forward: PlanResult,
        backward: PlanResult,
    ) -> PlanResult {
        let (forward, backward) = (plan_try!(forward), plan_try!(backward));
        if any_poison(forward.outputs.as_slice()) || any_poison(backward.outputs.as_slice()) {
            return Ok(Plan::POISON);
        }
        if forward.backwards == backward.backwards {
            return Err(Message::new("`backward_layer` must go the other way: set its `go_backwards`"));
        }
        let (f, b) = (forward.outputs.as_slice(), backward.outputs.as_slice());
        if f[0].rank() != b[0].rank() || (f.len() > 1) != (b.len() > 1) {
            return Err(Message::new("its layers must agree on `return_sequences` and `return_state`"));
        }
        self.merged(inputs, &forward, &backward)
    }

    const fn merged(&self, inputs: &[Spec], forward: &Plan, backward: &Plan) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let (f, b) = (forward.outputs.as_slice(), backward.outputs.as_slice());
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
            let mut i = 0;
            while i < inner.packed.len() {
                plan = plan.pack(inner.packed.as_slice()[i]);
                i += 1;
            }
            side += 1;
        }
        Ok(plan)
    }
}

/// The part of a list that is one direction's, of which the first has `first` items.
fn part<T: Copy>(list: &[T], first: usize, side: usize) -> Vec<T> {
    let at = first.min(list.len());
    if side == 0 { list[..at].to_vec() } else { list[at..].to_vec() }
}

impl<L: Recurrent, B: Recurrent> Bidirectional<L, B> {
    /// Does something with the layer of one direction.
    fn side<R>(&self, side: usize, f: impl FnOnce(&dyn Layer) -> R) -> R {
        let zeroes = self.layer.returns_sequences();
        match (side, &self.backward_layer) {
            (0, _) => f(&self.layer.directed(self.layer.goes_backwards(), zeroes)),
            (_, Some(layer)) => f(&layer.directed(layer.goes_backwards(), zeroes)),
            (_, None) => f(&self.layer.directed(!self.layer.goes_backwards(), zeroes)),
        }
    }

    const fn merge(&self, sequences: bool) -> Merge {
        Merge { mode: self.merge_mode, sequences }
    }
}

impl<L: Recurrent, B: Recurrent> Layer for Bidirectional<L, B> {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        let specs = self.inner_specs(inputs)?;
        let forward = self.side(0, |layer| layer.plan_for(specs.as_slice()));
        let backward = self.side(1, |layer| layer.plan_for(self.backward_specs(inputs).as_slice()));
        self.plan_of_both(inputs, forward, backward)
    }

    /// Buffers of a kind are: those of the merge, then those of the inner layer, forward; then the same backward. The forward
    /// layer's plan says where the second half begins.
    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        let states = (call.inputs.len() - 1) / 2;
        let specs = call.inputs.iter().take(1 + states).map(|x| Spec::sample(x.shape().remove(0)));
        let specs: Vec<Spec> = specs.collect();
        let Ok(plan) = self.side(0, |layer| layer.plan_for(&specs)) else { return Vec::new() };
        let extra = plan.outputs.len() - 1;
        let weights = plan.weights.len();
        let merged = self.merge_mode.outputs();
        let of_side = |side: usize| {
            // The sequence, then this side's states. The second contribution to the sequence's gradient adds.
            let inputs = std::iter::once(0).chain((0..states).map(move |i| 1 + side * states + i));
            let outputs = merged + side * extra..if side == 0 { merged + extra } else { call.outputs.len() };
            let saved = part(&call.saved, 1 + plan.saved.len(), side);
            let backward_scratch = part(&call.backward_scratch, 1 + plan.backward_scratch.len(), side);
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
                weights: part(&call.weights, weights, side),
                packed: part(&call.packed, plan.packed.len(), side),
                saved: saved[1..].to_vec(),
                scratch: part(&call.scratch, plan.scratch.len(), side),
                backward_scratch: backward_scratch.get(1..).unwrap_or_default().to_vec(),
                input_masks: inputs.clone().map(|at| call.input_masks.get(at).copied().flatten()).collect(),
                output_grads: output_grads
                    .chain(outputs.filter_map(|at| call.output_grads.get(at).copied()))
                    .collect(),
                input_grads: inputs
                    .map(|at| call.input_grads.get(at).copied().flatten().map(|g| second(at, g)))
                    .collect(),
                weight_grads: part(&call.weight_grads, weights, side),
                ..Call::default()
            }
        };
        vec![of_side(0), of_side(1)]
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        catalogue::masks_of_steps(&inputs[0], masks[0].as_ref())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        for side in 0..2 {
            self.side(side, |layer| layer.forward(cx, &call.inner[side]));
        }
        self.merge(self.layer.returns_sequences()).forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.merge(self.layer.returns_sequences()).backward(cx, call);
        for side in 0..2 {
            self.side(side, |layer| layer.backward(cx, &call.inner[side]));
        }
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        for side in 0..2 {
            self.side(side, |layer| layer.pack(cx, &call.inner[side]));
        }
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        let side = usize::from(weight.path.as_slice().first() == Some(&"backward_layer"));
        self.side(side, |layer| layer.initialize(weight, stream, values))
    }
}

/// Calls inside wrappers draw from other random streams than calls of the graph.
const BRANCHES: u32 = 1 << 26;

super::access::wrapper!(Bidirectional<L, B>, BidirectionalWeights {
    /// The layer that takes its steps in order.
    forward_layer forward_layer_mut: L,
    /// The layer that takes its steps from the last to the first.
    backward_layer backward_layer_mut: B,
});

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layer::Configure;
    use crate::layers::rnn::{GRU, LSTM, SimpleRNN};
    use crate::testing::LayerCheck;

    const MODES: [MergeMode; 5] =
        [MergeMode::Sum, MergeMode::Mul, MergeMode::Concat, MergeMode::Ave, MergeMode::None];

    fn check<L, B>(layer: Bidirectional<L, B>) -> LayerCheck<Bidirectional<L, B>>
    where
        Bidirectional<L, B>: Layer + 'static,
    {
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
    fn a_backward_layer_of_another_class() {
        for mode in MODES {
            let lstm = LSTM::new(3).return_sequences(true).return_state(true);
            let gru = GRU::new(3).go_backwards(true).return_sequences(true).return_state(true);
            let layer = Bidirectional::new(lstm).backward_layer(gru).merge_mode(mode);
            check(layer).run();
            let config = layer.config();
            assert_eq!(from_config(&config, &crate::Registry::new()).unwrap().config(), config);
        }
        // Other buffers in both directions, and other sizes.
        let plain = SimpleRNN::new(2).activation(crate::Activation::Mish).recurrent_dropout(0.5);
        let gru = GRU::new(3).go_backwards(true).use_bias(false);
        check(Bidirectional::new(plain).backward_layer(gru)).run();
        check(Bidirectional::new(gru).backward_layer(plain)).run();
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
        assert_eq!(from_config(&config, &crate::Registry::new()).unwrap().config(), config);
    }

    #[test]
    fn refusals() {
        let same_way = Bidirectional::new(GRU::new(2)).backward_layer(GRU::new(2));
        let error = same_way.plan_for(&[Spec::of(&[3, 2])]).unwrap_err().to_string();
        assert_eq!(error, "`backward_layer` must go the other way: set its `go_backwards`");
        let sequences = GRU::new(2).go_backwards(true).return_sequences(true);
        let other = Bidirectional::new(GRU::new(2)).backward_layer(sequences);
        let error = other.plan_for(&[Spec::of(&[3, 2])]).unwrap_err().to_string();
        assert_eq!(error, "its layers must agree on `return_sequences` and `return_state`");
    }
}
