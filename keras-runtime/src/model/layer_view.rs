//! Layers of a model by names that are known at run time.

use ndarray::{ArrayD, ArrayRef, Dimension};

use super::access::{Reads, Writes};
use super::weights;
use crate::engine::{Body, Definition, Member, Variable};
use crate::plan::Spec;
use crate::{Error, Result};

/// A layer of a model, found by its name: what [`crate::model::LayerAccess`] is without static types. `N` is a reference to the
/// network.
pub struct LayerView<N> {
    network: N,
    path: Vec<String>,
    member: Member,
    inputs: Vec<Spec>,
    outputs: Vec<Spec>,
    trainable: bool,
}

impl<N: Reads> LayerView<N> {
    /// The layer of this name; `tower/dense` is one inside the model `tower`.
    ///
    /// # Errors
    /// If there is none; the error names those that are there.
    pub fn find(network: N, name: &str) -> Result<Self> {
        let (mut path, mut rest, mut trainable) = (Vec::new(), name, true);
        let mut definition = std::sync::Arc::clone(network.network().definition());
        loop {
            let (at, left) = next(&definition, rest).ok_or_else(|| unknown(&definition, name, rest))?;
            let member = definition.members[at].clone();
            path.push(member.name.clone());
            trainable &= member.trainable;
            rest = left;
            if rest.is_empty() {
                let node = definition.nodes.iter().find(|node| node.member == at);
                let inputs = node.map(|n| n.inputs.iter().map(|s| definition.spec_of(*s)).collect());
                let outputs = node.map(|n| n.plan.outputs.as_slice().to_vec());
                let (inputs, outputs) = (inputs.unwrap_or_default(), outputs.unwrap_or_default());
                return Ok(LayerView { network, path, member, inputs, outputs, trainable });
            }
            match member.body {
                Body::Model(inner) => definition = inner,
                Body::Layer(_) => return Err(unknown(&definition, name, rest)),
            }
        }
    }

    /// Its name: `dense_1`.
    pub fn name(&self) -> &str {
        &self.member.name
    }

    /// Its class, as Keras knows it: `Dense`.
    pub fn class_name(&self) -> &'static str {
        self.member.class_name()
    }

    /// Whether its weights are trained: neither it nor a model around it is frozen.
    pub fn trainable(&self) -> bool {
        self.trainable
    }

    /// What it is called on (the first time): shapes of one sample, and element types.
    pub fn inputs(&self) -> &[Spec] {
        &self.inputs
    }

    /// What it yields (the first time).
    pub fn outputs(&self) -> &[Spec] {
        &self.outputs
    }

    fn variables(&self) -> Vec<usize> {
        let all = self.network.network().variables().iter().enumerate();
        all.filter(|(_, v)| v.layer.starts_with(&self.path)).map(|(at, _)| at).collect()
    }

    /// A variable's name inside this layer: `kernel`, `dense/kernel`.
    fn name_of(&self, variable: &Variable) -> String {
        let whole = variable.path();
        whole[self.path.join("/").len()..].trim_start_matches('/').to_string()
    }

    /// The names of its variables in Keras' order: weights, then state. Those of sub-objects have a path: `cell/kernel`.
    pub fn variable_names(&self) -> Vec<String> {
        let network = self.network.network();
        self.variables().into_iter().map(|at| self.name_of(&network.variables()[at])).collect()
    }

    fn position(&self, name: &str) -> Option<usize> {
        let names = self.variable_names();
        names.iter().position(|known| known == name).map(|at| self.variables()[at])
    }

    /// Numbers in all its variables.
    pub fn count_params(&self) -> usize {
        weights::size(self.network.network(), &self.variables())
    }

    /// The numbers of a variable by its name, if the layer has one.
    pub fn variable(&self, name: &str) -> Option<ArrayD<f32>> {
        let network = self.network.network();
        self.position(name).map(|at| weights::read(network, &network.variables()[at]))
    }

    /// The numbers of all its variables.
    pub fn get_weights(&self) -> Vec<ArrayD<f32>> {
        weights::read_all(self.network.network(), &self.variables())
    }

    /// Sets the numbers of a variable by its name.
    ///
    /// # Errors
    /// If there is no such variable, or it has another shape.
    pub fn set_variable<D: Dimension>(&mut self, name: &str, values: &ArrayRef<f32, D>) -> Result<()>
    where
        N: Writes,
    {
        let Some(at) = self.position(name) else {
            let (layer, names) = (self.path.join("/"), self.variable_names().join(", "));
            return Err(Error::Argument(format!("the layer `{layer}` has no `{name}`; it has: {names}")));
        };
        weights::write(self.network.network_mut(), at, values)
    }

    /// Sets the numbers of all its variables, in the order of [`LayerView::variable_names`].
    ///
    /// # Errors
    /// If there are more or fewer arrays than variables, or one has another shape; then nothing is changed.
    pub fn set_weights(&mut self, values: &[ArrayD<f32>]) -> Result<()>
    where
        N: Writes,
    {
        let (variables, owner) = (self.variables(), format!("the layer `{}`", self.path.join("/")));
        weights::write_all(self.network.network_mut(), &variables, values, &owner)
    }
}

/// The member that `path` begins with, and what is left of it. A name may have a `/` in it (in files).
fn next<'p>(definition: &Definition, path: &'p str) -> Option<(usize, &'p str)> {
    definition.members.iter().enumerate().find_map(|(at, member)| {
        let left = path.strip_prefix(member.name.as_str())?;
        if left.is_empty() { Some((at, left)) } else { left.strip_prefix('/').map(|left| (at, left)) }
    })
}

fn unknown(definition: &Definition, name: &str, rest: &str) -> Error {
    let names: Vec<&str> = definition.members.iter().map(|m| m.name.as_str()).collect();
    let inside = if rest == name { String::new() } else { format!(" in `{}`", definition.name) };
    Error::Argument(format!("there is no layer `{rest}`{inside}; there are: {}", names.join(", ")))
}
