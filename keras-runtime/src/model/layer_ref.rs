//! Typed access to the layers of a model.

use std::marker::PhantomData;
use std::ops::Deref;

use ndarray::{ArrayD, IxDyn};

use crate::engine::{Kind, Network};

/// What a layer's weights are read through. `#[derive(Layer)]` implements it.
#[doc(hidden)]
pub trait Weighted {
    /// One method a weight.
    type Weights<'a>;
    /// The weights of the layer that is leaf `leaf` of the network.
    fn weights(network: &Network, leaf: usize) -> Self::Weights<'_>;
}

/// The weights of a layer without typed access to them.
#[doc(hidden)]
pub struct NoWeights;

/// The current values of a leaf's variable, by its Keras name.
#[doc(hidden)]
pub fn variable(network: &Network, leaf: usize, name: &str) -> Option<ArrayD<f32>> {
    let variable = network.variables().iter().find(|v| v.leaf == leaf && v.spec.name == name)?;
    let values = network.read(variable).into_iter().map(|v| v as f32).collect();
    ArrayD::from_shape_vec(IxDyn(&variable.shape().to_vec()), values).ok()
}

/// A layer of a model: its weights (by dereferencing: `model.dense_1().kernel()`), its configuration (`model.dense_1().layer()`), and
/// its static input and output shapes.
pub struct LayerRef<'a, L: Weighted, I, O> {
    network: &'a Network,
    layer: &'a L,
    leaf: usize,
    weights: L::Weights<'a>,
    shapes: PhantomData<(I, O)>,
}

impl<'a, L: Weighted, I, O> LayerRef<'a, L, I, O> {
    /// Called by generated code.
    #[doc(hidden)]
    pub fn new(network: &'a Network, layer: &'a L, leaf: usize) -> Self {
        LayerRef { network, layer, leaf, weights: L::weights(network, leaf), shapes: PhantomData }
    }

    /// The layer's configuration.
    pub fn layer(&self) -> &L {
        self.layer
    }

    /// A variable of the layer by its Keras name.
    pub fn variable(&self, name: &str) -> Option<ArrayD<f32>> {
        variable(self.network, self.leaf, name)
    }

    /// The layer's trainable weights, in Keras' order, with their names.
    pub fn weights(&self) -> Vec<(&'static str, ArrayD<f32>)> {
        let all = self.network.variables().iter();
        let of_this = all.filter(|v| v.leaf == self.leaf && v.kind == Kind::Weight);
        of_this.filter_map(|v| Some((v.spec.name, self.variable(v.spec.name)?))).collect()
    }
}

impl<'a, L: Weighted, I, O> Deref for LayerRef<'a, L, I, O> {
    type Target = L::Weights<'a>;
    fn deref(&self) -> &L::Weights<'a> {
        &self.weights
    }
}
