//! Masks that Keras writes down as operations: `Embedding(mask_zero = True)` records `NotEqual(ids, 0)`, `Masking` records
//! `Any(NotEqual(x, mask_value), -1)`, and the layers after them are called with the result as `mask`. Here masks travel beside the
//! values, so none of it is needed. Other masks are computed, and [`take`] says which inputs they are of.

use std::collections::HashSet;

use serde_json::Value;

use super::nodes::{self, Arguments, TensorRef, collect, structure};
use crate::layer::Config;
use crate::layers::calls;

/// The operations of a Functional model that compute masks of embeddings and of `Masking`, and serve nothing else.
pub(super) fn recorded(layers: &[Value], config: &Config) -> HashSet<String> {
    // What is compared with which number: the inputs of layers that make masks.
    let mut compared: Vec<(TensorRef, f64)> = Vec::new();
    for layer in layers {
        let value = match text(layer, "class_name") {
            "Embedding" if layer["config"]["mask_zero"] == Value::Bool(true) => Some(0.0),
            "Masking" => layer["config"]["mask_value"].as_f64(),
            _ => None,
        };
        let Some(value) = value else { continue };
        compared.extend(nodes_of(layer).flat_map(|call| call.tensors()).map(|input| (input, value)));
    }
    let mut found: HashSet<String> = HashSet::new();
    for layer in layers.iter().filter(|l| text(l, "class_name") == "NotEqual" && is_mask(l, &compared)) {
        found.extend(layer["config"]["name"].as_str().map(String::from));
    }
    let any: Vec<&Value> = layers.iter().filter(|l| is_any_of(l, &found)).collect();
    found.extend(any.into_iter().filter_map(|l| l["config"]["name"].as_str()).map(String::from));
    keep_what_is_used(layers, config, &mut found);
    found
}

/// Takes out what is used otherwise, or is an output, and what that is computed from.
fn keep_what_is_used(layers: &[Value], config: &Config, found: &mut HashSet<String>) {
    let outputs = config.get("output_layers").and_then(structure);
    outputs.into_iter().flat_map(|(outputs, _)| outputs).for_each(|t| _ = found.remove(&t.layer));
    loop {
        let before = found.len();
        for layer in layers {
            // Between themselves they may use each other.
            if layer["config"]["name"].as_str().is_some_and(|name| found.contains(name)) {
                continue;
            }
            for call in nodes_of(layer) {
                let mut others = Vec::new();
                call.args.iter().for_each(|value| collect(value, &mut others));
                // The mask of a Softmax is one of its inputs.
                let is_input = text(layer, "class_name") == "Softmax";
                let named = call.kwargs.iter().filter(|(key, _)| *key != "mask" || is_input);
                named.for_each(|(_, value)| collect(value, &mut others));
                others.iter().for_each(|tensor| _ = found.remove(&tensor.layer));
            }
        }
        if found.len() == before {
            return;
        }
    }
}

/// Drops the argument `mask` if one of these operations yields it.
pub(super) fn forget(call: &mut Arguments, masks: &HashSet<String>) {
    let mut tensors = Vec::new();
    if let Some(mask) = call.kwargs.get("mask") {
        collect(mask, &mut tensors);
    }
    if !tensors.is_empty() && tensors.iter().all(|tensor| masks.contains(&tensor.layer)) {
        call.kwargs.remove("mask");
    }
}

/// Takes the masks that a call names out of its arguments: they travel beside the values.
///
/// # Errors
/// If an argument for masks holds something else.
pub(super) fn take(class: &str, call: &mut Arguments) -> Result<(), String> {
    // Keras replaces this argument by the mask that the query has, so that a call that names another computes without it.
    if class == "MultiHeadAttention" {
        call.kwargs.remove("query_mask");
    }
    for (argument, first) in calls::masks(class) {
        let mut tensors = Vec::new();
        call.kwargs.get(*argument).iter().for_each(|value| collect(value, &mut tensors));
        let Some(value) = call.kwargs.get(*argument).filter(|_| !tensors.is_empty()) else { continue };
        let list = match value {
            Value::Array(list) => list.as_slice(),
            one => std::slice::from_ref(one),
        };
        for (at, value) in list.iter().enumerate() {
            let mask = nodes::tensor(value);
            if mask.is_none() && !value.is_null() {
                return Err(format!("`{argument}`: expected tensors or none"));
            }
            let at = first + at;
            call.masks.resize(call.masks.len().max(at + 1), None);
            call.masks[at] = mask;
        }
        call.kwargs.remove(*argument);
    }
    Ok(())
}

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json.get(key).and_then(Value::as_str).unwrap_or("")
}

fn nodes_of(layer: &Value) -> impl Iterator<Item = Arguments> + '_ {
    let nodes = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    nodes.iter().filter_map(|node| Arguments::parse("", node).ok())
}

/// `NotEqual(x, value)` of what a layer compares with that value.
fn is_mask(layer: &Value, compared: &[(TensorRef, f64)]) -> bool {
    let mut of = nodes_of(layer);
    let (Some(call), None) = (of.next(), of.next()) else { return false };
    let (tensors, value) = (call.tensors(), call.args.get(1).and_then(Value::as_f64));
    let [x] = tensors.as_slice() else { return false };
    compared.iter().any(|(input, with)| input == x && value == Some(*with))
}

/// `Any(x, -1)` of one of these.
fn is_any_of(layer: &Value, found: &HashSet<String>) -> bool {
    let mut of = nodes_of(layer);
    let (Some(call), None) = (of.next(), of.next()) else { return false };
    let config = &layer["config"];
    let steps = text(layer, "class_name") == "Any" && config["axis"] == -1 && config["keepdims"] != true;
    steps && matches!(call.tensors().as_slice(), [x] if found.contains(&x.layer))
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn tensor(layer: &str) -> Value {
        json!({"class_name": "__keras_tensor__", "config": {"keras_history": [layer, 0, 0]}})
    }

    fn layer(class: &str, name: &str, config: Value, args: Value, kwargs: Value) -> Value {
        let mut config = config;
        config["name"] = json!(name);
        json!({"class_name": class, "config": config, "inbound_nodes": [{"args": args, "kwargs": kwargs}]})
    }

    fn model(mask_zero: bool) -> Vec<Value> {
        vec![
            layer("Embedding", "e", json!({"mask_zero": mask_zero}), json!([tensor("x")]), json!({})),
            layer("NotEqual", "m", json!({}), json!([tensor("x"), 0]), json!({})),
            layer("GRU", "g", json!({}), json!([tensor("e")]), json!({"mask": tensor("m")})),
        ]
    }

    #[test]
    fn masks_of_embeddings_are_found_and_forgotten() {
        let config = Config::new();
        let found = recorded(&model(true), &config);
        assert_eq!(found, HashSet::from(["m".to_string()]));
        let mut call = nodes_of(&model(true)[2]).next().unwrap();
        forget(&mut call, &found);
        assert!(call.kwargs.is_empty());
    }

    #[test]
    fn masks_of_masking_are_two_operations() {
        let model = |value: f64| {
            let any = json!({"axis": -1, "keepdims": false});
            vec![
                layer("NotEqual", "n", json!({}), json!([tensor("x"), value]), json!({})),
                layer("Masking", "k", json!({"mask_value": -1.0}), json!([tensor("x")]), json!({})),
                layer("Any", "a", any, json!([tensor("n")]), json!({})),
                layer("LSTM", "l", json!({}), json!([tensor("k")]), json!({"mask": tensor("a")})),
            ]
        };
        let mut config = Config::new();
        assert_eq!(recorded(&model(-1.0), &config), HashSet::from(["n".to_string(), "a".to_string()]));
        assert!(recorded(&model(-2.0), &config).is_empty());
        // What an operation that stays is computed from stays too.
        config.insert("output_layers".into(), json!([["a", 0, 0]]));
        assert!(recorded(&model(-1.0), &config).is_empty());
    }

    #[test]
    fn what_means_something_else_stays() {
        let mut config = Config::new();
        assert!(recorded(&model(false), &config).is_empty());
        let mut used = model(true);
        let softmax = |mask: &str| {
            layer("Softmax", "s", json!({}), json!([tensor("y")]), json!({"mask": tensor(mask)}))
        };
        used.push(softmax("m"));
        assert!(recorded(&used, &config).is_empty());
        used.pop();
        used.push(layer("Dense", "d", json!({}), json!([tensor("m")]), json!({})));
        assert!(recorded(&used, &config).is_empty());
        config.insert("output_layers".into(), json!([["m", 0, 0]]));
        assert!(recorded(&model(true), &config).is_empty());
    }
}
