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

    /// Gives positional arguments their names and brings all into the order of the signature: a file has them as they were written
    /// (`layer(value=v, query=q)`, `lstm(x, [h, c])`). As `layers/calls.rs` of the runtime does.
    pub fn arrange(&mut self, class: &str) -> Result<()> {
        let Some(names) = signature(class) else { return Ok(()) };
        if self.args.len() > names.len() {
            return Err(format!("is called with {} arguments, it has {}", self.args.len(), names.len()));
        }
        let mut given = std::mem::take(&mut self.kwargs);
        for (name, value) in names.iter().zip(self.args.drain(..)) {
            if given.insert((*name).to_string(), value).is_some() {
                return Err(format!("is called with two values for `{name}`"));
            }
        }
        for name in names {
            self.kwargs.extend(given.remove_entry(*name));
        }
        self.kwargs.extend(given);
        Ok(())
    }

    /// All tensors: those of positional arguments first, then those of named ones in their order.
    pub fn tensors(&self) -> Vec<Tensor> {
        let mut found = Vec::new();
        self.args.iter().chain(self.kwargs.values()).for_each(|value| collect(value, &mut found));
        found
    }
}

/// The arguments of a class's `call`, where more than the first may be a tensor. Macros know no layer: `tests/import.rs` holds them
/// against the runtime's.
pub fn signature(class: &str) -> Option<&'static [&'static str]> {
    match class {
        "MultiHeadAttention" | "GroupedQueryAttention" | "GroupQueryAttention" => Some(&[
            "query",
            "value",
            "key",
            "query_mask",
            "value_mask",
            "key_mask",
            "attention_mask",
            "return_attention_scores",
            "training",
            "use_causal_mask",
        ]),
        "Attention" | "AdditiveAttention" => {
            Some(&["inputs", "mask", "training", "return_attention_scores", "use_causal_mask"])
        }
        "LSTM" | "GRU" | "SimpleRNN" | "Bidirectional" => {
            Some(&["sequences", "initial_state", "mask", "training"])
        }
        "Softmax" | "GlobalAveragePooling1D" => Some(&["inputs", "mask"]),
        "BatchNormalization" | "TimeDistributed" => Some(&["inputs", "training", "mask"]),
        _ => None,
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
