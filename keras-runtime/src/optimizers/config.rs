//! Optimizers from the JSON of a Keras file.

use serde_json::Value;

use super::*;
use crate::training::options::Options;
use crate::{Error, Result};

/// The optimizer that a file describes: an envelope `{"class_name", "config", ..}`, or a name such as `"adam"`.
///
/// # Errors
/// If there is no such optimizer, or an option cannot be honoured.
pub fn from_config(json: &Value) -> Result<Box<dyn Optimizer>> {
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
                    optimizer.settings.read(stringify!($name), &config)?;
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
