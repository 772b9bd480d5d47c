//! Optimizers from the JSON of a Keras file.

use serde_json::Value;

use super::*;
use crate::losses::unknown_class;
use crate::registry::Origin;
use crate::training::options::Options;
use crate::{Error, Registry, Result};

/// The optimizer that a file describes: an envelope `{"class_name", "config", ..}`, or a name such as `"adam"`.
///
/// # Errors
/// If there is no such optimizer, or an option cannot be honoured.
pub fn from_config(json: &Value, registry: &Registry) -> Result<Box<dyn Optimizer>> {
    let Some(origin) = Origin::of(json) else {
        return Err(Error::config("optimizer", "expected its name or its configuration"));
    };
    if let Some(make) = registry.optimizer(&origin) {
        return make(json.get("config").and_then(Value::as_object).unwrap_or(&Config::new()), registry);
    }
    if !origin.is_keras() {
        let message = unknown_class("register_optimizer", "impl Optimizer");
        return Err(Error::config(format!("optimizer: {origin}"), message));
    }
    let (class, config) = match json {
        Value::String(name) => (name.as_str(), Config::new()),
        Value::Object(object) => {
            let class = object.get("class_name").and_then(Value::as_str).unwrap_or("");
            (class, object.get("config").and_then(Value::as_object).cloned().unwrap_or_default())
        }
        _ => return Err(Error::config("optimizer", "expected its name or its configuration")),
    };
    macro_rules! by_name {
        ($($name:ident),*) => {
            match class.to_lowercase().as_str() {
                $(name if name == stringify!($name).to_lowercase() => {
                    let mut optimizer = $name::default();
                    optimizer.settings.read(stringify!($name), &config, registry)?;
                    optimizer.read(&config)?;
                    Ok(Box::new(optimizer))
                })*
                _ => {
                    let known = [$(stringify!($name)),*].join(", ");
                    Err(Error::config("optimizer", format!("there is no `{class}` here: these are {known}")))
                }
            }
        };
    }
    by_name!(SGD, Adam, AdamW, RMSprop, Adagrad, Adadelta, Adamax, Nadam, Lion, Ftrl)
}
