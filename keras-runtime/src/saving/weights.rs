//! The variables of a network, to and from what files hold.

use std::collections::HashMap;

use super::array::Array;
use super::layout::{Place, places};
use super::legacy::{self, Layers};
use super::tree::Group;
use crate::engine::{Kind, Network};
use crate::{Error, Result};

/// The variables of a file. Each kind of file has its own way to say which one is which.
#[derive(Clone, Debug, PartialEq)]
pub enum Weights {
    /// None: an architecture alone. A model keeps, or starts with, weights of its own.
    Fresh,
    /// `.keras` and `.weights.h5`: by position in the tree of layers.
    Tree(Group),
    /// Legacy `.h5`: a list for each layer.
    Layers(Layers),
    /// Safetensors: by path.
    Named(Vec<(String, Array)>),
}

impl From<Group> for Weights {
    fn from(group: Group) -> Weights {
        Weights::Tree(group)
    }
}

impl Weights {
    /// Numbers in all of them; `None` where there are no variables in the file.
    pub(crate) fn numbers(&self) -> Option<usize> {
        fn of_group(group: &Group) -> usize {
            let arrays = group.arrays.values().map(Array::len).sum::<usize>();
            arrays + group.groups.values().map(of_group).sum::<usize>()
        }
        match self {
            Weights::Fresh => None,
            Weights::Tree(root) => Some(of_group(root)),
            Weights::Layers(layers) => Some(
                layers.layers.iter().flat_map(|layer| &layer.variables).map(|(_, array)| array.len()).sum(),
            ),
            Weights::Named(named) => Some(named.iter().map(|(_, array)| array.len()).sum()),
        }
    }

    /// The variables of the optimizer, in order; none if it was saved without.
    pub fn optimizer(&self) -> Option<Vec<Array>> {
        match self {
            Weights::Tree(root) => {
                let vars = root.find(["optimizer", "vars"])?;
                Some(vars.numbered().into_iter().cloned().collect())
            }
            Weights::Layers(layers) => layers.optimizer.clone(),
            Weights::Fresh | Weights::Named(_) => None,
        }
    }
}

/// How the variables of a file are matched with those of a model: `Loading::new().by_name().skip_mismatch()`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Loading {
    pub(crate) by_name: bool,
    pub(crate) skip_mismatch: bool,
}

impl Loading {
    /// By position, and everything must fit: what Keras does unless it is told otherwise.
    pub fn new() -> Loading {
        Loading::default()
    }

    /// Layers are matched by name. Layers of the model that the file does not have keep their weights, layers of the file
    /// that the model does not have are left out.
    #[must_use]
    pub fn by_name(mut self) -> Loading {
        self.by_name = true;
        self
    }

    /// Layers whose weights have other shapes or another number keep theirs, instead of an error.
    #[must_use]
    pub fn skip_mismatch(mut self) -> Loading {
        self.skip_mismatch = true;
        self
    }
}

/// The tree that Keras would write for a network, and for the variables of its optimizer if it has one.
pub fn collect(network: &Network, optimizer: Option<Vec<Array>>) -> Group {
    let mut root = Group::default();
    for place in places(network.definition()) {
        let group = root.make(place.path.iter().map(String::as_str));
        let name = place.name();
        group.make(["vars"]).set_name(name);
        let Some(leaf) = place.leaf else { continue };
        for variable in of_leaf(network, leaf) {
            let variable = &network.variables()[variable];
            let vars = group.make(variable.spec.path.as_slice().iter().copied()).make(["vars"]);
            let number = vars.arrays.len().to_string();
            vars.arrays.insert(number, network.array(variable));
        }
    }
    if let Some(variables) = optimizer {
        let vars = root.make(["optimizer", "vars"]);
        vars.set_name("optimizer");
        vars.set_numbered(variables);
    }
    root
}

/// Gives a network the variables of a file. Nothing is written unless everything fits, or is to be skipped. Returns what
/// was skipped, and why.
///
/// # Errors
/// If a variable is missing, has another shape, or one is left over.
pub fn apply(network: &mut Network, weights: &Weights, loading: Loading) -> Result<Vec<String>> {
    let matches = match weights {
        Weights::Fresh => return Ok(Vec::new()),
        Weights::Tree(root) if loading.by_name => in_tree_by_name(network, root)?,
        Weights::Tree(root) => in_tree(network, root)?,
        Weights::Layers(layers) => legacy::matches(network, layers, loading.by_name)?,
        Weights::Named(named) => super::safetensors::matches(network, named, loading.by_name)?,
    };
    let mut skipped = Vec::new();
    let mut found = Vec::new();
    for one in matches {
        match one.check(network) {
            Ok(()) => found.extend(one.variables.into_iter().zip(one.arrays)),
            Err(message) if loading.skip_mismatch => skipped.push(message),
            Err(message) => return Err(Error::Data(message)),
        }
    }
    network.weights_changed();
    for (variable, array) in found {
        let view = network.view(&network.variables()[variable]);
        if let Some(array) = array {
            array.upload(network.device(), view)?;
        }
    }
    Ok(skipped)
}

/// Variables of a layer with the arrays that a file has for them.
pub(super) struct Match<'a> {
    /// The layer, as an error names it.
    pub what: String,
    /// Numbers of the network's variables.
    pub variables: Vec<usize>,
    /// An array for each of them.
    pub arrays: Vec<Option<&'a Array>>,
    /// How many arrays the file has for it.
    pub there: usize,
}

impl Match<'_> {
    fn check(&self, network: &Network) -> Result<(), String> {
        let (what, wanted) = (&self.what, self.variables.len());
        for (variable, array) in self.variables.iter().zip(&self.arrays) {
            let variable = &network.variables()[*variable];
            let name = variable.spec.name;
            let array = array.ok_or_else(|| format!("{what}: its `{name}` is not in the file"))?;
            if array.shape != variable.shape().to_vec() {
                let (expected, found) = (variable.shape(), &array.shape);
                return Err(format!("{what}: `{name}` has shape {expected}, the file has {found:?}"));
            }
        }
        if self.there > wanted {
            return Err(format!("{what}: the file has {} variables, the layer {wanted}", self.there));
        }
        Ok(())
    }
}

fn in_tree<'a>(network: &Network, root: &'a Group) -> Result<Vec<Match<'a>>> {
    let leaves = places(network.definition()).into_iter().filter(|place| place.leaf.is_some());
    let of_place = |place: Place| {
        let group = root.find(place.path.iter().map(String::as_str));
        let what = format!("layer `{}` (`{}` in the file)", place.name(), place.path.join("/"));
        in_group(network, place.leaf, group, what)
    };
    Ok(leaves.map(of_place).collect())
}

/// Layers are matched by their names and those of the models around them: the attributes of the groups.
fn in_tree_by_name<'a>(network: &Network, root: &'a Group) -> Result<Vec<Match<'a>>> {
    fn names<'a>(group: &'a Group, path: &[&'a str], found: &mut HashMap<Vec<&'a str>, (&'a Group, usize)>) {
        let layers = group.groups.get("layers").into_iter().flat_map(|layers| layers.groups.values());
        for layer in layers {
            let Some(name) = layer.groups.get("vars").and_then(Group::name) else { continue };
            let path = [path, &[name]].concat();
            names(layer, &path, found);
            found.entry(path).or_insert((layer, 0)).1 += 1;
        }
    }
    let mut found = HashMap::new();
    names(root, &[], &mut found);
    if found.is_empty() && root.groups.contains_key("layers") {
        let message =
            "the file does not name its layers, as files of older Keras do not: load it by position";
        return Err(Error::Data(message.into()));
    }
    let mut out = Vec::new();
    for place in places(network.definition()).into_iter().filter(|place| place.leaf.is_some()) {
        let path: Vec<&str> = place.names.iter().map(String::as_str).collect();
        match found.get(&path) {
            Some((_, times @ 2..)) => {
                let name = place.names.join("/");
                return Err(Error::Data(format!("{times} layers of the file are called `{name}`")));
            }
            Some((group, _)) => {
                let what = format!("layer `{}`", place.names.join("/"));
                out.push(in_group(network, place.leaf, Some(group), what));
            }
            None => {}
        }
    }
    Ok(out)
}

/// The variables of a layer in its group.
fn in_group<'a>(network: &Network, leaf: Option<usize>, group: Option<&'a Group>, what: String) -> Match<'a> {
    let variables: Vec<usize> = leaf.map_or(Vec::new(), |leaf| of_leaf(network, leaf).collect());
    // How many variables at each path were seen.
    let mut seen: HashMap<&[&'static str], usize> = HashMap::new();
    let mut arrays = Vec::with_capacity(variables.len());
    for variable in &variables {
        let path = network.variables()[*variable].spec.path.as_slice();
        let number = seen.entry(path).or_insert(0);
        let vars = group.and_then(|g| g.find(path.iter().copied().chain(["vars"])));
        arrays.push(vars.and_then(|vars| vars.arrays.get(&number.to_string())));
        *number += 1;
    }
    Match { what, variables, arrays, there: group.map_or(0, Group::count) }
}

/// The numbers of a network's trained variables, in the order of Keras' `trainable_variables`: that of optimizer slots.
pub fn trained(network: &Network) -> Vec<usize> {
    let leaves = places(network.definition()).into_iter().filter_map(|place| place.leaf);
    let all = network.variables();
    leaves.flat_map(|leaf| of_leaf(network, leaf).filter(|at| all[*at].trainable)).collect()
}

/// The numbers of a leaf's variables in the order of Keras: trained ones, then state.
pub(super) fn of_leaf(network: &Network, leaf: usize) -> impl Iterator<Item = usize> {
    let all = network.variables();
    let of_kind =
        move |kind: Kind| (0..all.len()).filter(move |at| all[*at].leaf == leaf && all[*at].kind == kind);
    of_kind(Kind::Weight).chain(of_kind(Kind::State))
}
