//! Arguments of calls: `{"args": [...], "kwargs": {...}}` with tensors nested in them.

use std::collections::HashSet;

use serde_json::{Map, Value};

use super::Result;

/// A tensor in the arguments of a call: an output of a call of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Tensor {
    /// Name of the layer.
    pub layer: String,
    /// Which of its calls.
    pub node: usize,
    /// Which of the outputs of that call.
    pub output: usize,
}

/// One call's arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map<String, Value>,
}

impl Arguments {
    /// Reads one element of `inbound_nodes`.
    pub fn parse(json: &Value) -> Result<Arguments> {
        let args =
            json.get("args").and_then(Value::as_array).ok_or("its `inbound_nodes` are not Keras 3's")?;
        let kwargs = json.get("kwargs").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Arguments { args: args.clone(), kwargs })
    }

    /// All tensors: those of positional arguments first, then those of named ones in their order.
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut found = Vec::new();
        self.args.iter().chain(self.kwargs.values()).for_each(|value| collect(value, &mut found));
        found
    }
}

/// The tensor that a value is, if it is one.
pub(super) fn tensor(value: &Value) -> Option<Tensor> {
    if value.get("class_name")?.as_str()? != "__keras_tensor__" {
        return None;
    }
    history(value.get("config")?.get("keras_history")?)
}

/// `[layer, node, output]`.
fn history(value: &Value) -> Option<Tensor> {
    let [layer, node, output] = value.as_array()?.as_slice() else { return None };
    Some(Tensor {
        layer: layer.as_str()?.to_string(),
        node: usize::try_from(node.as_u64()?).ok()?,
        output: usize::try_from(output.as_u64()?).ok()?,
    })
}

/// Collects the tensors in a value, however deep in lists and dicts.
pub(super) fn collect(value: &Value, found: &mut Vec<Tensor>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(items) => match tensor(value) {
            Some(tensor) => found.push(tensor),
            None => items.values().for_each(|item| collect(item, found)),
        },
        _ => {}
    }
}

/// The values of a structure of `[layer, node, output]` triples, each with its key if it is a dict: Python takes dicts in the
/// order of their sorted keys.
pub(super) fn structure(value: &Value) -> Option<Vec<(Option<String>, Tensor)>> {
    if let Some(one) = history(value) {
        return Some(vec![(None, one)]);
    }
    match value {
        Value::Array(items) => Some(items.iter().map(structure).collect::<Option<Vec<_>>>()?.concat()),
        Value::Object(items) => {
            let mut all: Vec<_> = items.iter().collect();
            all.sort_by_key(|(key, _)| *key);
            all.into_iter().map(|(key, item)| Some((Some(key.clone()), history(item)?))).collect()
        }
        _ => None,
    }
}

/// The operations of a Functional model that compute masks of embeddings (`NotEqual(ids, 0)`) and serve nothing else: in
/// `model!`, masks travel beside the values.
pub(super) fn masks(layers: &[Value], outputs: &[(Option<String>, Tensor)]) -> HashSet<String> {
    let embedded: Vec<Tensor> = layers
        .iter()
        .filter(|l| l["class_name"] == "Embedding" && l["config"]["mask_zero"] == Value::Bool(true))
        .flat_map(|l| of_layer(l).flat_map(|call| call.tensors()))
        .collect();
    let is_mask = |layer: &&Value| {
        let mut calls = of_layer(layer);
        let (Some(call), None) = (calls.next(), calls.next()) else { return false };
        let zero = call.args.get(1).and_then(Value::as_f64) == Some(0.0);
        layer["class_name"] == "NotEqual"
            && zero
            && matches!(call.tensors().as_slice(), [ids] if embedded.contains(ids))
    };
    let names = layers.iter().filter(is_mask).filter_map(|l| l["config"]["name"].as_str());
    let mut found: HashSet<String> = names.map(String::from).collect();
    // What is used otherwise, or is an output, stays.
    for call in layers.iter().flat_map(of_layer) {
        let mut others = Vec::new();
        call.args.iter().for_each(|value| collect(value, &mut others));
        call.kwargs.iter().filter(|(key, _)| *key != "mask").for_each(|(_, v)| collect(v, &mut others));
        others.iter().for_each(|tensor| _ = found.remove(&tensor.layer));
    }
    outputs.iter().for_each(|(_, tensor)| _ = found.remove(&tensor.layer));
    found
}

fn of_layer(layer: &Value) -> impl Iterator<Item = Arguments> + '_ {
    let nodes = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    nodes.iter().filter_map(|node| Arguments::parse(node).ok())
}
