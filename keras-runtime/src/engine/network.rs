//! A network: a definition with its variables on a device, ready to run.

use std::sync::Arc;

use keras_kernels::random::Stream;
use keras_kernels::{DType, Device, Shape, View};

use super::buffer::Buffer;
use super::definition::Definition;
use super::flat::Flat;
use super::form::{Form, Structure};
use super::plans::Plans;
use super::program::{Ground, Program};
use super::run::Run;
use super::variables::{Kind, Variable};
use crate::initializers::{download, upload};
use crate::layer::Context;
use crate::plan::Spec;
use crate::saving::Array;
use crate::{Error, Result};

/// Streams of random numbers of a model: weights draw from other ones than calls do.
const WEIGHT_STREAMS: u32 = 1 << 31;

/// A definition with its variables on a device.
///
/// The weights of all layers are one flat buffer, as are their gradients and the state variables, so that an optimizer makes
/// one pass. Values live in one arena, planned for each batch size ([`Program`]); running allocates nothing.
///
/// Variables belong to the network and never move. What depends on shapes is planned when they are seen for the first time, and
/// kept for those that were seen last: programs, and with them the structure for inputs of other shapes
/// ([`Network::bind`]).
pub struct Network {
    /// Makes the structure for other shapes; a model in source has one.
    source: Option<Arc<dyn Structure>>,
    pub(super) form: Arc<Form>,
    device: Device,
    float: DType,
    seed: u64,
    step: u32,
    variables: Vec<Variable>,
    weights: Buffer,
    grads: Option<Buffer>,
    state: Buffer,
    /// Counts changes of the weights, so that packed forms know whether they are those of now.
    changes: u64,
    /// Counts passes that may have changed the state.
    passes: u64,
    plans: Plans,
}

impl Network {
    /// The numbers of a variable as files have them: in the type that the policy of its layer says.
    pub fn array(&self, variable: &Variable) -> Array {
        let array = Array::download(&self.device, self.view(variable));
        match self.form.flat.leaves[variable.leaf].policy.stored() {
            Some(stored) => array.stored_as(stored),
            None => array,
        }
    }

    /// A network in 32-bit floats with fresh weights.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn new(definition: Arc<Definition>, device: Device, seed: u64) -> Result<Network> {
        Network::with_float(definition, device, seed, DType::F32)
    }

    /// A network in the given float type.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn with_float(
        definition: Arc<Definition>,
        device: Device,
        seed: u64,
        float: DType,
    ) -> Result<Network> {
        let mut network = Network::blank(definition, device, seed, float)?;
        network.initialize();
        Ok(network)
    }

    /// A network whose variables are all zero, for those that take every one of them from elsewhere: random numbers take
    /// longer than reading a file.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn blank(definition: Arc<Definition>, device: Device, seed: u64, float: DType) -> Result<Network> {
        let form = Form::new(definition, &device, float, std::iter::empty())?;
        let variables = form.flat.variables();
        let numbers = |kind: Kind| variables.iter().filter(|v| v.kind == kind).map(Variable::size).sum();
        Ok(Network {
            source: None,
            weights: Buffer::new(&device, numbers(Kind::Weight), float)?,
            grads: None,
            state: Buffer::new(&device, numbers(Kind::State), float)?,
            form: Arc::new(form),
            device,
            float,
            seed,
            step: 0,
            variables,
            changes: 1,
            passes: 0,
            plans: Plans::new(),
        })
    }

    /// Says what makes the structure for inputs of other shapes.
    pub fn set_source(&mut self, source: Arc<dyn Structure>) {
        self.source = Some(source);
    }

    /// Whether it can be bound to other shapes.
    pub(crate) fn has_source(&self) -> bool {
        self.source.is_some()
    }

    /// Turns to inputs of these specs. Variables, gradients and whatever refers to them stay where they are; what was planned
    /// for specs that were seen lately is found again.
    ///
    /// # Errors
    /// If the model cannot take them, or would have other variables.
    pub fn bind(&mut self, inputs: &[Spec]) -> Result<()> {
        if self.form.takes(inputs) {
            return Ok(());
        }
        let known = self.plans.forms().find(|form| form.takes(inputs)).cloned();
        self.form = match known {
            Some(form) => form,
            None => {
                let source = self.source.as_ref().ok_or_else(|| {
                    Error::Data("the model's inputs have one shape, which cannot change".into())
                })?;
                let definition = Arc::new(source.definition(inputs)?);
                let others = self.plans.forms().chain([&self.form]);
                let form = Form::new(definition, &self.device, self.float, others)?;
                form.check_variables(&self.variables, &self.form)?;
                Arc::new(form)
            }
        };
        Ok(())
    }

    /// Gives every variable its initial numbers: functions of the seed and of the variable's place in the model.
    pub fn initialize(&mut self) {
        for (at, variable) in self.variables.iter().enumerate() {
            let stream = Stream { seed: self.seed, id: WEIGHT_STREAMS + at as u32, step: 0 };
            let view = self.view(variable);
            let mut values = vec![0.0; variable.size()];
            if self.form.flat.leaves[variable.leaf].layer.initialize(&variable.spec, stream, &mut values) {
                upload(&self.device, &values, view);
            } else {
                variable.spec.initializer.fill(&self.device, stream, view);
            }
        }
        self.changes += 1;
    }

    /// The structure.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.form.definition
    }

    /// About how many elementary operations it takes to run so many samples forward.
    pub fn operations(&self, samples: usize) -> usize {
        self.form.flat.operations.saturating_mul(samples)
    }

    /// The layers and calls with inner models unfolded.
    pub fn flat(&self) -> &Flat {
        &self.form.flat
    }

    /// The device.
    pub fn device(&self) -> &Device {
        &self.device
    }

    /// The float type.
    pub fn float(&self) -> DType {
        self.float
    }

    /// The seed.
    pub fn seed(&self) -> u64 {
        self.seed
    }

    /// Training steps taken: the counter of random numbers.
    pub fn step(&self) -> u32 {
        self.step
    }

    /// Sets the counter of random numbers (when training goes on from a file).
    pub fn set_step(&mut self, step: u32) {
        self.step = step;
    }

    /// The variables, layer by layer, weights before state.
    pub fn variables(&self) -> &[Variable] {
        &self.variables
    }

    /// Where a variable lies.
    pub fn view(&self, variable: &Variable) -> View {
        match variable.kind {
            Kind::Weight => self.weights.view(variable.offset, variable.shape()),
            Kind::State => self.state.view(variable.offset, variable.shape()),
        }
    }

    /// Where a weight's gradient lies, once a training pass was prepared.
    pub fn grad_view(&self, variable: &Variable) -> Option<View> {
        match (variable.kind, &self.grads) {
            (Kind::Weight, Some(grads)) => Some(grads.view(variable.offset, variable.shape())),
            _ => None,
        }
    }

    /// A stretch of the flat buffer of weights. Whoever writes to it calls [`Network::weights_changed`].
    pub fn weights(&self, offset: usize, len: usize) -> View {
        self.weights.view(offset, Shape::of(&[len]))
    }

    /// A stretch of the flat buffer of gradients, once a training pass was prepared.
    pub fn grads(&self, offset: usize, len: usize) -> Option<View> {
        self.grads.as_ref().map(|g| g.view(offset, Shape::of(&[len])))
    }

    /// Numbers in the flat buffer of weights.
    pub fn params(&self) -> usize {
        self.weights.len()
    }

    /// The numbers of a variable.
    pub fn read(&self, variable: &Variable) -> Vec<f64> {
        download(&self.device, self.view(variable))
    }

    /// Sets the numbers of a variable.
    ///
    /// # Errors
    /// If there are too many or too few.
    pub fn write(&mut self, at: usize, values: &[f64]) -> Result<()> {
        let variable = &self.variables[at];
        if values.len() != variable.size() {
            let (path, expected, found) = (variable.path(), variable.size(), values.len());
            return Err(Error::Data(format!("`{path}` has {expected} numbers, {found} were given")));
        }
        upload(&self.device, values, self.view(variable));
        self.changes += 1;
        Ok(())
    }

    /// Says that weights were written, so that packed forms are made anew before the next pass.
    pub fn weights_changed(&mut self) {
        self.changes += 1;
    }

    /// Places every buffer for a batch size; returns the program's number, which is good until the next call. Plans, and
    /// allocates, only where the size (with these shapes, for this use) was not among the last that were seen.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn prepare(&mut self, batch: usize, training: bool) -> Result<usize> {
        if let Some(at) = self.plans.find(&self.form, batch, training) {
            return Ok(at);
        }
        if training && self.grads.is_none() {
            self.grads = Some(Buffer::new(&self.device, self.weights.len(), self.float)?);
        }
        // A dry placement tells the size.
        let needed = self.arena_bytes(batch, training);
        let mut plans = std::mem::take(&mut self.plans);
        let place = |form: &Form, batch, training, arena| self.place(form, batch, training, arena);
        let grown = plans.grow(&self.device, needed, place);
        let at = grown.map(|()| {
            let program = self.place(&self.form, batch, training, plans.arena());
            plans.keep(&self.form, program)
        });
        self.plans = plans;
        at
    }

    /// Bytes of memory that a batch's values take, without the variables and their gradients. Nothing is allocated.
    pub fn arena_bytes(&self, batch: usize, training: bool) -> usize {
        self.place(&self.form, batch, training, std::ptr::null_mut()).bytes
    }

    fn place(&self, form: &Form, batch: usize, training: bool, arena: *mut u8) -> Program {
        let of_kind = |kind: Kind, buffer: Option<&Buffer>| {
            let mut lists = vec![Vec::new(); form.flat.leaves.len()];
            for v in self.variables.iter().filter(|v| v.kind == kind) {
                if let Some(buffer) = buffer {
                    lists[v.leaf].push(buffer.view(v.offset, v.shape()));
                }
            }
            lists
        };
        let [packed, ends] = form.packed.views();
        let ground = Ground {
            arena,
            packed,
            ends,
            weights: of_kind(Kind::Weight, Some(&self.weights)),
            state: of_kind(Kind::State, Some(&self.state)),
            // Before the first training pass there are no gradients; a dry placement only needs their shapes.
            weight_grads: of_kind(Kind::Weight, self.grads.as_ref().or(Some(&self.weights))),
            float: self.float,
        };
        Program::place(&form.inputs(), &form.flat, form.fusion(training), batch, training, &ground)
    }

    /// A prepared program: where its inputs go and its outputs appear.
    pub fn program(&self, at: usize) -> &Program {
        self.plans.program(at)
    }

    /// Which placement a program is: another number whenever its buffers lie elsewhere.
    pub(crate) fn placement(&self, at: usize) -> u64 {
        self.plans.placement(at)
    }

    /// Whether program `at` is still this placement; whoever refers to its buffers forgets them where it is not.
    pub(crate) fn has_placement(&self, at: usize, placement: u64) -> bool {
        self.plans.has_placement(at, placement)
    }

    /// Whether program `at` is for the shapes that the network is bound to.
    pub(crate) fn is_bound_to(&self, at: usize) -> bool {
        Arc::ptr_eq(self.plans.form_of(at), &self.form)
    }

    /// How many programs were planned so far. One that moves because the arena grew is not planned anew.
    pub fn plans_made(&self) -> u64 {
        self.plans.made()
    }

    /// How many programs are kept.
    pub fn plans_kept(&self) -> usize {
        self.plans.len()
    }

    /// Keeps so many programs (at least 4, [`KEPT_PLANS`](super::KEPT_PLANS) unless it is told): one for each combination of shapes, batch size, and
    /// training or not. The one that was not used for the longest time makes room for a new one.
    pub fn keep_plans(&mut self, most: usize) {
        self.plans.set_limit(most);
    }

    /// Runs a program forward. `walk` is the code that `model!` generated, or [`super::walk_forward`].
    /// With `training`, layers behave as in a training step, which takes a training program.
    ///
    /// # Panics
    /// If the program is for predictions, and this is none.
    pub fn forward(&mut self, at: usize, training: bool, walk: impl FnOnce(&Run<'_>)) {
        assert!(!training || self.plans.program(at).training, "a program for predictions cannot train");
        self.passes += u64::from(training);
        let (program, form) = (self.plans.program(at), self.plans.form_of(at));
        let cx = Context { device: &self.device, training, seed: self.seed, step: self.step };
        if form.packed.must_be_made(self.changes) {
            for (node, call) in form.flat.nodes.iter().zip(&program.calls) {
                if node.packs && !call.packed.is_empty() {
                    node.layer.pack(&cx, call);
                }
            }
        }
        // Factors and shifts are of weights and state: neither counter ever falls, so their sum is another one after every change.
        if !program.training && form.packed.must_be_folded(self.changes + self.passes) {
            if let Some(fusion) = form.fusion(false) {
                fusion.fold(&cx, &form.flat, &program.calls);
            }
        }
        walk(&Run { cx: &cx, program, flat: &form.flat });
    }

    /// Runs a training program backward: from the gradients of the outputs to those of the weights. It is part of the same
    /// step as the forward pass before it; [`Network::next_step`] ends the step.
    pub fn backward(&mut self, at: usize, walk: impl FnOnce(&Run<'_>)) {
        let cx = Context { device: &self.device, training: true, seed: self.seed, step: self.step };
        walk(&Run { cx: &cx, program: self.plans.program(at), flat: &self.plans.form_of(at).flat });
    }

    /// Ends a training step: the next one draws other random numbers.
    pub fn next_step(&mut self) {
        self.step = self.step.wrapping_add(1);
    }
}

/// Runs every call in order: what generated code does, for graphs made at run time.
pub fn walk_forward(run: &Run<'_>) {
    run.flat.nodes.iter().enumerate().for_each(|(at, node)| {
        run.leaf_forward(&*node.layer, at);
    });
}

/// Runs every call backward.
pub fn walk_backward(run: &Run<'_>) {
    run.flat.nodes.iter().enumerate().rev().for_each(|(at, node)| {
        run.leaf_backward(&*node.layer, at + 1);
    });
}
