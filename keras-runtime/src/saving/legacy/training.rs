//! `training_config` of legacy files: what Keras 3 calls `compile_config`.

use serde_json::{Map, Value, json};

use super::super::dialect;

/// Keys that both have.
const SHARED: [&str; 6] =
    ["loss_weights", "metrics", "weighted_metrics", "run_eagerly", "steps_per_execution", "jit_compile"];
/// Options of Keras 2's optimizers that Keras 3 does not take.
const GONE: [&str; 3] = ["is_legacy_optimizer", "jit_compile", "decay"];

/// Short names of losses.
const SHORT: [(&str, &str); 6] = [
    ("mse", "mean_squared_error"),
    ("mae", "mean_absolute_error"),
    ("mape", "mean_absolute_percentage_error"),
    ("msle", "mean_squared_logarithmic_error"),
    ("bce", "binary_crossentropy"),
    ("kld", "kl_divergence"),
];

/// As Keras 3 has it.
pub(super) fn modern(training: &Value) -> Value {
    let mut out = Map::new();
    if let Some(optimizer) = training.get("optimizer_config") {
        let mut optimizer = object(optimizer, "keras.optimizers");
        if let Some(config) = optimizer.get_mut("config").and_then(Value::as_object_mut) {
            GONE.iter().for_each(|key| drop(config.shift_remove(*key)));
        }
        out.insert("optimizer".into(), optimizer);
    }
    out.insert("loss".into(), training.get("loss").map_or(Value::Null, |l| nested(l, "keras.losses")));
    for key in SHARED {
        let value = training.get(key).map_or(Value::Null, |value| nested(value, "keras.metrics"));
        out.insert(key.into(), value);
    }
    dialect::fill(&mut out);
    Value::Object(out)
}

/// As a legacy file has it; nothing for a model that was never compiled.
pub(super) fn legacy(compiled: &Value) -> Option<Value> {
    let optimizer = compiled.get("optimizer").filter(|o| !o.is_null())?;
    let mut out = Map::new();
    out.insert("loss".into(), compiled.get("loss").map_or(Value::Null, spelt_out));
    for key in SHARED {
        out.insert(key.into(), compiled.get(key).cloned().unwrap_or(Value::Null));
    }
    let optimizer = match optimizer {
        Value::String(name) => json!({"class_name": name, "config": {}}),
        object => json!({"class_name": object.get("class_name"), "config": object.get("config")}),
    };
    out.insert("optimizer_config".into(), optimizer);
    Some(Value::Object(out))
}

/// Losses by their full names: Keras 3 does not find short ones in legacy files (nor in its own).
fn spelt_out(value: &Value) -> Value {
    match value {
        Value::String(name) => {
            let full = SHORT.iter().find(|(short, _)| *short == name.to_lowercase());
            full.map_or(name.as_str(), |(_, full)| full).into()
        }
        Value::Array(items) => items.iter().map(spelt_out).collect(),
        Value::Object(items) if !items.contains_key("class_name") => {
            items.iter().map(|(key, item)| (key.clone(), spelt_out(item))).collect::<Map<_, _>>().into()
        }
        other => other.clone(),
    }
}

fn nested(value: &Value, module: &str) -> Value {
    match value {
        Value::Array(items) => items.iter().map(|item| nested(item, module)).collect(),
        Value::Object(items) if !items.contains_key("class_name") => {
            items.iter().map(|(key, item)| (key.clone(), nested(item, module))).collect::<Map<_, _>>().into()
        }
        Value::Object(_) => object(value, module),
        other => other.clone(),
    }
}

/// An object of a module.
fn object(value: &Value, module: &str) -> Value {
    let Some(object) = value.as_object().filter(|o| !o.contains_key("module")) else { return value.clone() };
    let class = object.get("class_name").and_then(Value::as_str).unwrap_or("");
    // Keras 2 wraps functions of its own.
    if let Some(function) = object.get("config").and_then(|config| config.get("fn")).and_then(Value::as_str) {
        if class == "MeanMetricWrapper" {
            return function.into();
        }
    }
    let class = class.strip_prefix("Custom>").unwrap_or(class);
    let registered = if class.contains('>') { json!(class) } else { Value::Null };
    let mut config = object.get("config").cloned().unwrap_or_else(|| json!({}));
    if let Some(config) = config.as_object_mut() {
        config.shift_remove("fn");
        if config.get("reduction").is_some_and(|r| r == "auto") {
            config.insert("reduction".into(), "sum_over_batch_size".into());
        }
    }
    let name = class.rsplit('>').next().unwrap_or(class);
    json!({"module": module, "class_name": name, "config": config, "registered_name": registered})
}
