//! Masks that Keras writes down as operations: `Embedding(mask_zero = True)` records `NotEqual(ids, 0)`, and the layers after it
//! are called with its result as `mask`. Here masks travel beside the values, so neither is needed.

use std::collections::HashSet;

use serde_json::Value;

use super::nodes::{Arguments, TensorRef, collect, structure};
use crate::layer::Config;

/// The operations of a Functional model that compute masks of embeddings and serve nothing else.
pub(super) fn of_embeddings(layers: &[Value], config: &Config) -> HashSet<String> {
    let embedded: Vec<TensorRef> = layers
        .iter()
        .filter(|l| text(l, "class_name") == "Embedding" && l["config"]["mask_zero"] == Value::Bool(true))
        .flat_map(|l| calls(l).flat_map(|call| call.tensors()))
        .collect();
    let masks = layers.iter().filter(|l| text(l, "class_name") == "NotEqual" && is_mask(l, &embedded));
    let mut found: HashSet<String> =
        masks.filter_map(|l| l["config"]["name"].as_str()).map(String::from).collect();
    // What is used otherwise, or is an output, stays.
    for call in layers.iter().flat_map(calls) {
        let mut others = Vec::new();
        call.args.iter().for_each(|value| collect(value, &mut others));
        call.kwargs.iter().filter(|(key, _)| *key != "mask").for_each(|(_, v)| collect(v, &mut others));
        others.iter().for_each(|tensor| _ = found.remove(&tensor.layer));
    }
    let outputs = config.get("output_layers").and_then(structure);
    outputs.into_iter().flat_map(|(outputs, _)| outputs).for_each(|t| _ = found.remove(&t.layer));
    found
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

fn text<'a>(json: &'a Value, key: &str) -> &'a str {
    json.get(key).and_then(Value::as_str).unwrap_or("")
}

fn calls(layer: &Value) -> impl Iterator<Item = Arguments> + '_ {
    let nodes = layer.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
    nodes.iter().filter_map(|node| Arguments::parse("", node).ok())
}

/// `NotEqual(ids, 0)` of something that is embedded.
fn is_mask(layer: &Value, embedded: &[TensorRef]) -> bool {
    let mut of = calls(layer);
    let (Some(call), None) = (of.next(), of.next()) else { return false };
    let zero = call.args.get(1).and_then(Value::as_f64) == Some(0.0);
    zero && matches!(call.tensors().as_slice(), [ids] if embedded.contains(ids))
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
        let found = of_embeddings(&model(true), &config);
        assert_eq!(found, HashSet::from(["m".to_string()]));
        let mut call = calls(&model(true)[2]).next().unwrap();
        forget(&mut call, &found);
        assert!(call.kwargs.is_empty());
    }

    #[test]
    fn what_means_something_else_stays() {
        let mut config = Config::new();
        assert!(of_embeddings(&model(false), &config).is_empty());
        let mut used = model(true);
        used.push(layer("Dense", "d", json!({}), json!([tensor("m")]), json!({})));
        assert!(of_embeddings(&used, &config).is_empty());
        config.insert("output_layers".into(), json!([["m", 0, 0]]));
        assert!(of_embeddings(&model(true), &config).is_empty());
    }
}
