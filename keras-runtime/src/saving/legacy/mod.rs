//! Legacy whole-model `.h5` files: those of Keras 3 and Keras 2, with the weights as a list for each layer.

mod training;

use serde_json::Value;

use super::array::{Array, Stored};
use super::assets::Assets;
use super::layout::places;
use super::order::{Entry, entries};
use super::paths::path;
use super::tree::{Attribute, Group};
use super::weights::{Match, Weights, of_leaf};
use super::{Saved, dialect, json};
use crate::engine::Network;
use crate::{Error, Result};

/// The weights of a legacy file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layers {
    /// Layers with their variables, in the file's order.
    pub layers: Vec<Layer>,
    /// The variables of the optimizer.
    pub optimizer: Option<Vec<Array>>,
}

/// A layer of a legacy file.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Layer {
    /// Its name.
    pub name: String,
    /// Its variables with their paths.
    pub variables: Vec<(String, Array)>,
}

/// Whether a tree is that of a legacy file: whole model or weights alone.
pub(super) fn is_legacy(root: &Group) -> bool {
    root.attributes.contains_key("model_config")
        || root.groups.contains_key("model_weights")
        || has_list(root, "layer_names")
}

fn has_list(group: &Group, key: &str) -> bool {
    group.attributes.contains_key(key) || group.attributes.contains_key(&format!("{key}0"))
}

/// A model from the tree of a legacy file.
pub(super) fn read(root: Group) -> Result<Saved, String> {
    let config = root.text("model_config").ok_or(
        "it holds weights alone, without an architecture: load them into a model with `load_weights`",
    )?;
    let config = json::parse(config.as_bytes()).map_err(|e| format!("`model_config`: {e}"))?;
    let mut config = dialect::modern(config)?;
    if let (Some(training), Some(config)) = (root.text("training_config"), config.as_object_mut()) {
        let training = json::parse(training.as_bytes()).map_err(|e| format!("`training_config`: {e}"))?;
        config.insert("compile_config".into(), training::modern(&training));
    }
    Ok(Saved { config, weights: read_weights(root)?, assets: Assets::default() })
}

/// The weights in the tree of a legacy file.
pub(super) fn read_weights(mut root: Group) -> Result<Weights, String> {
    // Files of Keras 2 have another order of the optimizer's variables: it starts afresh.
    let of_keras_3 = |group: &Group| group.text("keras_version").is_some_and(|v| !v.starts_with(['1', '2']));
    let mut optimizer = root.groups.remove("optimizer_weights");
    let group = root.groups.remove("model_weights").unwrap_or(root);
    if !of_keras_3(&group) {
        optimizer = None;
    }
    let names = list(&group, "layer_names").ok_or("it lacks the attribute `layer_names`")?;
    let mut layers = Vec::with_capacity(names.len());
    for name in names {
        let layer = group.find(name.split('/')).ok_or_else(|| format!("it lacks layer `{name}`"))?;
        let variables = variables(layer).map_err(|e| format!("layer `{name}`: {e}"))?;
        layers.push(Layer { name, variables });
    }
    let optimizer = match optimizer {
        Some(group) => {
            let variables = variables(&group).map_err(|e| format!("`optimizer_weights`: {e}"))?;
            Some(variables.into_iter().map(|(_, array)| array).collect())
        }
        None => None,
    };
    Ok(Weights::Layers(Layers { layers, optimizer }))
}

/// The variables that a group lists.
fn variables(group: &Group) -> Result<Vec<(String, Array)>, String> {
    let names = list(group, "weight_names").ok_or("it lacks the attribute `weight_names`")?;
    let find = |name: String| {
        let (path, last) = name.rsplit_once('/').map_or((None, &*name), |(path, last)| (Some(path), last));
        let inner = group.find(path.into_iter().flat_map(|path| path.split('/')));
        let array = inner.and_then(|inner| inner.arrays.get(last));
        let array = array.ok_or_else(|| format!("`{name}` is not there"))?.clone();
        Ok((name, array))
    };
    names.into_iter().map(find).collect()
}

/// A list of texts, which may be cut into several attributes.
fn list(group: &Group, key: &str) -> Option<Vec<String>> {
    let texts = |attribute: &Attribute| match attribute {
        Attribute::Texts(texts) => texts.clone(),
        Attribute::Text(text) => vec![text.clone()],
    };
    if let Some(whole) = group.attributes.get(key) {
        return Some(texts(whole));
    }
    let pieces: Vec<_> = (0..).map_while(|at| group.attributes.get(&format!("{key}{at}"))).collect();
    (!pieces.is_empty()).then(|| pieces.into_iter().flat_map(texts).collect())
}

/// A network's layers, each with the numbers of its variables in the order of a legacy file: all that are trained, then
/// all others, also for a model inside.
fn layers(network: &Network) -> Vec<(String, Vec<usize>)> {
    let definition = network.definition();
    let all = network.variables();
    let mut out = Vec::new();
    let places = places(definition);
    for entry in entries(definition) {
        let name = match entry {
            Entry::Input(at) => &definition.inputs[at].name,
            Entry::Member(at) if definition.members[at].is_operation() => continue,
            Entry::Member(at) => &definition.members[at].name,
        };
        // The model itself is the first place.
        let leaves = places[1..].iter().filter(|p| p.names[0] == *name).filter_map(|p| p.leaf);
        let variables: Vec<usize> = leaves.flat_map(|leaf| of_leaf(network, leaf)).collect();
        let (mut order, rest): (Vec<usize>, Vec<usize>) =
            variables.iter().partition(|at| all[**at].trainable);
        order.extend(rest);
        out.push((name.clone(), order));
    }
    out
}

/// Matches a network's variables with those of a file.
pub(super) fn matches<'a>(network: &Network, file: &'a Layers, by_name: bool) -> Result<Vec<Match<'a>>> {
    let ours = layers(network).into_iter().filter(|(_, variables)| !variables.is_empty());
    let theirs = || file.layers.iter().filter(|layer| !layer.variables.is_empty());
    let found = |(name, variables): (String, Vec<usize>), layer: &'a Layer| Match {
        what: if name == layer.name {
            format!("layer `{name}`")
        } else {
            format!("layer `{name}` (`{}` in the file)", layer.name)
        },
        arrays: (0..variables.len()).map(|at| layer.variables.get(at).map(|(_, array)| array)).collect(),
        variables,
        there: layer.variables.len(),
    };
    if by_name {
        let named = |name: &str| file.layers.iter().find(|layer| layer.name == name);
        return Ok(ours.filter_map(|one| named(&one.0).map(|layer| found(one, layer))).collect());
    }
    let ours: Vec<_> = ours.collect();
    if ours.len() != theirs().count() {
        let (expected, there) = (ours.len(), theirs().count());
        return Err(Error::Data(format!(
            "the model has {expected} layers with weights, the file {there}; `by_name` loads those of equal names"
        )));
    }
    Ok(ours.into_iter().zip(theirs()).map(|(one, layer)| found(one, layer)).collect())
}

/// The tree of a legacy file for a network: with an architecture that of a whole model, without that of weights.
pub(super) fn write(
    network: &Network,
    config: Option<&Value>,
    optimizer: &[(String, Array)],
) -> Result<Group, String> {
    let mut weights = Group::default();
    put_origin(&mut weights);
    let layers = layers(network);
    let names = layers.iter().map(|(name, _)| name.clone()).collect();
    weights.attributes.insert("layer_names".into(), Attribute::Texts(names));
    for (name, variables) in layers {
        let variables = variables.into_iter().map(|at| {
            let variable = &network.variables()[at];
            let array = network.array(variable);
            // Keras does not read its own numbers of this type from such a file; in 32 bits they are the same.
            let array = if array.stored == Stored::BF16 { array.stored_as(Stored::F32) } else { array };
            (path(network, variable), array)
        });
        put_variables(weights.make(name.split('/')), variables)?;
    }
    put_variables(weights.make(["top_level_model_weights"]), [])?;
    let Some(config) = config else { return Ok(weights) };
    let mut root = Group::default();
    put_origin(&mut root);
    root.set_text("model_config", json::print(&dialect::legacy(config)));
    if let Some(training) = training::legacy(&config["compile_config"]) {
        root.set_text("training_config", json::print(&training));
    }
    root.groups.insert("model_weights".into(), weights);
    if !optimizer.is_empty() {
        put_variables(root.make(["optimizer_weights"]), optimizer.iter().cloned())?;
    }
    Ok(root)
}

fn put_origin(group: &mut Group) {
    group.set_text("keras_version", super::KERAS_VERSION);
    group.set_text("backend", "jax");
}

fn put_variables(
    group: &mut Group,
    variables: impl IntoIterator<Item = (String, Array)>,
) -> Result<(), String> {
    let mut names = Vec::new();
    for (name, array) in variables {
        let (path, last) = name.rsplit_once('/').map_or((None, &*name), |(path, last)| (Some(path), last));
        let inner = group.make(path.into_iter().flat_map(|path| path.split('/')));
        if inner.arrays.insert(last.into(), array).is_some() {
            return Err(format!("two variables are called `{name}`: give the layers other names"));
        }
        names.push(name);
    }
    group.attributes.insert("weight_names".into(), Attribute::Texts(names));
    Ok(())
}
