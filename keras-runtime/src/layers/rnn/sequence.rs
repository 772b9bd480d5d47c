//! What the recurrent layers share: everything around the cell.
//!
//! A sequence is turned to time-major order once, so that a step is one contiguous piece. The inputs' products with the kernel are
//! one matrix product over all steps; so are, backward, the gradients of both kernels. The recurrent kernel, which every step reads, is
//! packed once after each change. Gates are the outermost dimension of
//! their buffer, so that each gate of a step is contiguous too: `[gates, steps, batch, units]`. Steps are in the order in which
//! they are taken, backward in time if the layer goes backwards.

use keras_kernels::activation::Activation;
use keras_kernels::layout::Walk;
use keras_kernels::matmul::{Gemm, Strides, packed_len};
use keras_kernels::random::Stream;
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{DType, Grad, MAX_RANK, Shape, View};

use crate::engine::copy;
use crate::layer::{Call, Context};
use crate::layers::support::chain::Chain;
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// The options of a recurrent layer that concern the loop, and the size of its cell.
pub(super) struct Sequence {
    pub units: usize,
    pub gates: usize,
    /// Whether the cell has a carry beside its output.
    pub carry: bool,
    /// Whether the cell keeps one more value a step.
    pub inner: bool,
    /// Whether what the gates' activations get is kept.
    pub keeps_input: bool,
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
const STEPS: usize = 0;
const STATES: usize = 1;
const GATES: usize = 2;
const MASK: usize = 3;
const EXTRA: usize = 4;
const KERNEL: usize = 0;
const RECURRENT: usize = 1;
/// In backward's scratch: gradients of the gates' inputs.
const DGATES: usize = 0;
const DSTATE: usize = 1;
const DCARRY: usize = 2;
const SPARE: usize = 3;
const DSTEPS: usize = 4;
const DOUTPUT: usize = 5;
const DINNER: usize = 6;
/// In the packed forms: the recurrent kernel gate by gate, for the way forward and, transposed, for the way back.
const FORWARD: usize = 0;
const BACK: usize = 1;
/// Which draws of a call are the input's and the state's, for the first gate; the others follow.
const INPUT_DRAW: u32 = 0;
const STATE_DRAW: u32 = 4;

impl Sequence {
    const fn states(&self) -> usize {
        1 + self.carry as usize
    }

    /// How many patterns of dropout there are: Keras draws one for all gates, but one each where the state is dropped too.
    const fn patterns(&self) -> usize {
        if self.recurrent_dropout > 0.0 { self.gates } else { 1 }
    }

    /// The plan without weights; the kernel's are `features`, `units` and `gates`.
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if let Some(empty) = catalogue::empty(inputs) {
            return Err(empty);
        }
        if self.initial_state_inputs != 0 && self.initial_state_inputs != self.states() {
            let message = Message::new("`initial_state_inputs` must be 0 or ").number(self.states());
            return Err(message.text(", found ").number(self.initial_state_inputs));
        }
        if inputs.len() != 1 + self.initial_state_inputs {
            return Err(catalogue::arity(1 + self.initial_state_inputs, inputs));
        }
        let x = &inputs[0];
        if self.units == 0 {
            return Err(catalogue::positive("units"));
        }
        if x.rank() != 2 {
            return Err(catalogue::rank("[steps, features]", x));
        }
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let (steps, features) = (x.dim(0), x.dim(1));
        if self.stateful {
            let message =
                Message::new("`stateful` ties a model to one batch size: give the state as an input ");
            return Err(message.text("(`initial_state_inputs`) and take it with `return_state` instead"));
        }
        let state = Spec::of(&[self.units]);
        let mut i = 1;
        while i < inputs.len() {
            if !inputs[i].same(&state) {
                let message = Message::new("expects an initial state of shape ").spec(&state);
                return Err(message.text(", found ").spec(&inputs[i]));
            }
            i += 1;
        }
        if self.dropout < 0.0 || self.dropout >= 1.0 {
            return Err(Message::new("`dropout` must be at least 0 and below 1"));
        }
        if self.recurrent_dropout < 0.0 || self.recurrent_dropout >= 1.0 {
            return Err(Message::new("`recurrent_dropout` must be at least 0 and below 1"));
        }

        let every = Spec::of(&[steps, self.units]);
        let gates = Spec::of(&[self.gates, steps, self.units]);
        let with_start = Spec::of(&[steps + 1, self.units]);
        let sequence = Spec::of(&[steps, features]);
        // Inputs and states as each gate sees them.
        let (patterns, input_patterns) =
            (self.patterns(), if self.dropout > 0.0 { self.patterns() } else { 1 });
        let mut plan = Plan::new(if self.return_sequences { every } else { state });
        plan.backwards = self.go_backwards;
        plan = plan.mask(if self.return_sequences { MaskRule::First } else { MaskRule::Drop });
        let mut i = 0;
        while self.return_state && i < self.states() {
            plan = plan.output(state);
            i += 1;
        }
        plan = plan.save(Spec::of(&[input_patterns, steps, features])).save(with_start).save(gates);
        plan = plan.save(Spec::of(&[steps]).with_dtype(DType::Bool));
        if self.carry {
            plan = plan.save(with_start);
        }
        if self.inner {
            plan = plan.save(every);
        }
        if self.recurrent_dropout > 0.0 {
            plan =
                plan.save(Spec::of(&[patterns, self.units])).save(Spec::of(&[patterns, steps, self.units]));
        }
        if self.keeps_input {
            plan = plan.save(gates);
        }
        plan = plan.scratch(state);
        // For `zero_output_for_mask`, which a wrapper sets later.
        if self.return_sequences {
            plan = plan.scratch(every);
        }
        if self.dropout > 0.0 {
            plan = plan.scratch(sequence);
        }
        plan = plan.backward_scratch(gates).backward_scratch(state).backward_scratch(state);
        plan = plan.backward_scratch(state).backward_scratch(sequence).backward_scratch(every);
        if self.inner {
            plan = plan.backward_scratch(every);
        }
        if self.dropout > 0.0 {
            plan = plan.backward_scratch(sequence);
        }
        // Every step reads the recurrent kernel.
        if steps > 1 {
            let packed = Spec::fixed(Shape::of(&[self.gates, self.packed_len()]));
            plan = plan.pack(packed).pack(packed);
        }
        Ok(plan)
    }

    /// Numbers in the packed form of one gate.
    const fn packed_len(&self) -> usize {
        packed_len(self.units, self.units)
    }

    /// Makes the packed forms.
    pub(super) fn pack(&self, cx: &Context<'_>, call: &Call) {
        let (units, wide) = (self.units, self.gates * self.units);
        let kernel = call.weights[RECURRENT];
        let layouts = [Strides::rows(wide), Strides::transposed(wide)];
        for (packed, layout) in call.packed.iter().zip(layouts) {
            for gate in 0..self.gates {
                let (from, to) = (self.gate_of(kernel, gate), self.packed_gate(*packed, gate));
                cx.device.pack_b(units, units, layout, from, to);
            }
        }
    }

    /// One gate's part of a packed form.
    fn packed_gate(&self, packed: View, gate: usize) -> View {
        packed.cut(gate * self.packed_len(), Shape::of(&[self.packed_len()]))
    }

    /// A kernel from the first column of a gate on.
    fn gate_of(&self, kernel: View, gate: usize) -> View {
        let flat = kernel.reshape(Shape::of(&[kernel.size()]));
        let first = gate * self.units;
        flat.cut(first, Shape::of(&[flat.size() - first]))
    }

    /// The call's buffers by name.
    pub(super) fn on<'a>(&'a self, cx: &'a Context<'a>, call: &'a Call) -> Loop<'a> {
        let x = call.inputs[0].shape();
        let (batch, steps, features) = (x.dim(0), x.dim(1), x.dim(2));
        let extra = EXTRA + self.carry as usize + self.inner as usize;
        let drops = self.recurrent_dropout > 0.0;
        let mask = call.input_masks.first().copied().flatten().map(|_| call.saved[MASK]);
        let gates = call.saved[GATES];
        let inputs = if self.keeps_input { call.saved[extra + 2 * drops as usize] } else { gates };
        let dropped = (drops && cx.training).then(|| (call.saved[extra], call.saved[extra + 1]));
        let draws = if self.dropout > 0.0 && cx.training { self.patterns() } else { 1 };
        Loop { sequence: self, cx, call, batch, steps, features, mask, gates, inputs, dropped, draws }
    }
}

/// What a kernel's gradient is made from: one buffer for all gates, or one each, `each` numbers apart.
pub(super) struct Source {
    pub view: View,
    pub each: usize,
}

/// One call under way.
pub(super) struct Loop<'a> {
    pub sequence: &'a Sequence,
    pub cx: &'a Context<'a>,
    pub call: &'a Call,
    pub batch: usize,
    pub steps: usize,
    features: usize,
    /// Steps that count, `[steps, batch]`.
    mask: Option<View>,
    gates: View,
    inputs: View,
    /// Factors of the state and the state times them, for each gate.
    dropped: Option<(View, View)>,
    /// How many times the input is there, with another pattern of dropout each.
    draws: usize,
}

impl Loop<'_> {
    /// Numbers of one step of one gate.
    const fn size(&self) -> usize {
        self.batch * self.sequence.units
    }

    /// Piece `at` of a buffer of pieces `[batch, units]`.
    pub(super) fn piece(&self, of: View, at: usize) -> View {
        of.cut(at * self.size(), Shape::of(&[self.batch, self.sequence.units]))
    }

    /// What gate `gate` yields at a step.
    pub(super) fn gate(&self, gate: usize, step: usize) -> View {
        self.piece(self.gates, gate * self.steps + step)
    }

    /// What the activation of a gate gets.
    pub(super) fn gate_input(&self, gate: usize, step: usize) -> View {
        self.piece(self.inputs, gate * self.steps + step)
    }

    /// Gradient of [`Loop::gate_input`].
    pub(super) fn dgate(&self, gate: usize, step: usize) -> View {
        self.piece(self.call.backward_scratch[DGATES], gate * self.steps + step)
    }

    /// The output before a step; after the last it is at `steps`.
    pub(super) fn state(&self, step: usize) -> View {
        self.piece(self.call.saved[STATES], step)
    }

    /// The carry before a step.
    pub(super) fn carry(&self, step: usize) -> View {
        self.piece(self.call.saved[EXTRA], step)
    }

    /// What a cell with an inner value keeps of a step.
    pub(super) fn inner(&self, step: usize) -> View {
        self.piece(self.call.saved[EXTRA], step)
    }

    /// Gradient of [`Loop::inner`].
    pub(super) fn dinner(&self, step: usize) -> View {
        self.piece(self.call.backward_scratch[DINNER], step)
    }

    /// The state as a gate's part of the recurrent kernel sees it: with dropout, if any.
    pub(super) fn seen(&self, gate: usize, step: usize) -> View {
        match self.dropped {
            Some((_, states)) => self.piece(states, gate * self.steps + step),
            None => self.state(step),
        }
    }

    /// The mask of a step, `[batch, 1]`.
    pub(super) fn mask(&self, step: usize) -> Option<View> {
        self.mask
            .map(|m| m.reshape(Shape::of(&[m.size()])).cut(step * self.batch, Shape::of(&[self.batch, 1])))
    }

    /// A piece of scratch during forward.
    pub(super) fn spare(&self) -> View {
        self.call.scratch[0]
    }

    /// A piece of scratch during backward.
    pub(super) fn backward_spare(&self) -> View {
        self.call.backward_scratch[SPARE]
    }

    /// Gradient of the state after the step under way.
    pub(super) fn dstate(&self) -> View {
        self.call.backward_scratch[DSTATE]
    }

    /// Gradient of the carry after the step under way; scratch for cells without one.
    pub(super) fn dcarry(&self) -> View {
        self.call.backward_scratch[DCARRY]
    }

    /// `value` where the step counts, else `before`.
    pub(super) fn keep(&self, chain: &mut Chain, step: usize, value: u16, before: u16) -> u16 {
        match self.mask(step) {
            Some(mask) => {
                let mask = chain.input(mask);
                chain.select(mask, value, before)
            }
            None => value,
        }
    }

    fn stream(&self, draw: u32) -> Stream {
        let stream = self.call.stream(self.cx, draw);
        Stream { seed: self.sequence.seed.unwrap_or(stream.seed), ..stream }
    }

    /// The walk between `[batch, steps, width]` in time and `[steps, batch, width]` in the order of the loop.
    fn walk_in(&self, width: usize) -> (Shape, usize, [isize; MAX_RANK]) {
        let mut strides = [0; MAX_RANK];
        strides[..3].copy_from_slice(&[width as isize, (self.steps * width) as isize, 1]);
        let mut first = 0;
        if self.sequence.go_backwards {
            (first, strides[0]) = ((self.steps - 1) * width, -strides[0]);
        }
        (Shape::of(&[self.steps, self.batch, width]), first, strides)
    }

    /// The product of all steps' inputs with the kernel.
    const fn input_product(&self) -> Gemm {
        let Sequence { units, gates, .. } = *self.sequence;
        let rows = self.steps * self.batch;
        let each = if self.draws > 1 { rows * self.features } else { 0 };
        Gemm {
            batch: [gates, 1],
            a: Strides::rows(self.features).batched(each, 0),
            b: Strides { batch: [units, 0], row: gates * units, col: 1 },
            c: Strides::rows(units).batched(rows * units, 0),
            ..Gemm::new(rows, units, self.features)
        }
    }

    /// Turns the input around, fills the gates with its products, and sets the initial state. `bias` is that of all gates.
    pub(super) fn begin(&self, bias: Option<View>) {
        let (device, call) = (self.cx.device, self.call);
        let Sequence { units, gates, dropout, recurrent_dropout, .. } = *self.sequence;
        let x = call.inputs[0];
        let (shape, from, from_strides) = self.walk_in(self.features);
        let to_strides = shape.strides().map(|s| s as isize);
        let walk = Walk { shape, from, from_strides, to: 0, to_strides };
        let steps = call.saved[STEPS];
        if dropout > 0.0 && self.cx.training {
            let whole = call.scratch[1 + self.sequence.return_sequences as usize].reshape(shape);
            device.walk(&walk, x, Grad::write(whole));
            for draw in 0..self.draws {
                self.drop_input(draw, whole, Grad::write(steps.cut(draw * shape.size(), shape)));
            }
        } else {
            let steps = steps.cut(0, shape);
            device.walk(&walk, x, Grad::write(steps));
        }
        if let Some(mask) = call.input_masks.first().copied().flatten() {
            let (shape, from, from_strides) = self.walk_in(1);
            let to_strides = shape.strides().map(|s| s as isize);
            let walk = Walk { shape, from, from_strides, to: 0, to_strides };
            device.walk(&walk, mask, Grad::write(call.saved[MASK]));
        }
        device.gemm(
            &self.input_product(),
            steps,
            call.weights[KERNEL],
            None,
            Activation::Linear,
            Grad::write(self.inputs),
        );
        if let Some(bias) = bias {
            self.add_bias(bias, gates);
        }
        for (at, start) in
            [self.state(0), self.carry_or_state(0)].iter().take(self.sequence.states()).enumerate()
        {
            match call.inputs.get(1 + at) {
                Some(given) => copy(self.cx, *given, Grad::write(*start)),
                None => device.fill(0.0, *start),
            }
        }
        if let Some((factors, _)) = self.dropped {
            let shape = Shape::of(&[self.batch, units]);
            device.fill(1.0, self.spare());
            for gate in 0..gates {
                let stream = self.stream(STATE_DRAW + gate as u32);
                let to = Grad::write(self.piece(factors, gate));
                device.dropout(stream, recurrent_dropout, shape, self.spare(), to);
            }
        }
    }

    /// Input, or its gradient, with a pattern of dropout that is the same at every step.
    fn drop_input(&self, draw: usize, from: View, to: Grad) {
        let noise = Shape::of(&[1, self.batch, self.features]);
        self.cx.device.dropout(self.stream(INPUT_DRAW + draw as u32), self.sequence.dropout, noise, from, to);
    }

    /// Adds a bias to the inputs of the first `count` gates.
    pub(super) fn add_bias(&self, bias: View, count: usize) {
        let units = self.sequence.units;
        let rows = self.inputs.cut(0, Shape::of(&[count, self.steps * self.batch, units]));
        let mut chain = Chain::new();
        let (value, bias) = (chain.input(rows), chain.input(bias.reshape(Shape::of(&[count, 1, units]))));
        let sum = chain.add(value, bias);
        chain.run(self.cx.device, &[(sum, Grad::write(rows))]);
    }

    fn carry_or_state(&self, step: usize) -> View {
        if self.sequence.carry { self.carry(step) } else { self.state(step) }
    }

    /// Drops part of the state before a step.
    pub(super) fn see(&self, step: usize) {
        let Some((factors, _)) = self.dropped else { return };
        for gate in 0..self.sequence.gates {
            let mut chain = Chain::new();
            let (state, factors) = (chain.input(self.state(step)), chain.input(self.piece(factors, gate)));
            let product = chain.mul(state, factors);
            chain.run(self.cx.device, &[(product, Grad::write(self.seen(gate, step)))]);
        }
    }

    /// Adds the product of a state with the recurrent kernel to the inputs of the first `count` gates.
    pub(super) fn recur(&self, step: usize, count: usize) {
        let Sequence { units, gates, .. } = *self.sequence;
        let each = if self.dropped.is_some() { self.steps * self.size() } else { 0 };
        let product = Gemm {
            batch: [count, 1],
            a: Strides::rows(units).batched(each, 0),
            b: Strides { batch: [units, 0], row: gates * units, col: 1 },
            c: Strides::rows(units).batched(self.steps * self.size(), 0),
            ..Gemm::new(self.batch, units, units)
        };
        let (product, kernel) = match self.call.packed.get(FORWARD) {
            Some(packed) => (product.b_packed([self.sequence.packed_len(), 0]), *packed),
            None => (product, self.call.weights[RECURRENT]),
        };
        let seen = self.since(self.dropped.map_or(self.call.saved[STATES], |(_, states)| states), step);
        let to = self.since(self.inputs, step);
        self.cx.device.gemm(&product, seen, kernel, None, Activation::Linear, Grad::add(to));
    }

    /// A buffer of pieces `[batch, units]` from that of a step on.
    fn since(&self, of: View, step: usize) -> View {
        let flat = of.reshape(Shape::of(&[of.size()]));
        flat.cut(step * self.size(), Shape::of(&[flat.size() - step * self.size()]))
    }

    /// `to = state R_gate`, for one gate.
    pub(super) fn product(&self, state: View, gate: usize, bias: Option<View>, to: Grad) {
        let layout = Strides::rows(self.sequence.gates * self.sequence.units);
        self.one_gate(FORWARD, layout, state, gate, bias, to);
    }

    /// `to = gradient R_gate'`, for one gate.
    pub(super) fn product_back(&self, gradient: View, gate: usize, to: Grad) {
        let layout = Strides::transposed(self.sequence.gates * self.sequence.units);
        self.one_gate(BACK, layout, gradient, gate, None, to);
    }

    /// The product with one gate of the recurrent kernel, in its packed form if there is one, else as `layout` says.
    fn one_gate(&self, form: usize, layout: Strides, a: View, gate: usize, bias: Option<View>, to: Grad) {
        let (sequence, call) = (self.sequence, self.call);
        let product = Gemm { b: layout, ..Gemm::new(self.batch, sequence.units, sequence.units) };
        let (product, kernel) = match call.packed.get(form) {
            Some(packed) => (product.b_packed([0, 0]), sequence.packed_gate(*packed, gate)),
            None => (product, sequence.gate_of(call.weights[RECURRENT], gate)),
        };
        self.cx.device.gemm(&product, a, kernel, bias, Activation::Linear, to);
    }

    /// Applies a gate's activation.
    pub(super) fn activate(&self, f: Activation, gate: usize, step: usize) {
        self.cx.device.activation(f, self.gate_input(gate, step), self.gate(gate, step));
    }

    /// Turns the gradient of a gate into that of its input, in place.
    pub(super) fn activate_back(&self, f: Activation, gate: usize, step: usize) {
        let input = self.sequence.keeps_input.then(|| self.gate_input(gate, step));
        let gradient = self.dgate(gate, step);
        self.cx.device.activation_grad(f, input, self.gate(gate, step), gradient, Grad::write(gradient));
    }

    /// Writes the outputs.
    pub(super) fn finish(&self) {
        let (device, call) = (self.cx.device, self.call);
        let Sequence { units, return_sequences, return_state, zero_output_for_mask, .. } = *self.sequence;
        let zeroes = zero_output_for_mask && self.mask.is_some();
        if return_sequences {
            let shape = Shape::of(&[self.steps, self.batch, units]);
            let mut from = call.saved[STATES].cut(self.size(), shape);
            if let (true, Some(mask)) = (zeroes, self.mask) {
                let masked = call.scratch[1].reshape(shape);
                let mut chain = Chain::new();
                let mask = chain.input(mask.reshape(Shape::of(&[self.steps, self.batch, 1])));
                let (value, zero) = (chain.input(from), chain.scalar(0.0));
                let value = chain.select(mask, value, zero);
                chain.run(device, &[(value, Grad::write(masked))]);
                from = masked;
            }
            let (shape, to_strides) = self.output_walk();
            let from_strides = shape.strides().map(|s| s as isize);
            let walk = Walk { shape, from: 0, from_strides, to: 0, to_strides };
            device.walk(&walk, from, Grad::write(call.outputs[0]));
        } else {
            let mut chain = Chain::new();
            let mut value = chain.input(self.state(self.steps));
            if zeroes {
                let zero = chain.scalar(0.0);
                value = self.keep(&mut chain, self.steps - 1, value, zero);
            }
            chain.run(device, &[(value, Grad::write(call.outputs[0]))]);
        }
        if return_state {
            copy(self.cx, self.state(self.steps), Grad::write(call.outputs[1]));
            if self.sequence.carry {
                copy(self.cx, self.carry(self.steps), Grad::write(call.outputs[2]));
            }
        }
    }

    /// Strides of the output, whose steps are in the order of the loop, for a walk over `[steps, batch, units]`.
    fn output_walk(&self) -> (Shape, [isize; MAX_RANK]) {
        let units = self.sequence.units;
        let mut strides = [0; MAX_RANK];
        strides[..3].copy_from_slice(&[units as isize, (self.steps * units) as isize, 1]);
        (Shape::of(&[self.steps, self.batch, units]), strides)
    }

    /// Sets the gradients of the states after the last step.
    pub(super) fn begin_back(&self) {
        let (device, call) = (self.cx.device, self.call);
        let Sequence { return_sequences, return_state, carry, .. } = *self.sequence;
        if return_sequences {
            let (shape, from_strides) = self.output_walk();
            let to_strides = shape.strides().map(|s| s as isize);
            let walk = Walk { shape, from: 0, from_strides, to: 0, to_strides };
            device.walk(&walk, call.output_grads[0], Grad::write(call.backward_scratch[DOUTPUT]));
        }
        for (at, to) in [self.dstate(), self.dcarry()].iter().take(1 + carry as usize).enumerate() {
            if return_state {
                copy(self.cx, call.output_grads[1 + at], Grad::write(*to));
            } else {
                device.fill(0.0, *to);
            }
        }
        if !return_sequences {
            self.add_output_grad(call.output_grads[0], self.steps - 1);
        }
    }

    /// Adds the gradient of a step's output to that of the state after it.
    pub(super) fn output_back(&self, step: usize) {
        if self.sequence.return_sequences {
            self.add_output_grad(self.piece(self.call.backward_scratch[DOUTPUT], step), step);
        }
    }

    fn add_output_grad(&self, gradient: View, step: usize) {
        let mut chain = Chain::new();
        let mut value = chain.input(gradient);
        if self.sequence.zero_output_for_mask {
            let zero = chain.scalar(0.0);
            value = self.keep(&mut chain, step, value, zero);
        }
        chain.run(self.cx.device, &[(value, Grad::add(self.dstate()))]);
    }

    /// Adds the gradients that reach the state before a step through the gates `gates`.
    pub(super) fn recur_back(&self, step: usize, gates: std::ops::Range<usize>) {
        for gate in gates {
            match self.dropped {
                None => self.product_back(self.dgate(gate, step), gate, Grad::add(self.dstate())),
                Some(_) => {
                    self.product_back(self.dgate(gate, step), gate, Grad::write(self.backward_spare()));
                    self.add_seen(gate, self.backward_spare());
                }
            }
        }
    }

    /// Adds a gradient of the state that a gate's part of the recurrent kernel saw.
    pub(super) fn add_seen(&self, gate: usize, gradient: View) {
        match self.dropped {
            Some((factors, _)) => self.add_dropped(self.piece(factors, gate), gradient),
            None => copy(self.cx, gradient, Grad::add(self.dstate())),
        }
    }

    fn add_dropped(&self, factors: View, gradient: View) {
        let mut chain = Chain::new();
        let (gradient, factors) = (chain.input(gradient), chain.input(factors));
        let product = chain.mul(gradient, factors);
        chain.run(self.cx.device, &[(product, Grad::add(self.dstate()))]);
    }

    /// All states that the recurrent kernel saw, `[steps * batch, units]`, from a gate's own on if they are dropped.
    pub(super) fn all_seen(&self, gate: usize) -> Source {
        match self.dropped {
            Some((_, states)) => {
                let each = self.steps * self.size();
                Source { view: self.since(states, gate * self.steps), each }
            }
            None => Source { view: self.call.saved[STATES], each: 0 },
        }
    }

    /// The product of a transposed buffer `[steps * batch, width]` with gradients of `count` gates, into the columns of the
    /// kernel's gradient from gate `gate` on.
    pub(super) fn kernel_grad(
        &self,
        from: Source,
        width: usize,
        gradients: View,
        gate: usize,
        count: usize,
        to: Grad,
    ) {
        let Sequence { units, gates, .. } = *self.sequence;
        let rows = self.steps * self.batch;
        let product = Gemm {
            batch: [count, 1],
            a: Strides::transposed(width).batched(from.each, 0),
            b: Strides::rows(units).batched(rows * units, 0),
            c: Strides { batch: [units, 0], row: gates * units, col: 1 },
            ..Gemm::new(width, units, rows)
        };
        let to = Grad { view: self.sequence.gate_of(to.view, gate), mode: to.mode };
        self.cx.device.gemm(&product, from.view, gradients, None, Activation::Linear, to);
    }

    /// Gradient of the recurrent kernel's first `count` gates.
    pub(super) fn recurrent_grad(&self, count: usize, to: Grad) {
        let gradients = self.call.backward_scratch[DGATES];
        self.kernel_grad(self.all_seen(0), self.sequence.units, gradients, 0, count, to);
    }

    /// Gradients of everything outside the loop but the recurrent kernel and the bias.
    pub(super) fn finish_back(&self) {
        let (device, call) = (self.cx.device, self.call);
        let Sequence { units, gates, dropout, inner, .. } = *self.sequence;
        let rows = self.steps * self.batch;
        let dgates = call.backward_scratch[DGATES];
        if let Some(dkernel) = call.weight_grads[KERNEL] {
            let each = if self.draws > 1 { rows * self.features } else { 0 };
            let from = Source { view: call.saved[STEPS], each };
            self.kernel_grad(from, self.features, dgates, 0, gates, dkernel);
        }
        if let Some(dx) = call.input_grads[0] {
            let (shape, to, to_strides) = self.walk_in(self.features);
            let mut dsteps = call.backward_scratch[DSTEPS].reshape(shape);
            let drops = dropout > 0.0 && self.cx.training;
            let dropped = || call.backward_scratch[DINNER + inner as usize].reshape(shape);
            for gate in 0..gates {
                let b = Strides { batch: [0, 0], row: 1, col: gates * units };
                let product = Gemm { b, ..Gemm::new(rows, self.features, units) };
                let from = dgates.cut(gate * rows * units, Shape::of(&[rows, units]));
                let own = drops && self.draws > 1;
                let sum = if gate == 0 { Grad::write(dsteps) } else { Grad::add(dsteps) };
                let grad = if own { Grad::write(dropped()) } else { sum };
                let kernel = self.sequence.gate_of(call.weights[KERNEL], gate);
                device.gemm(&product, from, kernel, None, Activation::Linear, grad);
                if own {
                    self.drop_input(gate, dropped(), sum);
                }
            }
            if drops && self.draws == 1 {
                self.drop_input(0, dsteps, Grad::write(dropped()));
                dsteps = dropped();
            }
            let from_strides = shape.strides().map(|s| s as isize);
            let walk = Walk { shape, from: 0, from_strides, to, to_strides };
            device.walk(&walk, dsteps, dx);
        }
        for (at, from) in [self.dstate(), self.dcarry()].iter().enumerate() {
            if let Some(Some(dinitial)) = call.input_grads.get(1 + at) {
                copy(self.cx, *from, *dinitial);
            }
        }
    }

    /// Sums the gradients of the first `count` gates' inputs over all steps and samples.
    pub(super) fn bias_grad(&self, from: View, count: usize, to: Grad) {
        let units = self.sequence.units;
        let rows = from.cut(0, Shape::of(&[count, self.steps * self.batch, units]));
        let to = Grad { view: to.view.reshape(Shape::of(&[to.view.size()])), mode: to.mode };
        let to = Grad { view: to.view.cut(0, Shape::of(&[count, units])), mode: to.mode };
        self.cx.device.reduce(Reduce::Sum, Axes::NONE.with(1), rows, to);
    }

    /// Inner values of all steps.
    pub(super) fn inner_all(&self) -> View {
        self.call.saved[EXTRA]
    }

    /// Gradients of the inner values of all steps.
    pub(super) fn dinner_all(&self) -> View {
        self.call.backward_scratch[DINNER]
    }

    /// The gradients of the inputs of a gate and those after it.
    pub(super) fn dgates_from(&self, gate: usize) -> View {
        let all = self.dgates();
        let first = gate * self.steps * self.size();
        all.reshape(Shape::of(&[all.size()])).cut(first, Shape::of(&[all.size() - first]))
    }

    /// The gradients of all gates' inputs.
    pub(super) fn dgates(&self) -> View {
        self.call.backward_scratch[DGATES]
    }
}
