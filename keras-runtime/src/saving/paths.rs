//! The paths of variables in Keras: names of models and layers, those of the layers inside a layer, the variable's own.

use serde_json::Value;

use super::layout::snake_case;
use crate::engine::{Network, Variable};

/// A variable's path, without the name of the model that it is in: `tower/both/forward_lstm/lstm_cell/kernel`.
pub(super) fn path(network: &Network, variable: &Variable) -> String {
    let inner = variable.spec.path.as_slice();
    let mut parts = variable.layer.clone();
    if !inner.is_empty() {
        let layer = &network.flat().leaves[variable.leaf].layer;
        let config = Value::Object(layer.config());
        let (mut class, mut config) = (layer.class_name(), &config);
        for attribute in inner {
            let (name, next) = name_of(class, config, attribute);
            parts.push(name);
            (class, config) = next;
        }
    }
    parts.push(variable.spec.name.into());
    parts.join("/")
}

/// The name of what is under an attribute of a layer, with its class and configuration.
fn name_of<'a>(class: &'a str, config: &'a Value, attribute: &str) -> (String, (&'a str, &'a Value)) {
    let wrapped = &config["layer"];
    let name = |object: &Value| match object["config"]["name"].as_str() {
        Some(name) => name.to_string(),
        None => snake_case(object["class_name"].as_str().unwrap_or("")),
    };
    let inside = |object: &'a Value| (object["class_name"].as_str().unwrap_or(""), &object["config"]);
    match attribute.trim_start_matches('_') {
        "cell" if config["cell"].is_object() => (name(&config["cell"]), inside(&config["cell"])),
        // All convolutional ones share a cell class.
        "cell" if class.starts_with("ConvLSTM") => ("conv_lstm_cell".into(), (class, config)),
        "cell" => (snake_case(&format!("{class}Cell")), (class, config)),
        "forward_layer" => (format!("forward_{}", name(wrapped)), inside(wrapped)),
        "backward_layer" => match config["backward_layer"]["config"]["name"].as_str() {
            Some(name) => (name.into(), inside(&config["backward_layer"])),
            None => (format!("backward_{}", name(wrapped)), inside(wrapped)),
        },
        "layer" => (name(wrapped), inside(wrapped)),
        "output_dense" => ("attention_output".into(), (class, config)),
        other => (other.strip_suffix("_dense").unwrap_or(other).into(), (class, config)),
    }
}
