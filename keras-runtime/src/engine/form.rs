//! A network's structure for inputs of certain shapes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keras_kernels::{DType, Device, View};

use super::buffer::Buffer;
use super::definition::Definition;
use super::flat::Flat;
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
        flat.check_masks(&definition)?;
        let specs: Vec<Vec<Spec>> =
            flat.leaves.iter().map(|leaf| leaf.plan.packed.as_slice().to_vec()).collect();
        let packed = match others.find(|other| other.packed.specs == specs) {
            Some(other) => Arc::clone(&other.packed),
            None => Arc::new(Packed::new(specs, device, float)?),
        };
        Ok(Form { definition, flat, packed })
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

/// Packed forms of a network's weights.
pub(super) struct Packed {
    /// What each leaf packs.
    specs: Vec<Vec<Spec>>,
    buffer: Buffer,
    /// After which change of the weights they were made.
    made: AtomicU64,
}

/// Packed forms start on cache lines.
fn room(spec: &Spec) -> usize {
    spec.size().next_multiple_of(16)
}

impl Packed {
    fn new(specs: Vec<Vec<Spec>>, device: &Device, float: DType) -> Result<Packed> {
        let numbers = specs.iter().flatten().map(room).sum();
        Ok(Packed { specs, buffer: Buffer::new(device, numbers, float)?, made: AtomicU64::new(0) })
    }

    /// Where they lie, leaf by leaf.
    pub fn views(&self) -> Vec<Vec<View>> {
        let mut at = 0;
        let mut place = |spec: &Spec| {
            let view = self.buffer.view(at, spec.shape());
            at += room(spec);
            view
        };
        self.specs.iter().map(|specs| specs.iter().map(&mut place).collect()).collect()
    }

    /// Whether they are older than this change of the weights; whoever asks makes them.
    pub fn must_be_made(&self, change: u64) -> bool {
        let old = self.made.load(Ordering::Relaxed) != change;
        if old {
            self.made.store(change, Ordering::Relaxed);
        }
        old
    }
}
