//! Dialects of architectures: what Keras 2 and legacy files of Keras 3 write, to and from what Keras 3 writes now.

use std::collections::HashMap;

use serde_json::{Map, Value, json};

/// Layers that hold layers, and where.
const INNER: [&str; 4] = ["layer", "forward_layer", "backward_layer", "cell"];
/// Layers that merge a list of tensors; operations of the same names take them one by one.
const MERGING: [&str; 7] = ["Add", "Average", "Dot", "Maximum", "Minimum", "Multiply", "Subtract"];

/// The configuration as Keras 3 writes it; one that is already so stays as it is.
///
/// # Errors
/// If it has an option that Keras 3 does not have.
pub(super) fn modern(mut json: Value) -> Result<Value, String> {
    object(&mut json)?;
    if let Some(compiled) = json.get_mut("compile_config").and_then(Value::as_object_mut) {
        fill(compiled);
    }
    Ok(json)
}

/// Gives options of `compile` that Keras 2 left open the values that Keras 3 wants.
pub(super) fn fill(compiled: &mut Map<String, Value>) {
    for (key, value) in
        [("run_eagerly", json!(false)), ("steps_per_execution", json!(1)), ("jit_compile", json!(false))]
    {
        compiled.entry(key).and_modify(|known| {
            if known.is_null() {
                *known = value;
            }
        });
    }
}

fn is_model(class: &str) -> bool {
    matches!(class, "Sequential" | "Functional" | "Model")
}

/// A model or a layer.
fn object(json: &mut Value) -> Result<(), String> {
    let Some(object) = json.as_object_mut() else { return Ok(()) };
    let Some(class) = object.get("class_name").and_then(Value::as_str).map(String::from) else {
        return Ok(());
    };
    if !object.contains_key("module") || is_model(&class) {
        let (package, name) = class.rsplit_once('>').map_or((None, &*class), |(p, name)| (Some(p), name));
        let (module, name, registered) = match (name, package) {
            ("Sequential", None) => ("keras", name, Value::Null),
            ("Functional" | "Model", None) => {
                ("keras.src.models.functional", "Functional", json!("Functional"))
            }
            (_, Some(package)) => (package, name, json!(class)),
            _ if is_operation(object, name) => ("keras.src.ops.numpy", name, json!(name)),
            _ => ("keras.layers", name, Value::Null),
        };
        let entries =
            [("module", json!(module)), ("class_name", json!(name)), ("registered_name", registered)];
        // In Keras' order.
        let mut ordered = Map::new();
        ordered.insert("module".into(), entries[0].1.clone());
        ordered.insert("class_name".into(), entries[1].1.clone());
        ordered.insert("config".into(), object.shift_remove("config").unwrap_or(Value::Null));
        ordered.insert("registered_name".into(), entries[2].1.clone());
        for (key, value) in std::mem::take(object) {
            ordered.entry(key).or_insert(value);
        }
        *object = ordered;
    }
    if let Some(nodes) = object.get_mut("inbound_nodes").and_then(Value::as_array_mut) {
        nodes.iter_mut().for_each(|call| node(call, &class));
    }
    let Some(config) = object.get_mut("config") else { return Ok(()) };
    // Before Keras 2.2.3 a Sequential model was a plain list.
    if class == "Sequential" && config.is_array() {
        *config = json!({"name": "sequential", "trainable": true, "layers": config.take()});
    }
    let Some(config) = config.as_object_mut() else { return Ok(()) };
    if is_model(&class) { model(config) } else { layer(config, &class) }
}

fn is_operation(object: &Map<String, Value>, class: &str) -> bool {
    let first = object.get("inbound_nodes").and_then(|nodes| nodes.get(0));
    let tensor = first.and_then(|call| call.get("args")).and_then(|args| args.get(0));
    class == "GetItem" || MERGING.contains(&class) && tensor.is_some_and(Value::is_object)
}

fn model(config: &mut Map<String, Value>) -> Result<(), String> {
    let functional = config.contains_key("output_layers");
    let Some(layers) = config.get_mut("layers").and_then(Value::as_array_mut) else { return Ok(()) };
    // The first layer of a Sequential model may say what the input is.
    let shape = layers.first().and_then(|first| first.get("config")?.get("batch_input_shape")).cloned();
    let is_input = layers.first().is_some_and(|first| first["class_name"] == "InputLayer");
    if let (Some(shape), false, false) = (shape, is_input, functional) {
        let first = &layers[0]["config"];
        let name = first["name"].as_str().map_or("input_layer".into(), |name| format!("{name}_input"));
        let dtype = first["dtype"].as_str().unwrap_or("float32");
        let config =
            json!({"batch_shape": shape, "dtype": dtype, "sparse": false, "ragged": false, "name": name});
        layers.insert(0, json!({"class_name": "InputLayer", "config": config}));
    }
    let counted = counted_from_one(layers);
    layers.iter_mut().for_each(|layer| count_from_zero(layer, &counted));
    layers.iter_mut().try_for_each(object)?;
    if let Some(outputs) = config.get_mut("output_layers").and_then(Value::as_array_mut) {
        let sequential =
            outputs.iter_mut().filter(|o| counted.get(o[0].as_str().unwrap_or("")) == Some(&true));
        sequential.for_each(lower);
    }
    Ok(())
}

/// The models inside a model of Keras 2, whose calls are counted from 1 (a model has a node of its own), and whether each
/// is Sequential.
fn counted_from_one(layers: &[Value]) -> HashMap<String, bool> {
    let mut lowest: HashMap<&str, u64> = HashMap::new();
    for call in layers.iter().flat_map(calls) {
        for tensor in call.as_array().into_iter().flatten() {
            if let (Some(name), Some(node)) = (tensor[0].as_str(), tensor[1].as_u64()) {
                let known = lowest.entry(name).or_insert(node);
                *known = node.min(*known);
            }
        }
    }
    let models = layers.iter().filter(|layer| layer["class_name"].as_str().is_some_and(is_model));
    let names = models
        .filter_map(|layer| Some((layer["config"]["name"].as_str()?, layer["class_name"] == "Sequential")));
    names.filter(|(name, _)| lowest.get(name).is_some_and(|n| *n > 0)).map(|(n, s)| (n.into(), s)).collect()
}

fn calls(layer: &Value) -> impl Iterator<Item = &Value> {
    layer["inbound_nodes"].as_array().into_iter().flatten()
}

fn count_from_zero(layer: &mut Value, counted: &HashMap<String, bool>) {
    let calls = layer.get_mut("inbound_nodes").and_then(Value::as_array_mut).into_iter().flatten();
    for tensor in calls.filter_map(Value::as_array_mut).flatten() {
        if tensor[0].as_str().is_some_and(|name| counted.contains_key(name)) {
            lower(tensor);
        }
    }
}

fn lower(tensor: &mut Value) {
    if let Some(node) = tensor.get_mut(1) {
        *node = node.as_u64().map_or(Value::Null, |n| n.saturating_sub(1).into());
    }
}

fn layer(config: &mut Map<String, Value>, class: &str) -> Result<(), String> {
    if config.shift_remove("time_major").is_some_and(|yes| yes == true) {
        let name = config.get("name").and_then(Value::as_str).unwrap_or("");
        return Err(format!(
            "layer `{name}` ({class}): `time_major` is gone in Keras 3: swap the axes of its input"
        ));
    }
    if let Some(shape) = config.shift_remove("batch_input_shape") {
        if class == "InputLayer" {
            config.insert("batch_shape".into(), shape);
        }
    }
    if let Some([axis]) = config.get("axis").and_then(Value::as_array).map(Vec::as_slice) {
        let axis = axis.clone();
        config.insert("axis".into(), axis);
    }
    if class == "LeakyReLU"
        && let Some(alpha) = config.shift_remove("alpha")
    {
        config.insert("negative_slope".into(), alpha);
    }
    if let Some(policy) = config.get_mut("dtype").and_then(Value::as_object_mut) {
        if policy.get("class_name").is_some_and(|class| class == "Policy") {
            let name = policy.get("config").map(|config| config["name"].clone());
            *policy = Map::new();
            policy.insert("module".into(), "keras".into());
            policy.insert("class_name".into(), "DTypePolicy".into());
            policy.insert("config".into(), json!({"name": name}));
            policy.insert("registered_name".into(), Value::Null);
        }
    }
    for (key, value) in config.iter_mut() {
        if INNER.contains(&key.as_str()) {
            object(value)?;
        } else if key == "cells" {
            value.as_array_mut().into_iter().flatten().try_for_each(object)?;
        } else if let Some(value) = value.as_object_mut().filter(|v| v.contains_key("class_name")) {
            let kinds = [
                ("initializer", "initializers"),
                ("regularizer", "regularizers"),
                ("constraint", "constraints"),
            ];
            let module = kinds.iter().find(|(kind, _)| key.ends_with(kind));
            if let (Some((_, module)), false) = (module, value.contains_key("module")) {
                value.insert("module".into(), format!("keras.{module}").into());
                value.insert("registered_name".into(), Value::Null);
            }
        }
    }
    Ok(())
}

/// A call: `[["layer", node, tensor, {kwargs}], ..]` in Keras 2.
fn node(call: &mut Value, class: &str) {
    let Some(tensors) = call.as_array() else { return };
    let mut args = Vec::with_capacity(tensors.len());
    let mut kwargs = Map::new();
    for tensor in tensors {
        let Some([layer, node, output, rest @ ..]) = tensor.as_array().map(Vec::as_slice) else { return };
        args.push(reference(layer, node, output));
        for (key, value) in rest.first().and_then(Value::as_object).into_iter().flatten() {
            // A tensor that was given by name.
            let value = match value.as_array().map(Vec::as_slice) {
                Some([layer, node, output]) if layer.is_string() => reference(layer, node, output),
                _ => value.clone(),
            };
            if key != "training" {
                kwargs.insert(key.clone(), value);
            }
        }
    }
    let listed = MERGING.contains(&class) || class == "Concatenate" || args.len() > 1;
    let args = if listed { json!([args]) } else { json!(args) };
    *call = json!({"args": args, "kwargs": kwargs});
}

/// A tensor. Its shape is not known here, and Keras does not look at it.
fn reference(layer: &Value, node: &Value, output: &Value) -> Value {
    json!({
        "class_name": "__keras_tensor__",
        "config": {"shape": [null], "dtype": "float32", "keras_history": [layer, node, output]},
    })
}

/// The configuration of a model as legacy files have it.
pub(super) fn legacy(json: &Value) -> Value {
    let mut config = json["config"].clone();
    if let Some(layers) = config.get_mut("layers").and_then(Value::as_array_mut) {
        layers.iter_mut().for_each(|layer| *layer = legacy_layer(layer));
    }
    json!({"class_name": json["class_name"], "config": config})
}

fn legacy_layer(json: &Value) -> Value {
    let class = json["class_name"].as_str().unwrap_or("");
    // An operation would be taken for the layer of its name.
    if json["module"].as_str().is_some_and(|module| module.starts_with("keras.src.ops")) {
        return json.clone();
    }
    let mut out =
        if is_model(class) { legacy(json) } else { json!({"class_name": class, "config": json["config"]}) };
    if let Some(registered) = json["registered_name"].as_str().filter(|name| name.contains('>')) {
        out["class_name"] = registered.into();
    }
    for key in ["name", "inbound_nodes"] {
        if let Some(value) = json.get(key) {
            out[key] = value.clone();
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_model_of_keras_2() {
        let old = json!({"class_name": "Model", "config": {"name": "m", "layers": [
            {"class_name": "InputLayer", "name": "a", "inbound_nodes": [],
             "config": {"batch_input_shape": [null, 4], "name": "a", "dtype": "float32"}},
            {"class_name": "LeakyReLU", "name": "r", "inbound_nodes": [[["a", 0, 0, {"training": true}]]],
             "config": {"name": "r", "alpha": 0.2}},
            {"class_name": "Add", "name": "s", "inbound_nodes": [[["a", 0, 0, {}], ["r", 0, 0, {}]]],
             "config": {"name": "s"}},
        ], "input_layers": [["a", 0, 0]], "output_layers": [["s", 0, 0]]}});
        let new = modern(old).expect("is known");
        let layers = &new["config"]["layers"];
        assert_eq!(
            (&new["class_name"], &new["module"]),
            (&json!("Functional"), &json!("keras.src.models.functional"))
        );
        assert_eq!(layers[0]["config"]["batch_shape"], json!([null, 4]));
        assert_eq!(layers[1]["config"], json!({"name": "r", "negative_slope": 0.2}));
        assert_eq!(layers[1]["inbound_nodes"][0]["args"][0]["config"]["keras_history"], json!(["a", 0, 0]));
        assert_eq!(layers[1]["inbound_nodes"][0]["kwargs"], json!({}));
        assert_eq!(
            layers[2]["inbound_nodes"][0]["args"][0][1]["config"]["keras_history"],
            json!(["r", 0, 0])
        );
        assert_eq!(modern(new.clone()), Ok(new.clone()), "what is modern stays as it is");
        assert_eq!(modern(legacy(&new)), Ok(new));
    }

    #[test]
    fn an_input_that_the_first_layer_knows() {
        let old = json!({"class_name": "Sequential", "config": [
            {"class_name": "Dense", "config": {"name": "d", "units": 2, "batch_input_shape": [null, 3]}},
        ]});
        let layers = modern(old).expect("is known")["config"]["layers"].clone();
        assert_eq!(layers[0]["class_name"], "InputLayer");
        assert_eq!(layers[0]["config"]["batch_shape"], json!([null, 3]));
        assert_eq!(layers[1]["config"], json!({"name": "d", "units": 2}));
    }
}
