//! A network's structure for inputs of certain shapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keras_kernels::{DType, Device, Shape, View};

use super::buffer::Buffer;
use super::definition::Definition;
use super::flat::{Flat, FlatNode};
use super::fusion::Fusion;
use super::variables::Variable;
use crate::plan::Spec;
use crate::{Error, Result};

/// What makes the structure of a model for inputs of any shapes: the description of a model whose dimensions are open.
pub trait Structure: Send + Sync {
    /// The structure for inputs of these specs. Its variables, their shapes and their order are the same for all specs.
    ///
    /// # Errors
    /// If the model cannot take them.
    fn definition(&self, inputs: &[Spec]) -> Result<Definition>;
}

/// A network's structure for inputs of certain shapes.
pub(super) struct Form {
    pub definition: Arc<Definition>,
    pub flat: Flat,
    /// How its calls are computed in inference and in training, where that is not one by one.
    fusions: [Option<Fusion>; 2],
    pub packed: Arc<Packed>,
}

impl Form {
    /// The form that a definition describes. It packs weights into the memory of another one that packs alike.
    ///
    /// # Errors
    /// If masks reach a layer that cannot honour them, or the device has too little memory.
    pub fn new<'a>(
        definition: Arc<Definition>,
        device: &Device,
        float: DType,
        mut others: impl Iterator<Item = &'a Arc<Form>>,
    ) -> Result<Form> {
        let flat = Flat::new(&definition);
        let masks = flat.masks(&definition)?;
        let inputs: Vec<Spec> = definition.inputs.iter().map(|input| input.spec).collect();
        let fuse = |training| device.fuses().then(|| Fusion::new(&inputs, &flat, &masks, training))?;
        let fusions = [false, true].map(fuse);
        let specs: Vec<Vec<Spec>> =
            flat.leaves.iter().map(|leaf| leaf.plan.packed.as_slice().to_vec()).collect();
        let folds = fusions[0].as_ref().map_or_else(Vec::new, |fusion| fusion.folds(&flat));
        let packed = match others.find(|other| other.packed.is_for(&specs, &folds)) {
            Some(other) => Arc::clone(&other.packed),
            None => {
                let channels = |(leaves, node): (&Vec<usize>, &FlatNode)| {
                    let channels = Shape::of(&[node.plan.outputs.as_slice()[0].last()]);
                    if leaves.is_empty() { vec![] } else { vec![Spec::fixed(channels); 2] }
                };
                let ends = folds.iter().zip(&flat.nodes).map(channels).collect();
                Arc::new(Packed::new(specs, folds, ends, device, float)?)
            }
        };
        Ok(Form { definition, flat, fusions, packed })
    }

    /// How its calls are computed, if that is not one by one.
    pub fn fusion(&self, training: bool) -> Option<&Fusion> {
        self.fusions[usize::from(training)].as_ref()
    }

    /// Whether it is for inputs of these specs.
    pub fn takes(&self, inputs: &[Spec]) -> bool {
        self.definition.inputs.iter().map(|input| &input.spec).eq(inputs)
    }

    /// What it takes.
    pub fn inputs(&self) -> Vec<Spec> {
        self.definition.inputs.iter().map(|input| input.spec).collect()
    }

    /// Refuses a form that would have other variables than the network.
    pub fn check_variables(&self, variables: &[Variable], bound: &Form) -> Result<()> {
        let mine = self.flat.variables();
        let differ = mine.iter().zip(variables).find(|(a, b)| !a.is(b));
        if differ.is_none() && mine.len() == variables.len() {
            return Ok(());
        }
        let shapes = |form: &Form| {
            let shapes = form.definition.inputs.iter().map(|input| input.spec.shape().to_string());
            shapes.collect::<Vec<_>>().join(", ")
        };
        let what = match differ {
            Some((a, b)) if a.path() == b.path() => {
                format!("`{}` would have shape {} instead of {}", a.path(), a.shape(), b.shape())
            }
            Some((a, b)) => format!("`{}` would stand in the place of `{}`", a.path(), b.path()),
            None => format!("it would have {} variables instead of {}", mine.len(), variables.len()),
        };
        Err(Error::Data(format!(
            "the model has weights for inputs of {}; for {} {what}: give inputs of the first shapes, or make a model of its own",
            shapes(bound),
            shapes(self)
        )))
    }
}

/// Packed forms of a network's weights, and factors and shifts of channels that fused calls end with.
pub(super) struct Packed {
    /// What each leaf packs.
    specs: Vec<Vec<Spec>>,
    /// For each node the leaves that its factors and shifts are made of ([`Fusion::folds`]).
    folds: Vec<Vec<usize>>,
    /// What they need.
    ends: Vec<Vec<Spec>>,
    buffer: Buffer,
    /// After which change of the weights the forms were made,
    made: AtomicU64,
    /// and after which change of weights and state the factors and shifts.
    folded: AtomicU64,
}

/// Packed forms start on cache lines.
fn room(spec: &Spec) -> usize {
    spec.size().next_multiple_of(16)
}

impl Packed {
    fn new(
        specs: Vec<Vec<Spec>>,
        folds: Vec<Vec<usize>>,
        ends: Vec<Vec<Spec>>,
        device: &Device,
        float: DType,
    ) -> Result<Packed> {
        let numbers = specs.iter().chain(&ends).flatten().map(room).sum();
        let buffer = Buffer::new(device, numbers, float)?;
        Ok(Packed { specs, folds, ends, buffer, made: AtomicU64::new(0), folded: AtomicU64::new(0) })
    }

    fn is_for(&self, specs: &[Vec<Spec>], folds: &[Vec<usize>]) -> bool {
        self.specs == specs && self.folds == folds
    }

    /// Where the forms lie, leaf by leaf, and where factors and shifts do, node by node.
    pub fn views(&self) -> [Vec<Vec<View>>; 2] {
        let mut at = 0;
        let mut place = |spec: &Spec| {
            let view = self.buffer.view(at, spec.shape());
            at += room(spec);
            view
        };
        [&self.specs, &self.ends]
            .map(|lists| lists.iter().map(|specs| specs.iter().map(&mut place).collect()).collect())
    }

    /// Whether the forms are older than this change of the weights; whoever asks makes them.
    pub fn must_be_made(&self, change: u64) -> bool {
        self.made.swap(change, Ordering::Relaxed) != change
    }

    /// Whether factors and shifts are older than this change of weights or state; whoever asks makes them.
    pub fn must_be_folded(&self, change: u64) -> bool {
        self.folded.swap(change, Ordering::Relaxed) != change
    }
}
