//! The variables of a network: where each lies in the flat buffers.

use keras_kernels::Shape;

use crate::plan::WeightSpec;

/// Whether a variable is trained.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A weight: it has a gradient.
    Weight,
    /// State that is saved but not trained: moving statistics.
    State,
}

/// A variable of a network.
#[derive(Clone, Debug)]
pub struct Variable {
    /// Which leaf of the network owns it.
    pub leaf: usize,
    /// Names of the models and the layer that hold it, outermost first, without the network's own.
    pub layer: Vec<String>,
    /// Its plan.
    pub spec: WeightSpec,
    /// Weight or state.
    pub kind: Kind,
    /// Its first number in the flat buffer of its kind.
    pub offset: usize,
    /// Whether it is trained (a weight of a layer that is not frozen).
    pub trainable: bool,
}

impl Variable {
    /// Whether it is the same variable of the same model, planned for inputs of other shapes.
    pub(super) fn is(&self, other: &Variable) -> bool {
        self.leaf == other.leaf
            && self.layer == other.layer
            && self.spec.name == other.spec.name
            && self.spec.path.as_slice() == other.spec.path.as_slice()
            && self.shape().same(&other.shape())
            && (self.kind, self.offset, self.trainable) == (other.kind, other.offset, other.trainable)
    }

    /// Its shape.
    pub fn shape(&self) -> Shape {
        self.spec.shape
    }

    /// How many numbers.
    pub fn size(&self) -> usize {
        self.spec.shape.size()
    }

    /// Its full name: `tower/dense_1/kernel`.
    pub fn path(&self) -> String {
        let mut parts = self.layer.clone();
        parts.extend(self.spec.path.as_slice().iter().map(|p| p.to_string()));
        parts.push(self.spec.name.into());
        parts.join("/")
    }
}
