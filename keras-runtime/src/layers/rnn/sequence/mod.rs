//! What the recurrent layers share: everything around the cell.
//!
//! The loop over the steps is a kernel ([`keras_kernels::recurrent`]). Before it the inputs' products with the kernel are one matrix product
//! over all steps of all samples; after it, backward, so are the gradients of both kernels and of the input. Every buffer of steps is
//! `[batch, steps, ..]` in the order of time, as the input is, so that all of them are read where they lie. The recurrent kernel, which
//! every step reads, is packed once after each change.

mod backward;
mod forward;

use keras_kernels::activation::Activation;
use keras_kernels::random::Stream;
use keras_kernels::recurrent::{Cell, Kept, Kernel, Recurrent};
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// A cell, and the options of a recurrent layer that concern the loop.
pub(super) struct Sequence {
    pub cell: Cell,
    pub units: usize,
    pub activation: Activation,
    pub recurrent_activation: Activation,
    pub initial_state_inputs: usize,
    pub return_sequences: bool,
    pub return_state: bool,
    pub go_backwards: bool,
    pub stateful: bool,
    pub zero_output_for_mask: bool,
    pub dropout: f64,
    pub recurrent_dropout: f64,
    pub seed: Option<u64>,
}

// Places in the call's lists.
const KERNEL: usize = 0;
const RECURRENT: usize = 1;
const BIAS: usize = 2;
/// In what is saved; the others are there or not ([`Sequence::places`]).
const GATES: usize = 0;
const STATES: usize = 1;
/// In the packed forms of the recurrent kernel.
const FORWARD: usize = 0;
const BACK: usize = 1;
/// In forward's scratch, and backward's: what the loop works in.
const LOCAL: usize = 0;
/// Then what follows in forward's: ones, from which the factors of the state are drawn.
const ONES: usize = 1;
/// And in backward's: gradients of the gates, their sums over all steps, gradients of the input with its dropout.
const GRADIENTS: usize = 1;
const SUMS: usize = 2;
const DROPPED: usize = 3;

/// Which draws of a call are the input's and the state's, for the first gate; the others follow.
const INPUT_DRAW: u32 = 0;
const STATE_DRAW: u32 = 4;

/// Where the buffers are that not every layer saves.
struct Places {
    carries: usize,
    inner: usize,
    inputs: usize,
    factors: usize,
    seen: usize,
    /// The input with dropout.
    dropped: usize,
}

impl Sequence {
    const fn states(&self) -> usize {
        1 + self.cell.carries() as usize
    }

    /// Columns of the kernels.
    const fn wide(&self) -> usize {
        self.cell.gates().saturating_mul(self.units)
    }

    /// Numbers in a row of gradients.
    const fn row(&self) -> usize {
        self.cell.gradients().saturating_mul(self.units)
    }

    /// Whether what the gates' activations get is kept.
    const fn keeps_inputs(&self) -> bool {
        !(self.activation.grad_from_output() && self.recurrent_activation.grad_from_output())
    }

    /// How many patterns of dropout there are: Keras draws one for all gates, but one each where the state is dropped too.
    const fn patterns(&self) -> usize {
        if self.recurrent_dropout > 0.0 { self.cell.gates() } else { 1 }
    }

    const fn places(&self) -> Places {
        let carries = STATES + 1;
        let inner = carries + self.cell.carries() as usize;
        let inputs = inner + self.cell.has_inner() as usize;
        let factors = inputs + self.keeps_inputs() as usize;
        let drops = self.recurrent_dropout > 0.0;
        Places { carries, inner, inputs, factors, seen: factors + 1, dropped: factors + 2 * drops as usize }
    }

    /// The loop over these sizes.
    const fn recurrent(&self, batch: usize, steps: usize) -> Recurrent {
        let before = matches!(self.cell, Cell::Gru { reset_after: false });
        Recurrent {
            cell: self.cell,
            batch,
            steps,
            units: self.units,
            activation: self.activation,
            recurrent_activation: self.recurrent_activation,
            backwards: self.go_backwards,
            apart: before || self.recurrent_dropout > 0.0,
            zero_output_for_mask: self.zero_output_for_mask,
        }
    }

    /// The plan without weights; the kernel's are `features`, `units` and the gates.
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if let Some(wrong) = self.wrong(inputs) {
            return Err(wrong);
        }
        let (steps, features) = (inputs[0].dim(0), inputs[0].dim(1));
        let (state, every) = (Spec::of(&[self.units]), Spec::of(&[steps, self.units]));
        let gates = Spec::of(&[steps, self.wide()]);
        let sequence = Spec::of(&[steps, features]);
        let mut plan = Plan::new(if self.return_sequences { every } else { state });
        plan.backwards = self.go_backwards;
        plan = plan.mask(if self.return_sequences { MaskRule::First } else { MaskRule::Drop });
        let mut i = 0;
        while self.return_state && i < self.states() {
            plan = plan.output(state);
            i += 1;
        }
        // In the order of `places`.
        plan = plan.save(gates).save(every);
        if self.cell.carries() {
            plan = plan.save(Spec::of(&[steps + 1, self.units]));
        }
        if self.cell.has_inner() {
            plan = plan.save(every);
        }
        if self.keeps_inputs() {
            plan = plan.save(gates);
        }
        if self.recurrent_dropout > 0.0 {
            plan = plan.save(Spec::of(&[self.wide()])).save(gates);
        }
        if self.dropout > 0.0 {
            plan = plan.save(Spec::of(&[self.patterns(), steps, features]));
        }
        let of = self.recurrent(1, steps);
        plan = plan.scratch(Spec::of(&[of.local_len()]));
        if self.recurrent_dropout > 0.0 {
            plan = plan.scratch(state);
        }
        plan = plan.backward_scratch(Spec::of(&[of.local_back_len()]));
        plan = plan.backward_scratch(Spec::of(&[steps, self.row()]));
        plan = plan.backward_scratch(Spec::fixed(Shape::of(&[self.row()])));
        if self.dropout > 0.0 {
            plan = plan.backward_scratch(sequence);
        }
        // Every step reads the recurrent kernel.
        if steps > 1 {
            plan = plan.pack(Spec::fixed(Shape::of(&[of.packed_len()])));
            plan = plan.pack(Spec::fixed(Shape::of(&[of.packed_back_len()])));
        }
        Ok(plan)
    }

    /// What is wrong with its options or inputs.
    const fn wrong(&self, inputs: &[Spec]) -> Option<Message> {
        if let Some(empty) = catalogue::empty(inputs) {
            return Some(empty);
        }
        if self.initial_state_inputs != 0 && self.initial_state_inputs != self.states() {
            let message = Message::new("`initial_state_inputs` must be 0 or ").number(self.states());
            return Some(message.text(", found ").number(self.initial_state_inputs));
        }
        if inputs.len() != 1 + self.initial_state_inputs {
            return Some(catalogue::arity(1 + self.initial_state_inputs, inputs));
        }
        let x = &inputs[0];
        if self.units == 0 {
            return Some(catalogue::positive("units"));
        }
        if x.rank() != 2 {
            return Some(catalogue::rank("[steps, features]", x));
        }
        if !x.dtype().is_float() {
            return Some(catalogue::float(x));
        }
        if self.stateful {
            let message =
                Message::new("`stateful` ties a model to one batch size: give the state as an input ");
            return Some(message.text("(`initial_state_inputs`) and take it with `return_state` instead"));
        }
        let state = Spec::of(&[self.units]);
        let mut i = 1;
        while i < inputs.len() {
            if !inputs[i].same(&state) {
                let message = Message::new("expects an initial state of shape ").spec(&state);
                return Some(message.text(", found ").spec(&inputs[i]));
            }
            i += 1;
        }
        if self.dropout < 0.0 || self.dropout >= 1.0 {
            return Some(Message::new("`dropout` must be at least 0 and below 1"));
        }
        if self.recurrent_dropout < 0.0 || self.recurrent_dropout >= 1.0 {
            return Some(Message::new("`recurrent_dropout` must be at least 0 and below 1"));
        }
        if !along_units(self.activation) || !along_units(self.recurrent_activation) {
            let message =
                Message::new("an activation of a recurrent layer yields as many numbers as it gets, ");
            return Some(message.text("along the units if along an axis (-1 or 1)"));
        }
        None
    }

    /// Makes the packed forms.
    pub(super) fn pack(&self, cx: &Context<'_>, call: &Call) {
        if let [forward, back] = call.packed[..] {
            cx.device.recur_pack(&self.recurrent(1, 1), call.weights[RECURRENT], forward, back);
        }
    }

    /// The call's buffers by name.
    fn on<'a>(&'a self, cx: &'a Context<'a>, call: &'a Call) -> Run<'a> {
        let x = call.inputs[0].shape();
        Run { sequence: self, cx, call, of: self.recurrent(x.dim(0), x.dim(1)), features: x.dim(2) }
    }
}

/// Whether an activation can be applied to each sample's units.
const fn along_units(f: Activation) -> bool {
    match f {
        Activation::Glu { .. } => false,
        Activation::Softmax { axis } | Activation::LogSoftmax { axis } | Activation::Sparsemax { axis } => {
            axis == -1 || axis == 1
        }
        _ => true,
    }
}

/// One call under way.
struct Run<'a> {
    sequence: &'a Sequence,
    cx: &'a Context<'a>,
    call: &'a Call,
    of: Recurrent,
    features: usize,
}

impl Run<'_> {
    /// Rows of all steps of all samples.
    const fn rows(&self) -> usize {
        self.of.batch * self.of.steps
    }

    /// Whether this pass drops part of the input.
    fn drops_input(&self) -> bool {
        self.sequence.dropout > 0.0 && self.cx.training
    }

    /// Whether this pass drops part of the state.
    fn drops_state(&self) -> bool {
        self.sequence.recurrent_dropout > 0.0 && self.cx.training
    }

    /// How many times the input is there, with another pattern of dropout each.
    fn draws(&self) -> usize {
        if self.drops_input() { self.sequence.patterns() } else { 1 }
    }

    /// The input as the columns of a draw see it, `[batch * steps, features]`.
    fn input(&self, draw: usize) -> View {
        let shape = Shape::of(&[self.rows(), self.features]);
        match self.drops_input() {
            true => self.call.saved[self.sequence.places().dropped].cut(draw * shape.size(), shape),
            false => self.call.inputs[0].reshape(shape),
        }
    }

    /// Input, or its gradient, with a pattern of dropout that is the same at every step.
    fn drop_input(&self, draw: usize, from: View, to: Grad) {
        let noise = Shape::of(&[self.of.batch, 1, self.features]);
        let shape = Shape::of(&[self.of.batch, self.of.steps, self.features]);
        let stream = self.stream(INPUT_DRAW + draw as u32);
        self.cx.device.dropout(stream, self.sequence.dropout, noise, from.reshape(shape), to.reshape(shape));
    }

    fn stream(&self, draw: u32) -> Stream {
        let stream = self.call.stream(self.cx, draw);
        Stream { seed: self.sequence.seed.unwrap_or(stream.seed), ..stream }
    }

    /// A buffer from one of its elements on; all of one without samples, which is empty.
    fn since(&self, of: View, first: usize) -> View {
        let flat = of.reshape(Shape::of(&[of.size()]));
        let first = first.min(flat.size());
        flat.cut(first, Shape::of(&[flat.size() - first]))
    }

    /// What the loop keeps.
    fn kept(&self) -> Kept {
        let (sequence, call) = (self.sequence, self.call);
        let (places, drops) = (sequence.places(), self.drops_state());
        let saved = |there: bool, at: usize| there.then(|| call.saved[at]);
        Kept {
            gates: call.saved[GATES],
            states: call.saved[STATES],
            carries: saved(sequence.cell.carries(), places.carries),
            inner: saved(sequence.cell.has_inner(), places.inner),
            inputs: saved(sequence.keeps_inputs(), places.inputs),
            factors: saved(drops, places.factors),
            seen: saved(drops, places.seen),
            mask: call.input_masks.first().copied().flatten(),
        }
    }

    /// The recurrent kernel, with its packed form if there is one.
    fn kernel(&self, form: usize) -> Kernel {
        Kernel { view: self.call.weights[RECURRENT], packed: self.call.packed.get(form).copied() }
    }
}
