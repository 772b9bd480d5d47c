//! Typed access to the layers of a model.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use ndarray::{ArrayD, ArrayRef, Dimension};

use super::access::{Access, Place, Reads, Weighted, Writes};
use super::architecture::Architecture;
use super::weights;
use crate::Result;
use crate::engine::{GraphSpec, LayerSpec, Network};
use crate::plan::Spec;

/// A layer of a model, to read: `model.dense()`. See [`LayerAccess`].
pub type LayerRef<'a, L, I, O> = LayerAccess<&'a Network, L, I, O>;

/// A layer of a model, to change: `model.dense_mut()`. See [`LayerAccess`].
pub type LayerMut<'a, L, I, O> = LayerAccess<&'a mut Network, L, I, O>;

/// A layer of type `L` of a model, whose input and output have the static shapes `I` and `O` (tuples, if there are several; `()` in a
/// model with parameters). Where it is called several times they are those of the first call.
///
/// It dereferences to the layer's weights by their names, or, if the layer is a model itself, to its layers:
///
/// ```
/// # extern crate keras_runtime as keras;
/// # use keras_macros::model;
/// # use keras::{Device, layers::Dense, model::{D1, Model}};
/// model! { pub Tower([8]) -> [4] = [Dense(6, activation = relu), Dense(4)] }
/// model! { pub Net(x: [8]) -> [1] { Dense(1)(Tower()(x)) } }
///
/// let mut net = Model::<Net>::new(Device::default());
/// assert_eq!(net.dense().kernel().shape(), [4, 1]);
/// let kernel = net.tower().dense_1().kernel() * 2.0;
/// net.tower_mut().dense_1_mut().set_kernel(&kernel)?;
/// assert_eq!(net.tower().dense_1().kernel(), kernel);
/// // A bias is there unless `use_bias = false`.
/// assert_eq!(net.dense().bias().map(|bias| bias.len()), Some(1));
/// # Ok::<(), keras::Error>(())
/// ```
///
/// What this type offers itself comes before weights and layers of the same name; `(*net.tower()).name()` is the layer `name`.
pub struct LayerAccess<N, L: Weighted, I, O> {
    weights: L::Weights<N>,
    layer: &'static L,
    graph: &'static GraphSpec,
    at: usize,
    shapes: PhantomData<fn() -> (I, O)>,
}

impl<'a, L: Weighted, I, O> LayerRef<'a, L, I, O> {
    /// Called by generated code: layer `at` of the model `M`, which is at `place`.
    #[doc(hidden)]
    pub fn of<M: Architecture>(place: &'a Place<impl Reads>, layer: &'static L, at: usize) -> Self {
        LayerAccess::new(place.layer(M::GRAPH, at), layer, M::GRAPH, at)
    }
}

impl<'a, L: Weighted, I, O> LayerMut<'a, L, I, O> {
    /// As [`LayerRef::of`], to change it.
    #[doc(hidden)]
    pub fn of<M: Architecture>(place: &'a mut Place<impl Writes>, layer: &'static L, at: usize) -> Self {
        LayerAccess::new(place.layer_mut(M::GRAPH, at), layer, M::GRAPH, at)
    }
}

impl<N, L: Weighted, I, O> LayerAccess<N, L, I, O> {
    fn new(place: Place<N>, layer: &'static L, graph: &'static GraphSpec, at: usize) -> Self {
        let weights = L::Weights::at(place);
        LayerAccess { weights, layer, graph, at, shapes: PhantomData }
    }

    fn spec(&self) -> &'static LayerSpec {
        &self.graph.layers[self.at]
    }

    /// Its name: `dense_1`.
    pub fn name(&self) -> &'static str {
        self.spec().name
    }

    /// The layer as it was written: `model.dense().config().units`.
    pub fn config(&self) -> &'static L {
        self.layer
    }

    /// Whether its weights are trained: neither it nor a model around it has `trainable = false`.
    pub fn trainable(&self) -> bool {
        self.weights.place().trainable()
    }

    /// What it is called on (the first time): shapes of one sample, and element types.
    pub fn inputs(&self) -> Vec<Spec> {
        let node = self.graph.nodes.iter().find(|node| node.layer == self.at);
        node.map_or(Vec::new(), |node| node.inputs.iter().map(|input| self.graph.spec_of(*input)).collect())
    }

    /// What it yields (the first time).
    pub fn outputs(&self) -> Vec<Spec> {
        let node = self.graph.nodes.iter().find(|node| node.layer == self.at);
        node.map_or(Vec::new(), |node| node.plan.outputs.as_slice().to_vec())
    }
}

impl<N: Reads, L: Weighted, I, O> LayerAccess<N, L, I, O> {
    /// Numbers in all its variables.
    pub fn count_params(&self) -> usize {
        let place = self.weights.place();
        weights::size(place.network(), &place.variables())
    }

    /// The numbers of a variable by its Keras name (`kernel`), if the layer has one.
    pub fn variable(&self, name: &str) -> Option<ArrayD<f32>> {
        self.weights.place().read(name)
    }

    /// The numbers of all its variables in Keras' order: weights, then state.
    pub fn get_weights(&self) -> Vec<ArrayD<f32>> {
        let place = self.weights.place();
        weights::read_all(place.network(), &place.variables())
    }

    /// Sets the numbers of a variable by its Keras name.
    ///
    /// # Errors
    /// If there is no such variable, or it has another shape.
    pub fn set_variable<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<()>
    where
        N: Writes,
    {
        self.weights.place_mut().set(name, values)
    }

    /// Sets the numbers of all its variables, in the order of [`LayerAccess::get_weights`].
    ///
    /// # Errors
    /// If there are more or fewer arrays than variables, or one has another shape; then nothing is changed.
    pub fn set_weights(&mut self, values: &[ArrayD<f32>]) -> Result<()>
    where
        N: Writes,
    {
        let owner = format!("the layer `{}`", self.name());
        let place = self.weights.place_mut();
        let variables = place.variables();
        weights::write_all(place.network_mut(), &variables, values, &owner)
    }
}

impl<N, L: Weighted, I, O> Deref for LayerAccess<N, L, I, O> {
    type Target = L::Weights<N>;
    fn deref(&self) -> &L::Weights<N> {
        &self.weights
    }
}

impl<N, L: Weighted, I, O> DerefMut for LayerAccess<N, L, I, O> {
    fn deref_mut(&mut self) -> &mut L::Weights<N> {
        &mut self.weights
    }
}
