//! Reading and writing variables of a network as arrays.

use ndarray::{ArrayD, ArrayRef, Dimension, IxDyn};

use super::{Architecture, LayerView, Model};
use crate::engine::{Network, Variable};
use crate::{Error, Result};

impl<M: Architecture> Model<M> {
    /// The layer of this name, which is known when the program runs; `tower/dense` is one inside the model `tower`.
    ///
    /// # Errors
    /// If there is none; the error names those that are there.
    pub fn layer(&self, name: &str) -> Result<LayerView<&Network>> {
        LayerView::find(self.network(), name)
    }

    /// As [`Model::layer`], to change its weights.
    ///
    /// # Errors
    /// If there is none.
    pub fn layer_mut(&mut self, name: &str) -> Result<LayerView<&mut Network>> {
        LayerView::find(self.network_mut(), name)
    }

    /// The numbers of all variables in Keras' order: layer by layer, weights before state.
    pub fn get_weights(&self) -> Vec<ArrayD<f32>> {
        read_all(self.network(), &self.all())
    }

    /// Sets the numbers of all variables, in the order of [`Model::get_weights`].
    ///
    /// # Errors
    /// If there are more or fewer arrays than variables, or one has another shape; then nothing is changed.
    pub fn set_weights(&mut self, values: &[ArrayD<f32>]) -> Result<()> {
        let (variables, owner) = (self.all(), format!("the model `{}`", M::GRAPH.name));
        write_all(self.network_mut(), &variables, values, &owner)
    }

    fn all(&self) -> Vec<usize> {
        (0..self.network().variables().len()).collect()
    }
}

/// The numbers of a variable.
pub(super) fn read(network: &Network, variable: &Variable) -> ArrayD<f32> {
    let values: Vec<f32> = network.read(variable).into_iter().map(|v| v as f32).collect();
    let shape = IxDyn(&variable.shape().to_vec());
    ArrayD::from_shape_vec(shape, values).expect("a variable has as many numbers as its shape says")
}

/// Sets the numbers of variable `at` of the network.
pub(super) fn write<D: Dimension>(network: &mut Network, at: usize, values: &ArrayRef<f32, D>) -> Result<()> {
    fits(&network.variables()[at], values)?;
    let numbers: Vec<f64> = values.iter().map(|v| f64::from(*v)).collect();
    network.write(at, &numbers)
}

fn fits<D: Dimension>(variable: &Variable, values: &ArrayRef<f32, D>) -> Result<()> {
    let expected = variable.shape().to_vec();
    if values.shape() == expected {
        return Ok(());
    }
    let (path, found) = (variable.path(), values.shape());
    Err(Error::Data(format!("`{path}` has the shape {expected:?}, an array of shape {found:?} was given")))
}

/// The numbers of some variables of a network.
pub(super) fn read_all(network: &Network, which: &[usize]) -> Vec<ArrayD<f32>> {
    which.iter().map(|at| read(network, &network.variables()[*at])).collect()
}

/// Sets the numbers of some variables, or, if one array does not fit, of none.
pub(super) fn write_all(
    network: &mut Network,
    which: &[usize],
    values: &[ArrayD<f32>],
    owner: &str,
) -> Result<()> {
    if which.len() != values.len() {
        let names: Vec<String> = which.iter().map(|at| network.variables()[*at].path()).collect();
        let (expected, found) = (which.len(), values.len());
        let names = if names.is_empty() { String::new() } else { format!(": {}", names.join(", ")) };
        return Err(Error::Data(format!("{owner} has {expected} weights, {found} arrays were given{names}")));
    }
    for (at, values) in which.iter().zip(values) {
        fits(&network.variables()[*at], values)?;
    }
    which.iter().zip(values).try_for_each(|(at, values)| write(network, *at, values))
}

/// Numbers in some variables of a network.
pub(super) fn size(network: &Network, which: &[usize]) -> usize {
    which.iter().map(|at| network.variables()[*at].size()).sum()
}
