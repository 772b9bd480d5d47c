//! A network: a definition with its variables on a device, ready to run.

use std::sync::Arc;

use keras_kernels::random::Stream;
use keras_kernels::{Block, DType, Device, Shape, View};

use super::definition::Definition;
use super::flat::Flat;
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

/// A flat buffer of floats.
struct Buffer {
    block: Box<dyn Block>,
    len: usize,
    float: DType,
}

impl Buffer {
    fn new(device: &Device, len: usize, float: DType) -> Result<Buffer> {
        // More than there is, so that the device refuses.
        let bytes = len.saturating_mul(float.size());
        Ok(Buffer { block: device.allocate(bytes)?, len, float })
    }

    fn view(&self, offset: usize, shape: Shape) -> View {
        assert!(offset + shape.size() <= self.len, "a variable lies outside its buffer");
        // SAFETY: inside the block, which lives as long as the network; aligned to 64 bytes plus whole floats. The network
        // hands its views to one pass at a time.
        unsafe { View::new(self.block.address().add(offset * self.float.size()), shape, self.float) }
    }
}

/// A definition with its variables on a device.
///
/// The weights of all layers are one flat buffer, as are their gradients and the state variables, so that an optimizer makes
/// one pass. Values live in one arena, planned for each batch size ([`Program`]); running allocates nothing.
pub struct Network {
    definition: Arc<Definition>,
    flat: Flat,
    device: Device,
    float: DType,
    seed: u64,
    step: u32,
    variables: Vec<Variable>,
    weights: Buffer,
    grads: Option<Buffer>,
    state: Buffer,
    packed: Buffer,
    packed_current: bool,
    arena: Option<Box<dyn Block>>,
    programs: Vec<Program>,
}

impl Network {
    /// The numbers of a variable as files have them: in the type that the policy of its layer says.
    pub fn array(&self, variable: &Variable) -> Array {
        let array = Array::download(&self.device, self.view(variable));
        match self.flat.leaves[variable.leaf].policy.stored() {
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
        let flat = Flat::new(&definition);
        flat.check_masks(&definition)?;
        let mut variables = Vec::new();
        let (mut weights, mut state, mut packed) = (0, 0, 0);
        for (at, leaf) in flat.leaves.iter().enumerate() {
            for (specs, kind, end) in [
                (leaf.plan.weights.as_slice(), Kind::Weight, &mut weights),
                (leaf.plan.state.as_slice(), Kind::State, &mut state),
            ] {
                for spec in specs {
                    let trainable = kind == Kind::Weight && leaf.trainable;
                    let layer = leaf.path.clone();
                    variables.push(Variable { leaf: at, layer, spec: *spec, kind, offset: *end, trainable });
                    *end += spec.shape.size();
                }
            }
            // Packed forms start on cache lines.
            let sizes = leaf.plan.packed.as_slice().iter();
            packed += sizes.map(|s| s.size().next_multiple_of(16)).sum::<usize>();
        }
        Ok(Network {
            weights: Buffer::new(&device, weights, float)?,
            grads: None,
            state: Buffer::new(&device, state, float)?,
            packed: Buffer::new(&device, packed, float)?,
            definition,
            flat,
            device,
            float,
            seed,
            step: 0,
            variables,
            packed_current: false,
            arena: None,
            programs: Vec::new(),
        })
    }

    /// Gives every variable its initial numbers: functions of the seed and of the variable's place in the model.
    pub fn initialize(&mut self) {
        for (at, variable) in self.variables.iter().enumerate() {
            let stream = Stream { seed: self.seed, id: WEIGHT_STREAMS + at as u32, step: 0 };
            let view = self.view(variable);
            let mut values = vec![0.0; variable.size()];
            if self.flat.leaves[variable.leaf].layer.initialize(&variable.spec, stream, &mut values) {
                upload(&self.device, &values, view);
            } else {
                variable.spec.initializer.fill(&self.device, stream, view);
            }
        }
        self.packed_current = false;
    }

    /// The structure.
    pub fn definition(&self) -> &Arc<Definition> {
        &self.definition
    }

    /// About how many elementary operations it takes to run so many samples forward.
    pub fn operations(&self, samples: usize) -> usize {
        self.flat.operations.saturating_mul(samples)
    }

    /// The layers and calls with inner models unfolded.
    pub fn flat(&self) -> &Flat {
        &self.flat
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
        self.weights.len
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
        self.packed_current = false;
        Ok(())
    }

    /// Says that weights were written, so that packed forms are made anew before the next pass.
    pub fn weights_changed(&mut self) {
        self.packed_current = false;
    }

    /// Places every buffer for a batch size; returns the program's number. Allocates only the first time a size is seen.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn prepare(&mut self, batch: usize, training: bool) -> Result<usize> {
        let same = |p: &Program| p.batch == batch && p.training == training;
        if let Some(at) = self.programs.iter().position(same) {
            return Ok(at);
        }
        if training && self.grads.is_none() {
            self.grads = Some(Buffer::new(&self.device, self.weights.len, self.float)?);
        }
        // A dry placement tells the size.
        let needed = self.place(batch, training, std::ptr::null_mut()).bytes;
        if self.arena.as_ref().is_none_or(|arena| arena.len() < needed) {
            // Free the old arena before the new one is taken; then every program moves.
            self.arena = None;
            let sizes: Vec<(usize, bool)> = self.programs.drain(..).map(|p| (p.batch, p.training)).collect();
            self.arena = Some(self.device.allocate(needed)?);
            for (batch, training) in sizes {
                let program = self.place(batch, training, self.arena_address());
                self.programs.push(program);
            }
        }
        let program = self.place(batch, training, self.arena_address());
        self.programs.push(program);
        Ok(self.programs.len() - 1)
    }

    /// Bytes of memory that a batch's values take, without the variables and their gradients. Nothing is allocated.
    pub fn arena_bytes(&self, batch: usize, training: bool) -> usize {
        self.place(batch, training, std::ptr::null_mut()).bytes
    }

    fn arena_address(&self) -> *mut u8 {
        self.arena.as_ref().map_or(std::ptr::null_mut(), |arena| arena.address())
    }

    fn place(&self, batch: usize, training: bool, arena: *mut u8) -> Program {
        let of_kind = |kind: Kind, buffer: Option<&Buffer>| {
            let mut lists = vec![Vec::new(); self.flat.leaves.len()];
            for v in self.variables.iter().filter(|v| v.kind == kind) {
                if let Some(buffer) = buffer {
                    lists[v.leaf].push(buffer.view(v.offset, v.shape()));
                }
            }
            lists
        };
        let mut at = 0;
        let packed = self.flat.leaves.iter().map(|leaf| {
            let place = |spec: &Spec| {
                let view = self.packed.view(at, spec.shape());
                at += spec.size().next_multiple_of(16);
                view
            };
            leaf.plan.packed.as_slice().iter().map(place).collect()
        });
        let ground = Ground {
            arena,
            packed: packed.collect(),
            weights: of_kind(Kind::Weight, Some(&self.weights)),
            state: of_kind(Kind::State, Some(&self.state)),
            // Before the first training pass there are no gradients; a dry placement only needs their shapes.
            weight_grads: of_kind(Kind::Weight, self.grads.as_ref().or(Some(&self.weights))),
            float: self.float,
        };
        let inputs: Vec<Spec> = self.definition.inputs.iter().map(|i| i.spec).collect();
        Program::place(&inputs, &self.flat, batch, training, &ground)
    }

    /// A prepared program: where its inputs go and its outputs appear.
    pub fn program(&self, at: usize) -> &Program {
        &self.programs[at]
    }

    /// Runs a program forward. `walk` is the code that `model!` generated, or [`super::walk_forward`].
    /// With `training`, layers behave as in a training step.
    pub fn forward(&mut self, at: usize, training: bool, walk: impl FnOnce(&Run<'_>)) {
        let program = &self.programs[at];
        let cx = Context { device: &self.device, training, seed: self.seed, step: self.step };
        if !self.packed_current {
            for (node, call) in self.flat.nodes.iter().zip(&program.calls) {
                if node.packs && !call.packed.is_empty() {
                    node.layer.pack(&cx, call);
                }
            }
            self.packed_current = true;
        }
        walk(&Run { cx: &cx, program });
    }

    /// Runs a training program backward: from the gradients of the outputs to those of the weights. It is part of the same
    /// step as the forward pass before it; [`Network::next_step`] ends the step.
    pub fn backward(&mut self, at: usize, walk: impl FnOnce(&Run<'_>)) {
        let program = &self.programs[at];
        let cx = Context { device: &self.device, training: true, seed: self.seed, step: self.step };
        walk(&Run { cx: &cx, program });
    }

    /// Ends a training step: the next one draws other random numbers.
    pub fn next_step(&mut self) {
        self.step = self.step.wrapping_add(1);
    }

    /// The layers of all calls, for [`walk_forward`] and [`walk_backward`].
    pub fn layers(&self) -> Vec<super::definition::Handle> {
        self.flat.nodes.iter().map(|n| n.layer.clone()).collect()
    }
}

/// Runs every call in order: what generated code does, for graphs made at run time.
pub fn walk_forward(layers: &[super::definition::Handle], run: &Run<'_>) {
    layers.iter().enumerate().for_each(|(at, layer)| {
        run.leaf_forward(&**layer, at);
    });
}

/// Runs every call backward.
pub fn walk_backward(layers: &[super::definition::Handle], run: &Run<'_>) {
    layers.iter().enumerate().rev().for_each(|(at, layer)| {
        run.leaf_backward(&**layer, at + 1);
    });
}
