//! Values of configurations, in the JSON that Keras writes.

mod activation;
mod initializer;
mod penalties;

use serde_json::{Map, Value, json};

use crate::layer::{Config, Layer};
use crate::plan::{Ints, Size, Text};
use crate::registry::{Origin, Registry};
use crate::{Error, Result};

/// A value of a layer's configuration.
///
/// Implement it for types of options of your own, so that `#[derive(Layer)]` can save them.
pub trait ConfigValue: Sized {
    /// The value as Keras writes it.
    fn to_json(&self) -> Value;

    /// The value that this JSON says.
    ///
    /// # Errors
    /// What was expected, without naming the key: the caller does.
    fn from_json(json: &Value) -> Result<Self, String>;

    /// As [`ConfigValue::from_json`], with what is registered.
    ///
    /// # Errors
    /// As [`ConfigValue::from_json`].
    fn from_json_with(json: &Value, _registry: &Registry) -> Result<Self, String> {
        Self::from_json(json)
    }
}

/// The value at a key, or its default where the key is missing (files of older versions lack some).
#[doc(hidden)]
pub fn config_or<T: ConfigValue>(config: &Config, class: &str, key: &str, default: T) -> Result<T> {
    config_or_with(config, class, key, default, &Registry::new())
}

/// As [`config_or`], with what is registered.
#[doc(hidden)]
pub fn config_or_with<T: ConfigValue>(
    config: &Config,
    class: &str,
    key: &str,
    default: T,
    registry: &Registry,
) -> Result<T> {
    match config.get(key) {
        Some(json) => read(class, key, json, registry),
        None => Ok(default),
    }
}

/// The value at a key that must be there.
#[doc(hidden)]
pub fn config_required<T: ConfigValue>(config: &Config, class: &str, key: &str) -> Result<T> {
    config_required_with(config, class, key, &Registry::new())
}

/// As [`config_required`], with what is registered.
#[doc(hidden)]
pub fn config_required_with<T: ConfigValue>(
    config: &Config,
    class: &str,
    key: &str,
    registry: &Registry,
) -> Result<T> {
    match config.get(key) {
        Some(json) => read(class, key, json, registry),
        None => Err(Error::config(class, format!("its configuration lacks `{key}`"))),
    }
}

fn read<T: ConfigValue>(class: &str, key: &str, json: &Value, registry: &Registry) -> Result<T> {
    T::from_json_with(json, registry).map_err(|expected| {
        let what = format!("{class}: `{key}`");
        Error::config(what, format!("expected {expected}, found {}", describe(json)))
    })
}

/// What a configuration has where something else was expected: a class or function of somebody's own by its name and module.
pub(crate) fn describe(json: &Value) -> String {
    if let Some(origin) = Origin::of(json).filter(|_| json.is_object()) {
        if json["class_name"] == "function" {
            return format!("the function `{}`", origin.class);
        }
        if !origin.is_keras() {
            return origin.to_string();
        }
    }
    let mut found = json.to_string();
    if found.len() > 80 {
        found = format!("{}...", found.chars().take(77).collect::<String>());
    }
    found
}

macro_rules! numbers {
    ($($t:ty, $expected:literal, $from:ident);* $(;)?) => { $(
        impl ConfigValue for $t {
            fn to_json(&self) -> Value {
                json!(self)
            }
            fn from_json(json: &Value) -> Result<Self, String> {
                json.$from().and_then(|n| n.try_into().ok()).ok_or_else(|| $expected.into())
            }
        }
    )* };
}
numbers! {
    u64, "a whole number of at least 0", as_u64;
    bool, "true or false", as_bool;
}

/// A size. Files are untrusted: below 2^32, products of two of them are numbers still.
pub(crate) fn size(json: &Value) -> Option<usize> {
    json.as_u64().and_then(|n| u32::try_from(n).ok()).map(|n| n as usize)
}

/// An axis, a dimension or the like, likewise.
pub(crate) fn signed(json: &Value) -> Option<isize> {
    json.as_i64().and_then(|n| i32::try_from(n).ok()).map(|n| n as isize)
}

impl ConfigValue for usize {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let expected =
            if json.is_u64() { "a whole number below 2^32" } else { "a whole number of at least 0" };
        size(json).ok_or_else(|| expected.into())
    }
}

impl ConfigValue for isize {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        signed(json).ok_or_else(|| "a whole number".into())
    }
}

impl ConfigValue for f64 {
    fn to_json(&self) -> Value {
        crate::saving::json::of_number(*self)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        crate::saving::json::number(json).ok_or_else(|| "a number".into())
    }
}

impl ConfigValue for f32 {
    fn to_json(&self) -> Value {
        f64::from(*self).to_json()
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        f64::from_json(json).map(|v| v as f32)
    }
}

impl<T: ConfigValue> ConfigValue for Option<T> {
    fn to_json(&self) -> Value {
        self.as_ref().map_or(Value::Null, T::to_json)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        if json.is_null() { Ok(None) } else { T::from_json(json).map(Some) }
    }
    fn from_json_with(json: &Value, registry: &Registry) -> Result<Self, String> {
        if json.is_null() { Ok(None) } else { T::from_json_with(json, registry).map(Some) }
    }
}

impl<const N: usize> ConfigValue for Size<N> {
    fn to_json(&self) -> Value {
        json!(self.0.to_vec())
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || format!("a number or {N} of them");
        if let Some(n) = size(json) {
            return Ok(Size([n; N]));
        }
        let list: Vec<usize> =
            json.as_array().and_then(|l| l.iter().map(size).collect()).ok_or_else(expected)?;
        list.try_into().map(Size).map_err(|_| expected())
    }
}

impl ConfigValue for Ints {
    fn to_json(&self) -> Value {
        json!(self.as_slice())
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || "a list of at most 8 whole numbers".to_string();
        if let Some(n) = signed(json) {
            return Ok(Ints::of([n]));
        }
        // Python's None in a shape: a dimension that the input decides.
        let number = |v: &Value| if v.is_null() { Some(-1) } else { signed(v) };
        let list: Option<Vec<isize>> = json.as_array().and_then(|l| l.iter().map(number).collect());
        list.filter(|l| l.len() <= 8).map(|l| Ints::from_slice(&l)).ok_or_else(expected)
    }
}

impl ConfigValue for Text {
    fn to_json(&self) -> Value {
        json!(self.as_str())
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        json.as_str().and_then(Text::try_of).ok_or_else(|| "a text of at most 62 bytes".into())
    }
}

/// `{"module", "class_name", "config", "registered_name"}`: how Keras writes every object.
pub(crate) fn envelope(module: &str, class_name: &str, config: Value) -> Value {
    json!({"module": module, "class_name": class_name, "config": config, "registered_name": null})
}

/// Module and registered name of a layer's class.
pub(crate) fn origin(layer: &dyn Layer) -> (String, Value) {
    let module = layer.module();
    if module.starts_with("keras.") {
        return (module.into(), Value::Null);
    }
    // The crate of a layer of one's own is its package.
    let package = module.split("::").next().unwrap_or(module);
    if package == env!("CARGO_CRATE_NAME") {
        return ("keras.layers".into(), Value::Null);
    }
    (package.into(), json!(format!("{package}>{}", layer.class_name())))
}

/// A layer inside the configuration of another one.
pub(crate) fn layer_json(layer: &dyn Layer) -> Value {
    let (module, registered) = origin(layer);
    let mut json = envelope(&module, layer.class_name(), Value::Object(layer.config()));
    json["registered_name"] = registered;
    json
}

/// Class and configuration of an object: an envelope, or a plain name in either of Keras' spellings.
fn object(json: &Value) -> Option<(String, Map<String, Value>)> {
    match json {
        Value::String(name) => Some((name.clone(), Map::new())),
        Value::Object(object) => {
            let class = object.get("class_name")?.as_str()?.to_string();
            // Functions: {"class_name": "function", "config": "relu"}.
            if class == "function" {
                return Some((object.get("config")?.as_str()?.to_string(), Map::new()));
            }
            Some((class, object.get("config").and_then(Value::as_object).cloned().unwrap_or_default()))
        }
        _ => None,
    }
}

/// Letters and digits in lower case: `GlorotUniform` and `glorot_uniform` are the same name.
fn plain(name: &str) -> String {
    name.chars().filter(char::is_ascii_alphanumeric).collect::<String>().to_ascii_lowercase()
}

/// A number of an object's configuration, or its default.
fn number(config: &Map<String, Value>, key: &str, default: f64) -> Result<f64, String> {
    match config.get(key) {
        None | Some(Value::Null) => Ok(default),
        Some(value) => f64::from_json(value).map_err(|_| format!("a number at `{key}`")),
    }
}

/// One of a few words of an object's configuration; the first is its default.
fn word<T: Copy>(config: &Map<String, Value>, key: &str, words: &[(&str, T)]) -> Result<T, String> {
    let Some(json) = config.get(key) else { return Ok(words[0].1) };
    let found = words.iter().find(|(word, _)| json == word).map(|(_, value)| *value);
    let names = || words.iter().map(|(word, _)| *word).collect::<Vec<_>>().join(", ");
    found.ok_or_else(|| format!("one of {} at `{key}`", names()))
}

fn seed(config: &Map<String, Value>) -> Result<Option<u64>, String> {
    let number = match config.get("seed") {
        None | Some(Value::Null) => return Ok(None),
        // A generator object: the seed that it started from.
        Some(Value::Object(object)) => object.get("config").and_then(|c| c.get("seed")),
        Some(value) => Some(value),
    };
    number.and_then(Value::as_u64).map(Some).ok_or_else(|| "a whole number at `seed`".into())
}

/// Refuses what an object's configuration says beyond what is written for it; `dtype` is Keras 2's, which weights do not follow.
fn nothing_else(config: &Map<String, Value>, kind: &str, written: &Value) -> Result<(), String> {
    let known = |key: &str| written["config"].get(key).is_some() || key == "dtype";
    match config.iter().find(|(key, value)| !known(key) && !value.is_null()) {
        Some((key, _)) => Err(format!("{kind} without `{key}`")),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::initializers::{Distribution, FanMode};
    use crate::{Activation, Constraint, Initializer, Regularizer};

    fn there_and_back<T: ConfigValue + PartialEq + std::fmt::Debug>(value: T) {
        let json = value.to_json();
        assert_eq!(T::from_json(&json).as_ref(), Ok(&value), "{json}");
    }

    #[test]
    fn values_survive_their_json() {
        there_and_back(Activation::Linear);
        there_and_back(Activation::RELU);
        there_and_back(Activation::Relu { max_value: 6.0, negative_slope: 0.1, threshold: 0.5 });
        there_and_back(Activation::LeakyRelu { negative_slope: 0.3 });
        there_and_back(Activation::LeakyRelu { negative_slope: 0.2 });
        there_and_back(Initializer::VarianceScaling {
            scale: 2.0,
            mode: FanMode::FanOut,
            distribution: Distribution::Uniform,
            seed: Some(3),
        });
        there_and_back(Regularizer::L1L2 { l1: 0.5, l2: 0.0 });
        there_and_back(Constraint::MinMaxNorm {
            min_value: 0.1,
            max_value: 2.0,
            rate: 0.5,
            axes: Ints::of([0, 1]),
        });
        there_and_back(Size([3, 5]));
    }

    #[test]
    fn both_spellings_are_read() {
        assert_eq!(Initializer::from_json(&json!("he_normal")), Ok(Initializer::HeNormal { seed: None }));
        assert_eq!(Initializer::from_json(&json!("HeNormal")), Ok(Initializer::HeNormal { seed: None }));
        assert_eq!(Activation::from_json(&json!("swish")), Ok(Activation::Silu));
    }

    #[test]
    fn what_was_found_is_said() {
        let config = json!({"units": "ten"});
        let error = config_required::<usize>(config.as_object().expect("an object"), "Dense", "units");
        let text = error.expect_err("not a number").to_string();
        assert_eq!(text, "Dense: `units`: expected a whole number of at least 0, found \"ten\"");
    }
}
