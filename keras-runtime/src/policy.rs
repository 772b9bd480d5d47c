//! Dtype policies of files: in which types Keras holds and computes the numbers of a layer.

use keras_kernels::DType;
use serde_json::Value;

use crate::layer::Config;
use crate::saving::Stored;
use crate::{Error, Result};

/// The dtype policy of a layer, as its file says it.
///
/// Policies of 16 bits say what Keras computes with at least. Here such layers compute in 32 bits, in which every number of 16 bits is
/// exact; the policy is kept, and what is saved has it again, with variables in the type that it says.
///
/// Source: <https://keras.io/api/mixed_precision/policy/>.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Policy {
    /// All in the type of the model's floats: `float32` or `float64`.
    #[default]
    Full,
    /// All in `float16`.
    Float16,
    /// All in `bfloat16`.
    BFloat16,
    /// Variables in 32 bits, values in `float16`.
    MixedFloat16,
    /// Variables in 32 bits, values in `bfloat16`.
    MixedBFloat16,
}

/// Keys of layers inside a layer, which has the policy of the first.
pub(crate) const INNER: [&str; 2] = ["layer", "backward_layer"];

impl Policy {
    /// The policy of a layer's configuration, and the type of the model's floats that it asks for. Variables of a wrapper are those of
    /// the layer inside, so that layer's policy is the wrapper's.
    ///
    /// # Errors
    /// If it is quantized, or not of floats: then it is not what this layer would compute.
    pub(crate) fn of(config: &Config) -> Result<(Policy, DType)> {
        let mut found = Policy::read(config.get("dtype").unwrap_or(&Value::Null))?;
        for (at, key) in INNER.into_iter().enumerate() {
            if let Some(inner) = config.get(key).and_then(|layer| layer.get("config")?.as_object()) {
                let inner = Policy::of(inner)?;
                if at == 0 {
                    found = inner;
                }
            }
        }
        Ok(found)
    }

    fn read(json: &Value) -> Result<(Policy, DType)> {
        let name = match json {
            Value::String(name) => Some(name.as_str()),
            object => object.get("config").and_then(|config| config.get("name")).and_then(Value::as_str),
        };
        Ok(match name {
            None if json.is_null() => (Policy::Full, DType::F32),
            Some("float32") => (Policy::Full, DType::F32),
            Some("float64") => (Policy::Full, DType::F64),
            Some("float16") => (Policy::Float16, DType::F32),
            Some("bfloat16") => (Policy::BFloat16, DType::F32),
            Some("mixed_float16") => (Policy::MixedFloat16, DType::F32),
            Some("mixed_bfloat16") => (Policy::MixedBFloat16, DType::F32),
            _ => {
                let class = json.get("class_name").and_then(Value::as_str).unwrap_or("");
                let what = match name {
                    Some(name) if !name.contains("_from_") => format!("the dtype policy `{name}`"),
                    Some(name) => format!("the quantized dtype policy `{name}`"),
                    None => format!("the dtype policy {} ({class})", json["config"]),
                };
                let message = format!("{what} is not supported: save the layer with a policy of floats");
                return Err(Error::config("`dtype`", message));
            }
        })
    }

    /// Its name in Keras, in a model of these floats.
    pub fn name(self, float: DType) -> &'static str {
        match self {
            Policy::Full => float.name(),
            Policy::Float16 => "float16",
            Policy::BFloat16 => "bfloat16",
            Policy::MixedFloat16 => "mixed_float16",
            Policy::MixedBFloat16 => "mixed_bfloat16",
        }
    }

    /// The type that files have its variables in, where it is not the type that they are computed in.
    pub fn stored(self) -> Option<Stored> {
        match self {
            Policy::Float16 => Some(Stored::F16),
            Policy::BFloat16 => Some(Stored::BF16),
            Policy::Full | Policy::MixedFloat16 | Policy::MixedBFloat16 => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn of(dtype: Value) -> Result<(Policy, DType)> {
        Policy::of(&Config::from_iter([("dtype".to_string(), dtype)]))
    }

    #[test]
    fn names_and_objects() {
        for name in ["float32", "float64", "float16", "bfloat16", "mixed_float16", "mixed_bfloat16"] {
            let (policy, float) = of(json!(name)).expect("floats");
            assert_eq!(policy.name(float), name);
            let object = json!({"class_name": "DTypePolicy", "config": {"name": name}});
            assert_eq!(of(object).ok(), Some((policy, float)));
        }
        assert_eq!(Policy::of(&Config::new()).ok(), Some((Policy::Full, DType::F32)));
    }

    #[test]
    fn what_is_not_of_floats_is_refused() {
        let quantized = |class: &str, mode: &str| json!({"class_name": class, "config": {"mode": mode, "source_name": "float32"}});
        let table = [
            (json!("int8_from_float32"), "the quantized dtype policy `int8_from_float32`"),
            (json!("int32"), "the dtype policy `int32`"),
            (quantized("QuantizedDTypePolicy", "int4"), "\"mode\":\"int4\""),
            (quantized("QuantizedFloat8DTypePolicy", "float8"), "(QuantizedFloat8DTypePolicy)"),
            (json!({"class_name": "DTypePolicyMap", "config": {}}), "(DTypePolicyMap)"),
            (json!(3), "the dtype policy"),
        ];
        for (dtype, expected) in table {
            let error = of(dtype).expect_err("refused").to_string();
            assert!(error.contains(expected) && error.contains("is not supported"), "{error}");
            let inner = json!({"layer": {"class_name": "LSTM", "config": {"dtype": "int8_from_float32"}}});
            assert!(Policy::of(inner.as_object().expect("an object")).is_err());
        }
    }
}
