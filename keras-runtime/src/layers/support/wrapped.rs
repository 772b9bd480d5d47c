//! A layer inside the configuration of another one (`Bidirectional`, `TimeDistributed`).

use serde_json::Value;

use crate::layer::Config;
use crate::registry::Origin;
use crate::{Error, Result};

/// Where the class of a wrapped layer comes from, and its configuration.
pub(crate) struct Wrapped<'a> {
    pub origin: Origin<'a>,
    pub config: &'a Config,
}

impl<'a> Wrapped<'a> {
    /// The layer at a key of a wrapper's configuration; `None` if there is none.
    ///
    /// # Errors
    /// If what is there is not a layer, or has what only a layer that stands alone can have: a frozen state, or a penalty on its
    /// outputs.
    pub fn find(config: &'a Config, wrapper: &str, key: &str) -> Result<Option<Wrapped<'a>>> {
        let Some(json) = config.get(key).filter(|json| !json.is_null()) else { return Ok(None) };
        let what = || format!("{wrapper}: `{key}`");
        let inner = json.get("config").and_then(Value::as_object);
        let (Some(origin), Some(inner)) = (Origin::of(json), inner) else {
            return Err(Error::config(what(), "expected a layer with `class_name` and `config`"));
        };
        let frozen = |config: &Config| config.get("trainable") == Some(&Value::Bool(false));
        if frozen(inner) && !frozen(config) {
            let message = format!("a frozen layer inside is not supported: set `trainable` of the {wrapper}");
            return Err(Error::config(what(), message));
        }
        if inner.get("activity_regularizer").is_some_and(|json| !json.is_null()) {
            let message =
                format!("an `activity_regularizer` inside is not supported: give it to the {wrapper}");
            return Err(Error::config(what(), message));
        }
        Ok(Some(Wrapped { origin, config: inner }))
    }

    /// Its class, if it is one of Keras'; no name otherwise.
    pub fn class(&self) -> &'a str {
        if self.origin.is_keras() { self.origin.class } else { "" }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use crate::layers::Registry;

    #[test]
    fn what_cannot_be_honoured_inside_is_refused() {
        let message = |key: &str, value: serde_json::Value| {
            let mut config = json!({"layer": {"class_name": "Dense", "config": {"units": 3}}});
            config["layer"]["config"][key] = value;
            let config = config.as_object().unwrap();
            let made = Registry::new().make("TimeDistributed", "keras.layers", config);
            made.err().map(|error| error.to_string()).unwrap_or_default()
        };
        assert_eq!(message("trainable", json!(true)), "");
        assert_eq!(message("activity_regularizer", json!(null)), "");
        assert!(message("trainable", json!(false)).contains("set `trainable` of the TimeDistributed"));
        assert!(message("activity_regularizer", json!("L2")).contains("give it to the TimeDistributed"));
    }
}
