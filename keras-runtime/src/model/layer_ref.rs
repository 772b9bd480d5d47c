//! Typed access to the layers of a model.

use std::marker::PhantomData;
use std::ops::Deref;

use ndarray::{ArrayD, IxDyn};

use crate::engine::{Kind, Network};

/// A layer of a model: its configuration (by dereferencing: `model.dense_1().units`), its static input and output shapes, and its
/// weights.
pub struct LayerRef<'a, L, I, O> {
    network: &'a Network,
    layer: &'a L,
    leaf: usize,
    shapes: PhantomData<(I, O)>,
}

impl<'a, L, I, O> LayerRef<'a, L, I, O> {
    /// Called by generated code.
    #[doc(hidden)]
    pub fn new(network: &'a Network, layer: &'a L, leaf: usize) -> Self {
        LayerRef { network, layer, leaf, shapes: PhantomData }
    }

    /// A variable of the layer by its Keras name.
    pub fn variable(&self, name: &str) -> Option<ArrayD<f32>> {
        let variable =
            self.network.variables().iter().find(|v| v.leaf == self.leaf && v.spec.name == name)?;
        let values = self.network.read(variable).into_iter().map(|v| v as f32).collect();
        ArrayD::from_shape_vec(IxDyn(&variable.shape().to_vec()), values).ok()
    }

    /// The layer's trainable weights, in Keras' order, with their names.
    pub fn weights(&self) -> Vec<(&'static str, ArrayD<f32>)> {
        let all = self.network.variables().iter();
        let of_this = all.filter(|v| v.leaf == self.leaf && v.kind == Kind::Weight);
        of_this.filter_map(|v| Some((v.spec.name, self.variable(v.spec.name)?))).collect()
    }
}

impl<L, I, O> Deref for LayerRef<'_, L, I, O> {
    type Target = L;
    fn deref(&self) -> &L {
        self.layer
    }
}
