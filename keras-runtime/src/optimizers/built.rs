//! An optimizer's buffers, and its passes over the stretches of weights that are trained.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary, Value};
use keras_kernels::optimizer::{Before, Rule};
use keras_kernels::{Block, DType, Device, Grad, Shape, View};

use super::{MAX_SCALARS, Optimizer, Symbols};
use crate::engine::{Network, Variable};
use crate::training::formula::{Passes, Tape};
use crate::training::read_number;
use crate::{Error, Result};

/// Neighbouring trained variables that are moved by one pass.
pub(super) struct Stretch {
    weights: View,
    grads: View,
    /// Average, accumulator (if wanted), then the rule's.
    slots: Vec<View>,
    /// Whether weight decay is for these.
    pub decays: bool,
    /// Operands of the formula, if the rule is one.
    inputs: Vec<View>,
    outputs: Vec<Grad>,
}

/// How a stretch is moved.
enum Pass {
    /// By a kernel.
    Rule(Rule),
    /// By a formula: instructions, and which of their values are the weight and the slots.
    Formula(Vec<Instr>, Vec<Value>),
}

/// Places of [`Before`]'s numbers among a formula's scalars.
const SCALE: usize = MAX_SCALARS;
const CLIP: usize = MAX_SCALARS + 1;
const DECAY: usize = MAX_SCALARS + 2;
const SCALARS: usize = MAX_SCALARS + 3;

/// Buffers and passes, once the optimizer met its network.
pub(super) struct Built {
    block: Box<dyn Block>,
    /// Numbers in one slot.
    params: usize,
    float: DType,
    /// In the order of files.
    pub trainable: Vec<Variable>,
    /// In the order of memory.
    pub stretches: Vec<Stretch>,
    pass: Pass,
    /// Which slot is the first of the rule.
    first: usize,
    /// One number for the square of a norm, after the slots.
    pub norm: View,
}

impl Built {
    /// Buffers for slots of these names, the first `own` of which are not the rule's.
    pub(super) fn new(
        network: &Network,
        optimizer: &dyn Optimizer,
        names: &[&str],
        own: usize,
    ) -> Result<Built> {
        let (params, float, device) = (network.params(), network.float(), network.device());
        let block = device.allocate((names.len() * params + 1) * float.size())?;
        // Files list variables in Keras' order, which need not be that of creation.
        let trained = crate::saving::weights::trained(network).into_iter();
        let trainable: Vec<Variable> = trained.map(|at| network.variables()[at].clone()).collect();
        let norm = number_at(&*block, float, names.len() * params, 1);
        let (pass, order) = match optimizer.rule() {
            Some(rule) => (Pass::Rule(rule), Vec::new()),
            None => formula(optimizer, names.len() - own),
        };
        let mut built =
            Built { block, params, float, trainable, stretches: Vec::new(), pass, first: own, norm };
        let settings = optimizer.settings();
        let mut by_place = built.trainable.clone();
        by_place.sort_by_key(|v| v.offset);
        for v in &by_place {
            let decays = !settings.exclude_from_weight_decay.iter().any(|n| v.spec.name.contains(n.as_str()));
            built.stretch(network, v, decays, settings.clipnorm.is_some(), names.len())?;
        }
        for (at, name) in names.iter().enumerate() {
            match *name {
                // Keras starts the average at the weights; the first step overwrites it anyway.
                "average" => built.stretches.iter().for_each(|s| copy(device, s.weights, s.slots[at])),
                "gradient_accumulator" => {}
                name => device.fill(optimizer.initial(name), built.slot(at, 0, params)),
            }
        }
        for stretch in &mut built.stretches {
            let Stretch { weights, grads, slots, .. } = stretch;
            let views: Vec<View> =
                [*weights, *grads].into_iter().chain(slots[own..].iter().copied()).collect();
            stretch.inputs = order.iter().map(|i| views[usize::from(*i)]).collect();
            let outputs = views.iter().enumerate().filter(|(i, _)| *i != 1);
            stretch.outputs = outputs.map(|(_, v)| Grad::write(*v)).collect();
        }
        Ok(built)
    }

    /// Adds a variable: to the last stretch if it lies beside that and is treated alike, else as a new one.
    fn stretch(
        &mut self,
        network: &Network,
        v: &Variable,
        decays: bool,
        alone: bool,
        slots: usize,
    ) -> Result<()> {
        let (mut offset, mut len) = (v.offset, v.size());
        let start = network.weights(offset, len).address();
        let joins = |last: &mut Stretch| {
            let beside =
                last.weights.address().wrapping_add(last.weights.size() * self.float.size()) == start;
            !alone && beside && last.decays == decays
        };
        if let Some(last) = self.stretches.pop_if(joins) {
            (offset, len) = (offset - last.weights.size(), len + last.weights.size());
        }
        let grads = network.grads(offset, len).ok_or_else(|| {
            Error::Argument("an optimizer needs a network that was prepared for training".into())
        })?;
        self.stretches.push(Stretch {
            weights: network.weights(offset, len),
            grads,
            slots: (0..slots).map(|at| self.slot(at, offset, len)).collect(),
            decays,
            inputs: Vec::new(),
            outputs: Vec::new(),
        });
        Ok(())
    }

    /// A piece of slot `at`.
    pub(super) fn slot(&self, at: usize, offset: usize, len: usize) -> View {
        assert!(offset + len <= self.params);
        number_at(&*self.block, self.float, at * self.params + offset, len)
    }

    /// Adds `scale` times the gradients to the accumulators; at the last of the steps the sums go back into the gradients.
    pub(super) fn accumulate(&self, device: &Device, scale: f64, last: bool) {
        // The accumulator comes right before the rule's slots.
        for Stretch { grads, slots, .. } in &self.stretches {
            let sum = slots[self.first - 1];
            weighted_sum(device, (scale, *grads), (1.0, sum), if last { *grads } else { sum });
            if last {
                device.fill(0.0, sum);
            }
        }
    }

    /// The norm whose square was summed up.
    pub(super) fn read_norm(&self, device: &Device) -> f64 {
        read_number(device, self.norm).sqrt()
    }

    /// Moves a stretch.
    pub(super) fn pass(&self, device: &Device, at: usize, before: &Before, scalars: &[f64; MAX_SCALARS]) {
        let Stretch { weights, grads, slots, inputs, outputs, .. } = &self.stretches[at];
        match &self.pass {
            Pass::Rule(rule) => {
                device.update(rule, before, scalars, *weights, *grads, &slots[self.first..]);
            }
            Pass::Formula(instrs, values) => {
                let mut all = [0.0; SCALARS];
                all[..MAX_SCALARS].copy_from_slice(scalars);
                (all[SCALE], all[CLIP], all[DECAY]) = (before.scale, before.clip, before.decay);
                device.map(&Program { instrs, outputs: values }, &all, inputs, outputs);
            }
        }
    }

    /// `average = momentum * average + (1 - momentum) * weight`.
    pub(super) fn average(&self, device: &Device, momentum: f64) {
        for Stretch { weights, slots, .. } in &self.stretches {
            weighted_sum(device, (momentum, slots[0]), (1.0 - momentum, *weights), slots[0]);
        }
    }

    /// The weights become their average.
    pub(super) fn overwrite(&self, device: &Device) {
        self.stretches.iter().for_each(|stretch| copy(device, stretch.slots[0], stretch.weights));
    }
}

impl Stretch {
    /// The sum of the squares of the gradients.
    pub(super) fn add_squares(&self, device: &Device, to: Grad) {
        const SQUARE: &[Instr] = &[Instr::Input(0), Instr::Unary(Unary::Square, 0)];
        device.map(&Program { instrs: SQUARE, outputs: &[1] }, &[], &[self.grads], &[to]);
    }
}

/// `len` numbers of a block.
fn number_at(block: &dyn Block, float: DType, at: usize, len: usize) -> View {
    assert!((at + len) * float.size() <= block.len());
    // SAFETY: inside the block, which `Built` keeps beside the view; aligned to whole floats.
    unsafe { View::new(block.address().add(at * float.size()), Shape::of(&[len]), float) }
}

/// The rule as one pass (outputs are the weight and the slots), and its inputs by number: weight, gradient, slots.
fn formula(optimizer: &dyn Optimizer, slots: usize) -> (Pass, Vec<u8>) {
    let tape = Tape::new(1);
    let (weight, bound) = (tape.element(0), tape.scalar(CLIP as u8));
    let symbols = Symbols {
        weight: weight - weight * tape.scalar(DECAY as u8),
        gradient: (tape.element(1) * tape.scalar(SCALE as u8)).max(-bound).min(bound),
        slots: (0..slots).map(|i| tape.element(2 + i as u8)).collect(),
        scalars: std::array::from_fn(|i| tape.scalar(i as u8)),
    };
    let update = optimizer.update(&symbols);
    assert_eq!(update.slots.len(), slots, "an optimizer's rule yields every slot");
    let outputs: Vec<_> = std::iter::once(update.weight).chain(update.slots).collect();
    let (instrs, values, order) = Passes::single(&outputs);
    (Pass::Formula(instrs, values), order)
}

fn copy(device: &Device, from: View, to: View) {
    device.map(&Program { instrs: &[Instr::Input(0)], outputs: &[0] }, &[], &[from], &[Grad::write(to)]);
}

/// `to = a.0 * a.1 + b.0 * b.1`; `to` may be the memory of either.
fn weighted_sum(device: &Device, a: (f64, View), b: (f64, View), to: View) {
    const SUM: &[Instr] = &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Scalar(0),
        Instr::Scalar(1),
        Instr::Binary(Binary::Mul, 0, 2),
        Instr::Binary(Binary::Mul, 1, 3),
        Instr::Binary(Binary::Add, 4, 5),
    ];
    device.map(&Program { instrs: SUM, outputs: &[6] }, &[a.0, b.0], &[a.1, b.1], &[Grad::write(to)]);
}
