//! The variables of a network, to and from the tree of a weights file.

use super::array::Array;
use super::layout::places;
use super::tree::Group;
use crate::engine::{Network, Variable};
use crate::{Error, Result};

/// The tree that Keras would write for a network, and for the variables of its optimizer if it has one.
pub fn collect(network: &Network, optimizer: Option<Vec<Array>>) -> Group {
    let mut root = Group::default();
    for place in places(network.definition()) {
        let group = root.make(place.path.iter().map(String::as_str));
        group.make(["vars"]).name = Some(place.name);
        let Some(leaf) = place.leaf else { continue };
        for variable in variables_of(network, leaf) {
            let vars = group.make(variable.spec.path.as_slice().iter().copied()).make(["vars"]);
            let number = vars.arrays.len().to_string();
            vars.arrays.insert(number, Array::download(network.device(), network.view(variable)));
        }
    }
    if let Some(variables) = optimizer {
        let vars = root.make(["optimizer", "vars"]);
        vars.name = Some("optimizer".into());
        vars.set_numbered(variables);
    }
    root
}

/// Gives a network the variables of a tree, by position in the model, as Keras does. Nothing is written unless
/// everything fits.
///
/// # Errors
/// If a variable is missing, has another shape, or one is left over.
pub fn apply(network: &mut Network, root: &Group) -> Result<()> {
    let mut found = Vec::new();
    for place in places(network.definition()) {
        let Some(leaf) = place.leaf else { continue };
        let group = root.find(place.path.iter().map(String::as_str));
        let what = || format!("layer `{}` (`{}` in the file)", place.name, place.path.join("/"));
        let mut taken: Vec<(Vec<&'static str>, usize)> = Vec::new();
        for variable in variables_of(network, leaf) {
            let path = variable.spec.path.as_slice();
            let number = match taken.iter_mut().find(|(p, _)| p == path) {
                Some((_, count)) => {
                    *count += 1;
                    *count - 1
                }
                None => {
                    taken.push((path.to_vec(), 1));
                    0
                }
            };
            let vars = group.and_then(|g| g.find(path.iter().copied().chain(["vars"])));
            let array = vars.and_then(|vars| vars.arrays.get(&number.to_string())).ok_or_else(|| {
                Error::Data(format!("{}: its `{}` is not in the file", what(), variable.spec.name))
            })?;
            if array.shape != variable.shape().to_vec() {
                let (name, expected, found) = (variable.spec.name, variable.shape(), &array.shape);
                let message = format!("{}: `{name}` has shape {expected}, the file has {found:?}", what());
                return Err(Error::Data(message));
            }
            found.push((variable.clone(), array));
        }
        let there = group.map_or(0, Group::count);
        let wanted: usize = taken.iter().map(|(_, count)| count).sum();
        if there > wanted {
            return Err(Error::Data(format!(
                "{}: the file has {there} variables, the layer {wanted}",
                what()
            )));
        }
    }
    for (variable, array) in found {
        array.upload(network.device(), network.view(&variable))?;
    }
    network.weights_changed();
    Ok(())
}

/// The variables of an optimizer in a tree, in order; none if it was saved without.
pub fn optimizer(root: &Group) -> Option<Vec<Array>> {
    let vars = root.find(["optimizer", "vars"])?;
    Some(vars.numbered().into_iter().cloned().collect())
}

/// The numbers of a network's trained variables, in the order of Keras' `trainable_variables`: that of optimizer slots.
pub fn trained(network: &Network) -> Vec<usize> {
    let leaves = places(network.definition()).into_iter().filter_map(|place| place.leaf);
    let all = network.variables();
    leaves
        .flat_map(|leaf| (0..all.len()).filter(move |at| all[*at].leaf == leaf && all[*at].trainable))
        .collect()
}

fn variables_of(network: &Network, leaf: usize) -> impl Iterator<Item = &Variable> {
    network.variables().iter().filter(move |v| v.leaf == leaf)
}
