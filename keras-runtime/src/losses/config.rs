//! Losses from the JSON of a Keras file.

use serde_json::Value;

use super::*;
use crate::registry::Origin;
use crate::training::options::Options;
use crate::{Error, Registry, Result};

/// Whether it is a function of somebody's own, as far as its form says.
fn is_function(json: &Value) -> bool {
    let class = json.get("class_name").and_then(Value::as_str);
    matches!(class, Some("function" | "LossFunctionWrapper"))
}

/// What is said about a class that a file names and this program does not have.
pub(crate) fn unknown_class(register: &str, attribute: &str) -> String {
    format!(
        "is not known: write it here (`{attribute}`) and register it (`Registry::new().{register}::<..>()`)"
    )
}

/// The loss that a file describes: an envelope `{"class_name", "config", ..}`, or a name such as `"mse"`.
///
/// # Errors
/// If there is no such loss, or an option cannot be honoured.
pub fn from_config(json: &Value, registry: &Registry) -> Result<Box<dyn Loss>> {
    let wrapped = json.get("class_name").is_some_and(|class| class == "LossFunctionWrapper");
    let function = if wrapped { &json["config"]["fn"] } else { json };
    let Some(origin) = Origin::of(function) else {
        return Err(Error::config("loss", "expected its name or its configuration"));
    };
    if let Some(make) = registry.loss(&origin) {
        // A function alone has no configuration.
        return make(json.get("config").and_then(Value::as_object).unwrap_or(&Config::new()), registry);
    }
    if !origin.is_keras() {
        return Err(Error::config(format!("loss: {origin}"), unknown_class("register_loss", "#[loss]")));
    }
    let (class, config) = match json {
        Value::String(name) => (name.clone(), Config::new()),
        Value::Object(object) => {
            let class = object.get("class_name").and_then(Value::as_str).unwrap_or("");
            // A function of `keras.losses`: {"class_name": "function", "config": "mean_squared_error"}.
            match (class, object.get("config")) {
                ("LossFunctionWrapper", Some(Value::Object(config))) => {
                    let function = config.get("fn").and_then(|f| f.get("config")).and_then(Value::as_str);
                    (function.unwrap_or("").to_string(), config.clone())
                }
                ("function", Some(Value::String(name))) => (name.clone(), Config::new()),
                (_, config) => {
                    (class.to_string(), config.and_then(Value::as_object).cloned().unwrap_or_default())
                }
            }
        }
        _ => return Err(Error::config("loss", "expected its name or its configuration")),
    };
    let plain: String = class.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
    let full = match plain.as_str() {
        "bce" => "binarycrossentropy",
        "mse" => "meansquarederror",
        "mae" => "meanabsoluteerror",
        "mape" => "meanabsolutepercentageerror",
        "msle" => "meansquaredlogarithmicerror",
        "kld" => "kldivergence",
        "logcosh" => "logcosh",
        other => other,
    };
    macro_rules! by_name {
        ($($name:ident),*) => {
            match full {
                $(name if name == stringify!($name).to_lowercase() => {
                    let mut loss = $name::new();
                    loss.read(&config)?;
                    loss.common = loss.common.read(&config)?;
                    Ok(Box::new(loss))
                })*
                _ if json.is_object() && is_function(json) => Err(Error::config("loss", function::unknown(&class, "register_loss"))),
                _ => {
                    let known = [$(stringify!($name)),*].join(", ");
                    Err(Error::config("loss", format!("there is no `{class}` here: these are {known}")))
                }
            }
        };
    }
    by_name!(
        BinaryCrossentropy,
        CategoricalCrossentropy,
        SparseCategoricalCrossentropy,
        BinaryFocalCrossentropy,
        CategoricalFocalCrossentropy,
        MeanSquaredError,
        MeanAbsoluteError,
        MeanAbsolutePercentageError,
        MeanSquaredLogarithmicError,
        CosineSimilarity,
        Huber,
        LogCosh,
        Hinge,
        SquaredHinge,
        CategoricalHinge,
        KLDivergence,
        Poisson,
        Dice,
        Tversky
    )
}
