//! An optimizer at work: its slots as flat buffers beside the weights, one pass a step.

use keras_kernels::elementwise::{Binary, Instr, Program, Unary, Value};
use keras_kernels::{Block, DType, Device, Grad, Shape, View};

use super::{LearningRate, MAX_SCALARS, Optimizer, StepInfo, Symbols};
use crate::engine::{Network, Variable};
use crate::initializers::{download, upload};
use crate::training::formula::{Passes, Tape};
use crate::{Error, Result};

/// One variable of an optimizer, as a file holds it.
#[derive(Clone, Debug, PartialEq)]
pub struct OptimizerVariable {
    /// Keras' name: `dense_kernel_momentum`.
    pub name: String,
    /// Its shape (empty for a number).
    pub shape: Vec<usize>,
    /// Its numbers.
    pub values: Vec<f64>,
    /// Whether it is a whole number (the iterations).
    pub integer: bool,
}

/// A stretch of the flat buffers that one pass updates.
struct Range {
    inputs: Vec<View>,
    outputs: Vec<Grad>,
    decays: bool,
}

/// Buffers and passes, once the optimizer met its network.
struct Built {
    block: Box<dyn Block>,
    /// Numbers in one slot.
    params: usize,
    float: DType,
    trainable: Vec<Variable>,
    instrs: Vec<Instr>,
    values: Vec<Value>,
    ranges: Vec<Range>,
    /// One number for norms, after the slots.
    norm: View,
}

/// An optimizer with its state: iterations, learning rate, slots.
pub struct OptimizerState {
    optimizer: Box<dyn Optimizer>,
    iterations: u64,
    learning_rate: f64,
    extras: Vec<f64>,
    built: Option<Built>,
}

/// Place of `weight_decay * learning_rate` among the scalars.
const DECAY: usize = MAX_SCALARS;
/// Scalars in all.
const SCALARS: usize = MAX_SCALARS + 1;

impl OptimizerState {
    /// An optimizer that has taken no step.
    pub fn new(optimizer: Box<dyn Optimizer>) -> OptimizerState {
        let extras = optimizer.extras().into_iter().map(|(_, value)| value).collect();
        let learning_rate = match optimizer.settings().learning_rate {
            LearningRate::Constant(value) => value,
            LearningRate::Schedule(_) => f64::NAN,
        };
        OptimizerState { optimizer, iterations: 0, learning_rate, extras, built: None }
    }

    /// The rule.
    pub fn optimizer(&self) -> &dyn Optimizer {
        &*self.optimizer
    }

    /// Steps taken.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        match &self.optimizer.settings().learning_rate {
            LearningRate::Constant(_) => self.learning_rate,
            LearningRate::Schedule(schedule) => schedule.at(self.iterations),
        }
    }

    /// Sets the learning rate.
    ///
    /// # Errors
    /// If it follows a schedule.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        let settings = self.optimizer.settings_mut();
        if let LearningRate::Schedule(schedule) = &settings.learning_rate {
            return Err(Error::Argument(format!(
                "the learning rate follows {}, so it cannot be set; give the optimizer a number to change it",
                schedule.class_name()
            )));
        }
        settings.learning_rate = LearningRate::Constant(learning_rate);
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// Whether the slots exist.
    pub fn is_built(&self) -> bool {
        self.built.is_some()
    }

    /// What the loss is multiplied by before its gradient is taken.
    pub fn loss_scale(&self) -> f64 {
        self.optimizer.settings().loss_scale_factor.unwrap_or(1.0)
    }

    /// Slots before those of the rule: the average, the accumulator.
    fn own_slots(&self) -> Vec<&'static str> {
        let settings = self.optimizer.settings();
        let average = settings.use_ema.then_some("average");
        let accumulator = settings.gradient_accumulation_steps.map(|_| "gradient_accumulator");
        average.into_iter().chain(accumulator).collect()
    }

    /// Groups of slots in the order of a file.
    fn groups(&self) -> Vec<Vec<&'static str>> {
        let own = self.own_slots().into_iter().map(|name| vec![name]);
        own.chain(self.optimizer.slots()).collect()
    }

    /// Makes the slots for a network's trainable weights, unless they exist. A training pass was prepared before.
    ///
    /// # Errors
    /// If options contradict each other, or the device has too little memory.
    pub fn build(&mut self, network: &Network) -> Result<()> {
        if self.built.is_some() {
            return Ok(());
        }
        let settings = self.optimizer.settings();
        settings.check(self.optimizer.class_name())?;
        let (params, float, device) = (network.params(), network.float(), network.device());
        let names: Vec<&str> = self.groups().into_iter().flatten().collect();
        let block = device.allocate((names.len() * params + 1) * float.size())?;
        let slot = |at: usize, offset: usize, len: usize| {
            assert!(at * params + offset + len <= names.len() * params + 1);
            // SAFETY: inside the block, which lives as long as the passes that use the view, aligned to whole floats.
            unsafe {
                View::new(
                    block.address().add((at * params + offset) * float.size()),
                    Shape::of(&[len]),
                    float,
                )
            }
        };
        // Files list slots in Keras' order, which need not be that of creation.
        let trained = crate::saving::weights::trained(network).into_iter();
        let trainable: Vec<Variable> = trained.map(|at| network.variables()[at].clone()).collect();
        for (at, name) in names.iter().enumerate() {
            let initial = match *name {
                // Keras starts the average at the weights; the first step overwrites it anyway.
                "average" => {
                    for v in &trainable {
                        let weights = network.weights(v.offset, v.size());
                        copy(device, weights, slot(at, v.offset, v.size()));
                    }
                    continue;
                }
                "gradient_accumulator" => 0.0,
                name => self.optimizer.initial(name),
            };
            device.fill(initial, slot(at, 0, params));
        }
        let (instrs, values, order) = self.formula(names.len() - self.own_slots().len());
        let first = self.own_slots().len();
        let excluded = &settings.exclude_from_weight_decay;
        let mut ranges = Vec::new();
        let mut by_place = trainable.clone();
        by_place.sort_by_key(|v| v.offset);
        for (offset, len, decays) in stretches(&by_place, excluded) {
            let grads = network.grads(offset, len).ok_or_else(|| {
                Error::Argument("an optimizer needs a network that was prepared for training".into())
            })?;
            let views: Vec<View> = [network.weights(offset, len), grads]
                .into_iter()
                .chain((first..names.len()).map(|at| slot(at, offset, len)))
                .collect();
            let outputs = views.iter().enumerate().filter(|(i, _)| *i != 1).map(|(_, v)| Grad::write(*v));
            ranges.push(Range {
                outputs: outputs.collect(),
                inputs: order.iter().map(|i| views[usize::from(*i)]).collect(),
                decays,
            });
        }
        let norm = slot(names.len(), 0, 1);
        self.built = Some(Built { block, params, float, trainable, instrs, values, ranges, norm });
        Ok(())
    }

    /// The rule as one pass: outputs are the weight and the slots, inputs the weight, the gradient and the slots.
    fn formula(&self, slots: usize) -> (Vec<Instr>, Vec<Value>, Vec<u8>) {
        let tape = Tape::new(1);
        let weight = tape.element(0);
        let decayed = match self.optimizer.settings().weight_decay {
            Some(_) => weight - weight * tape.scalar(DECAY as u8),
            None => weight,
        };
        // A rule sees the slots in the order of its own list.
        let symbols = Symbols {
            weight: decayed,
            gradient: tape.element(1),
            slots: (0..slots).map(|i| tape.element(2 + i as u8)).collect(),
            scalars: std::array::from_fn(|i| tape.scalar(i as u8)),
        };
        let update = self.optimizer.update(&symbols);
        assert_eq!(update.slots.len(), slots, "an optimizer's rule yields every slot");
        let outputs: Vec<_> = std::iter::once(update.weight).chain(update.slots).collect();
        Passes::single(&outputs)
    }

    /// Moves the weights along the gradients, which it may change. Allocates nothing.
    ///
    /// # Panics
    /// If it was not built.
    pub fn step(&mut self, network: &mut Network) {
        let mut learning_rate = self.learning_rate();
        if network.float() == DType::F32 {
            // Keras keeps it in 32 bits, and so do files: training that goes on from one takes the same steps.
            learning_rate = f64::from(learning_rate as f32);
        }
        let settings = self.optimizer.settings();
        let built = self.built.as_ref().expect("an optimizer is built before its first step");
        // As in Keras: where nothing is trained, no step is taken.
        if built.trainable.is_empty() {
            return;
        }
        let device = network.device();
        if let Some(scale) = settings.loss_scale_factor {
            built.each(network, |_, g| scale_by(device, 1.0 / scale, g));
        }
        // Keras counts updates, not steps, where gradients accumulate.
        let updates = self.iterations / settings.gradient_accumulation_steps.unwrap_or(1);
        let mut update = true;
        if let Some(steps) = settings.gradient_accumulation_steps {
            let at = usize::from(settings.use_ema);
            update = (self.iterations + 1).is_multiple_of(steps);
            built.each(network, |v, g| {
                let sum = built.slot(at, v.offset, v.size());
                if update {
                    add_to(device, sum, g);
                    scale_by(device, 1.0 / steps as f64, g);
                    device.fill(0.0, sum);
                } else {
                    add_to(device, g, sum);
                }
            });
        }
        if update {
            if let Some(norm) = settings.clipnorm.filter(|n| *n > 0.0) {
                built.each(network, |_, g| {
                    square_sum(device, Grad::write(built.norm), g);
                    clip_by_norm(device, norm, built.norm, g);
                });
            } else if let Some(norm) = settings.global_clipnorm.filter(|n| *n > 0.0) {
                device.fill(0.0, built.norm);
                built.each(network, |_, g| square_sum(device, Grad::add(built.norm), g));
                built.each(network, |_, g| clip_by_norm(device, norm, built.norm, g));
            } else if let Some(bound) = settings.clipvalue.filter(|n| *n > 0.0) {
                built.each(network, |_, g| clip_by_value(device, bound, g));
            }
            let mut rule = [0.0; MAX_SCALARS];
            rule[0] = learning_rate;
            let step = StepInfo { iterations: updates, learning_rate };
            self.optimizer.scalars(&step, &mut self.extras, &mut rule);
            let mut scalars = [0.0; SCALARS];
            scalars[..MAX_SCALARS].copy_from_slice(&rule);
            let decay = settings.weight_decay.unwrap_or(0.0) * learning_rate;
            let program = Program { instrs: &built.instrs, outputs: &built.values };
            for range in &built.ranges {
                scalars[DECAY] = if range.decays { decay } else { 0.0 };
                device.map(&program, &scalars, &range.inputs, &range.outputs);
            }
        }
        if settings.use_ema {
            let momentum = if updates == 0 { 0.0 } else { settings.ema_momentum };
            for v in &built.trainable {
                average(
                    device,
                    momentum,
                    built.slot(0, v.offset, v.size()),
                    network.weights(v.offset, v.size()),
                );
            }
            let due = |every: u64| (updates + 1).is_multiple_of(every);
            if settings.ema_overwrite_frequency.is_some_and(due) {
                built.overwrite(network);
            }
        }
        self.iterations += 1;
        network.weights_changed();
    }

    /// At the end of training: with `use_ema` the weights become their average.
    pub fn finalize(&mut self, network: &mut Network) {
        if let (true, Some(built)) = (self.optimizer.settings().use_ema, &self.built) {
            built.overwrite(network);
            network.weights_changed();
        }
    }

    /// Everything that a file holds, in Keras' order: iterations, learning rate (unless it follows a schedule), slots.
    pub fn variables(&self, network: &Network) -> Vec<OptimizerVariable> {
        let number = |name: &str, value: f64, integer| OptimizerVariable {
            name: name.into(),
            shape: vec![],
            values: vec![value],
            integer,
        };
        let mut all = vec![number("iteration", self.iterations as f64, true)];
        if matches!(self.optimizer.settings().learning_rate, LearningRate::Constant(_)) {
            all.push(number("learning_rate", self.learning_rate, false));
        }
        let Some(built) = &self.built else { return all };
        for (at, variable) in built.in_file_order(&self.groups()) {
            let view = built.slot(at.0, variable.offset, variable.size());
            all.push(OptimizerVariable {
                name: format!("{}_{}", variable.path().replace('/', "_"), at.1),
                shape: variable.shape().to_vec(),
                values: download(network.device(), view),
                integer: false,
            });
        }
        let extras = self.optimizer.extras();
        all.extend(extras.iter().zip(&self.extras).map(|((name, _), value)| number(name, *value, false)));
        all
    }

    /// Takes what a file holds, as [`OptimizerState::variables`] gives it. Returns whether it fitted: Keras goes on with a
    /// fresh optimizer where the number of variables differs. It was built before.
    ///
    /// # Errors
    /// If a variable has the wrong size.
    pub fn set_variables(&mut self, network: &Network, values: &[Vec<f64>]) -> Result<bool> {
        let groups = self.groups();
        let constant = matches!(self.optimizer.settings().learning_rate, LearningRate::Constant(_));
        let Some(built) = &self.built else { return Ok(false) };
        let slots = built.in_file_order(&groups);
        let first = 1 + usize::from(constant);
        if values.len() != first + slots.len() + self.extras.len() {
            return Ok(false);
        }
        let single = |at: usize| match values[at][..] {
            [value] => Ok(value),
            _ => Err(Error::Data(format!("variable {at} of the optimizer is not one number"))),
        };
        for ((at, variable), values) in slots.iter().zip(&values[first..]) {
            if values.len() != variable.size() {
                let (name, path, expected) = (at.1, variable.path(), variable.size());
                let found = values.len();
                return Err(Error::Data(format!(
                    "`{name}` of `{path}` has {expected} numbers, {found} were given"
                )));
            }
            upload(network.device(), values, built.slot(at.0, variable.offset, variable.size()));
        }
        let (iterations, learning_rate) = (single(0)?, if constant { single(1)? } else { f64::NAN });
        let extras: Result<Vec<f64>> = (first + slots.len()..values.len()).map(single).collect();
        self.extras = extras?;
        self.iterations = iterations.max(0.0) as u64;
        if constant {
            self.set_learning_rate(learning_rate)?;
        }
        Ok(true)
    }
}

impl Built {
    fn slot(&self, at: usize, offset: usize, len: usize) -> View {
        assert!((at * self.params + offset + len) * self.float.size() <= self.block.len());
        // SAFETY: inside the block, which lives as long as `self`; aligned to whole floats.
        unsafe {
            let start = self.block.address().add((at * self.params + offset) * self.float.size());
            View::new(start, Shape::of(&[len]), self.float)
        }
    }

    fn each(&self, network: &Network, mut work: impl FnMut(&Variable, View)) {
        for variable in &self.trainable {
            if let Some(grad) = network.grads(variable.offset, variable.size()) {
                work(variable, grad);
            }
        }
    }

    fn overwrite(&self, network: &Network) {
        for v in &self.trainable {
            let from = self.slot(0, v.offset, v.size());
            copy(network.device(), from, network.weights(v.offset, v.size()));
        }
    }

    /// Slots with their number and name, interleaved as in a file.
    fn in_file_order(&self, groups: &[Vec<&'static str>]) -> Vec<((usize, &'static str), &Variable)> {
        let mut all = Vec::new();
        let mut first = 0;
        for group in groups {
            for variable in &self.trainable {
                all.extend(group.iter().enumerate().map(|(i, name)| ((first + i, *name), variable)));
            }
            first += group.len();
        }
        all
    }
}

/// Stretches of trainable variables that lie side by side and decay alike: offset, length, whether they decay.
fn stretches(trainable: &[Variable], excluded: &[String]) -> Vec<(usize, usize, bool)> {
    let mut all: Vec<(usize, usize, bool)> = Vec::new();
    for v in trainable {
        let decays = !excluded.iter().any(|name| v.spec.name.contains(name.as_str()));
        match all.last_mut() {
            Some((offset, len, same)) if *offset + *len == v.offset && *same == decays => *len += v.size(),
            _ => all.push((v.offset, v.size(), decays)),
        }
    }
    all
}

fn scale_by(device: &Device, factor: f64, x: View) {
    const SCALE: &[Instr] = &[Instr::Input(0), Instr::Scalar(0), Instr::Binary(Binary::Mul, 0, 1)];
    device.map(&Program { instrs: SCALE, outputs: &[2] }, &[factor], &[x], &[Grad::write(x)]);
}

fn add_to(device: &Device, from: View, to: View) {
    device.map(&Program { instrs: &[Instr::Input(0)], outputs: &[0] }, &[], &[from], &[Grad::add(to)]);
}

fn copy(device: &Device, from: View, to: View) {
    device.map(&Program { instrs: &[Instr::Input(0)], outputs: &[0] }, &[], &[from], &[Grad::write(to)]);
}

fn square_sum(device: &Device, to: Grad, x: View) {
    const SQUARE: &[Instr] = &[Instr::Input(0), Instr::Unary(Unary::Square, 0)];
    device.map(&Program { instrs: SQUARE, outputs: &[1] }, &[], &[x], &[to]);
}

/// `x * (c / max(norm, c))`, where `squares` holds the square of the norm. A norm that is not a number stays one.
fn clip_by_norm(device: &Device, norm: f64, squares: View, x: View) {
    const CLIP: &[Instr] = &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Unary(Unary::Sqrt, 1),
        Instr::Scalar(0),
        Instr::Binary(Binary::Max, 2, 3),
        Instr::Binary(Binary::Div, 3, 4),
        Instr::Binary(Binary::Mul, 0, 5),
    ];
    device.map(&Program { instrs: CLIP, outputs: &[6] }, &[norm], &[x, squares], &[Grad::write(x)]);
}

fn clip_by_value(device: &Device, bound: f64, x: View) {
    const CLIP: &[Instr] = &[
        Instr::Input(0),
        Instr::Scalar(0),
        Instr::Scalar(1),
        Instr::Binary(Binary::Max, 0, 1),
        Instr::Binary(Binary::Min, 3, 2),
    ];
    device.map(&Program { instrs: CLIP, outputs: &[4] }, &[-bound, bound], &[x], &[Grad::write(x)]);
}

/// `average = momentum * average + (1 - momentum) * weight`.
fn average(device: &Device, momentum: f64, average: View, weight: View) {
    const BLEND: &[Instr] = &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Scalar(0),
        Instr::Scalar(1),
        Instr::Binary(Binary::Mul, 0, 2),
        Instr::Binary(Binary::Mul, 1, 3),
        Instr::Binary(Binary::Add, 4, 5),
    ];
    let scalars = [momentum, 1.0 - momentum];
    let program = Program { instrs: BLEND, outputs: &[6] };
    device.map(&program, &scalars, &[average, weight], &[Grad::write(average)]);
}
