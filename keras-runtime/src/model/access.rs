//! Where the variables of a layer are, for typed access to them.

use ndarray::{ArrayD, ArrayRef, Dimension};

use super::source::{leaf, leaves};
use super::weights;
use crate::engine::{GraphSpec, Network, Variable};
use crate::plan::List;
use crate::{Error, Layer, Result};

/// Typed access to what a layer (or model) of type `Self` holds: its weights, or the layers inside it. `#[derive(Layer)]` and
/// `model!` implement it.
#[doc(hidden)]
pub trait Weighted: 'static {
    /// One method a weight or layer. `N` is the network, or a reference to it.
    type Weights<N>: Access<N>;
    /// Whether it is a model, whose layers have places of their own: a wrapper around it is none.
    const IS_MODEL: bool = false;
}

/// What `model!` takes as a layer. The types of a model are written through it, so that what is no layer is one error.
#[doc(hidden)]
pub trait IsLayer {
    /// The layer itself.
    type Layer;
}

impl<L: Layer + Weighted> IsLayer for L {
    type Layer = L;
}

/// A type whose methods read and write what is at a place of a network.
#[doc(hidden)]
pub trait Access<N>: Sized {
    /// Access to what is there.
    fn at(place: Place<N>) -> Self;
    /// The place.
    fn place(&self) -> &Place<N>;
    /// The place, to change what is there.
    fn place_mut(&mut self) -> &mut Place<N>;
}

/// A network, or a reference to one.
#[doc(hidden)]
pub trait Reads {
    /// The network.
    fn network(&self) -> &Network;
}

/// A network, or a reference through which it can be changed.
#[diagnostic::on_unimplemented(
    message = "a layer that is reached by reference can only be read",
    label = "reach it by `_mut` to set weights: `model.dense_mut().set_kernel(&array)`"
)]
#[doc(hidden)]
pub trait Writes: Reads {
    /// The network.
    fn network_mut(&mut self) -> &mut Network;
}

impl Reads for Network {
    fn network(&self) -> &Network {
        self
    }
}

impl Reads for &Network {
    fn network(&self) -> &Network {
        self
    }
}

impl Reads for &mut Network {
    fn network(&self) -> &Network {
        self
    }
}

impl Writes for Network {
    fn network_mut(&mut self) -> &mut Network {
        self
    }
}

impl Writes for &mut Network {
    fn network_mut(&mut self) -> &mut Network {
        self
    }
}

/// A stretch of a network's leaves that belongs to one layer or model. `N` is the network, or a reference to it.
#[doc(hidden)]
#[derive(Clone, Copy)]
pub struct Place<N> {
    network: N,
    /// The first leaf.
    leaf: usize,
    /// How many leaves.
    leaves: usize,
    /// Sub-objects inside the leaf: `["forward_layer"]`.
    parts: List<&'static str, 4>,
    /// Whether neither it nor a model around it is frozen.
    trainable: bool,
}

impl Place<Network> {
    /// All of a network.
    pub fn root(network: Network) -> Self {
        let leaves = network.flat().leaves.len();
        Place { network, leaf: 0, leaves, parts: List::new(""), trainable: true }
    }
}

impl<N> Place<N> {
    /// The same place, reached by another reference.
    fn by<M>(&self, network: M) -> Place<M> {
        let Place { leaf, leaves, parts, trainable, .. } = *self;
        Place { network, leaf, leaves, parts, trainable }
    }

    /// Layer `at` of the model that is here.
    fn inside(mut self, graph: &GraphSpec, at: usize) -> Self {
        self.leaf += leaf(graph, at);
        self.leaves = leaves(graph, at);
        self.trainable &= graph.layers[at].trainable;
        self
    }

    /// A part of the layer that is here, which is of type `L`.
    fn under<L: Weighted>(mut self, part: &'static str) -> Self {
        if !L::IS_MODEL {
            self.parts.push(part);
        }
        self
    }

    /// Whether neither it nor a model around it is frozen.
    pub(super) fn trainable(&self) -> bool {
        self.trainable
    }
}

impl<N: Reads> Place<N> {
    /// The network.
    pub fn network(&self) -> &Network {
        self.network.network()
    }

    /// Layer `at` of the model that is here.
    pub fn layer(&self, graph: &GraphSpec, at: usize) -> Place<&Network> {
        self.by(self.network()).inside(graph, at)
    }

    /// A sub-object of the layer that is here: one of a wrapper's layers.
    pub fn part<L: Weighted>(&self, name: &'static str) -> L::Weights<&Network> {
        L::Weights::at(self.by(self.network()).under::<L>(name))
    }

    fn holds(&self, variable: &Variable) -> bool {
        let path = variable.spec.path.as_slice();
        (self.leaf..self.leaf + self.leaves).contains(&variable.leaf)
            && path.starts_with(self.parts.as_slice())
    }

    /// The places of the variables in the network's list.
    pub(super) fn variables(&self) -> Vec<usize> {
        let all = self.network().variables().iter().enumerate();
        all.filter(|(_, variable)| self.holds(variable)).map(|(at, _)| at).collect()
    }

    fn find(&self, name: &str) -> Option<usize> {
        self.network().variables().iter().position(|v| self.holds(v) && v.spec.name == name)
    }

    /// The numbers of the variable of this Keras name, if there is one.
    pub fn read(&self, name: &str) -> Option<ArrayD<f32>> {
        self.find(name).map(|at| weights::read(self.network(), &self.network().variables()[at]))
    }

    /// The numbers of a variable that every layer of this type has.
    pub fn get(&self, name: &str) -> ArrayD<f32> {
        self.read(name).expect("a built layer has each weight that it declares")
    }
}

impl<N: Writes> Place<N> {
    /// The network, to change.
    pub fn network_mut(&mut self) -> &mut Network {
        self.network.network_mut()
    }

    /// As [`Place::layer`], to change.
    pub fn layer_mut(&mut self, graph: &GraphSpec, at: usize) -> Place<&mut Network> {
        let here = self.by(());
        here.by(self.network_mut()).inside(graph, at)
    }

    /// As [`Place::part`], to change.
    pub fn part_mut<L: Weighted>(&mut self, name: &'static str) -> L::Weights<&mut Network> {
        let here = self.by(());
        L::Weights::at(here.by(self.network_mut()).under::<L>(name))
    }

    /// Sets the numbers of the variable of this Keras name.
    ///
    /// # Errors
    /// If there is no such variable, or it has another shape.
    pub fn set<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<()> {
        let Some(at) = self.find(name) else {
            let path = self.network().flat().leaves[self.leaf].path.join("/");
            return Err(Error::Argument(format!("the layer `{path}` has no `{name}`")));
        };
        weights::write(self.network_mut(), at, values)
    }
}

/// Access to a layer without weights.
#[doc(hidden)]
pub struct NoWeights<N>(Place<N>);

impl<N> Access<N> for NoWeights<N> {
    fn at(place: Place<N>) -> Self {
        NoWeights(place)
    }
    fn place(&self) -> &Place<N> {
        &self.0
    }
    fn place_mut(&mut self) -> &mut Place<N> {
        &mut self.0
    }
}
