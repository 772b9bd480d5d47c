//! Values of configurations, in the JSON that Keras writes.

use keras_kernels::activation::Activation;
use serde_json::{Map, Value, json};

use crate::initializers::{Distribution, FanMode};
use crate::layer::Config;
use crate::plan::{Ints, Size, Text};
use crate::{Constraint, Error, Initializer, Regularizer, Result};

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
}

/// The value at a key, or its default where the key is missing (files of older versions lack some).
#[doc(hidden)]
pub fn config_or<T: ConfigValue>(config: &Config, class: &str, key: &str, default: T) -> Result<T> {
    match config.get(key) {
        Some(json) => read(class, key, json),
        None => Ok(default),
    }
}

/// The value at a key that must be there.
#[doc(hidden)]
pub fn config_required<T: ConfigValue>(config: &Config, class: &str, key: &str) -> Result<T> {
    match config.get(key) {
        Some(json) => read(class, key, json),
        None => Err(Error::config(class, format!("its configuration lacks `{key}`"))),
    }
}

fn read<T: ConfigValue>(class: &str, key: &str, json: &Value) -> Result<T> {
    T::from_json(json).map_err(|expected| {
        let mut found = json.to_string();
        if found.len() > 80 {
            found = format!("{}...", found.chars().take(77).collect::<String>());
        }
        Error::config(format!("{class}: `{key}`"), format!("expected {expected}, found {found}"))
    })
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
    usize, "a whole number of at least 0", as_u64;
    u64, "a whole number of at least 0", as_u64;
    isize, "a whole number", as_i64;
    bool, "true or false", as_bool;
}

impl ConfigValue for f64 {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        crate::saving::json::number(json).ok_or_else(|| "a number".into())
    }
}

impl ConfigValue for f32 {
    fn to_json(&self) -> Value {
        json!(f64::from(*self))
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
}

impl<const N: usize> ConfigValue for Size<N> {
    fn to_json(&self) -> Value {
        json!(self.0.to_vec())
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || format!("a number or {N} of them");
        if let Some(n) = json.as_u64() {
            return Ok(Size([n as usize; N]));
        }
        let list: Vec<usize> = json
            .as_array()
            .and_then(|l| l.iter().map(|v| Some(v.as_u64()? as usize)).collect())
            .ok_or_else(expected)?;
        list.try_into().map(Size).map_err(|_| expected())
    }
}

impl ConfigValue for Ints {
    fn to_json(&self) -> Value {
        json!(self.as_slice())
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || "a list of at most 8 whole numbers".to_string();
        if let Some(n) = json.as_i64() {
            return Ok(Ints::of([n as isize]));
        }
        // Python's None in a shape: a dimension that the input decides.
        let number = |v: &Value| if v.is_null() { Some(-1) } else { v.as_i64().map(|n| n as isize) };
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
        Some(value) => value.as_f64().ok_or_else(|| format!("a number at `{key}`")),
    }
}

fn seed(config: &Map<String, Value>) -> Result<Option<u64>, String> {
    match config.get("seed") {
        None | Some(Value::Null) => Ok(None),
        // A generator object: the seed that it started from.
        Some(Value::Object(object)) => {
            Ok(object.get("config").and_then(|c| c.get("seed")).and_then(Value::as_u64))
        }
        Some(value) => value.as_u64().map(Some).ok_or_else(|| "a whole number at `seed`".into()),
    }
}

impl ConfigValue for Activation {
    fn to_json(&self) -> Value {
        use Activation::*;
        let layer = |class: &str, config: Value| envelope("keras.layers", class, config);
        let name = match *self {
            Linear => "linear",
            Relu { max_value, negative_slope, threshold } => {
                if *self != Activation::RELU {
                    let max_value = if max_value.is_finite() { json!(max_value) } else { Value::Null };
                    let config = json!({
                        "name": "re_lu", "trainable": true, "max_value": max_value, "negative_slope": negative_slope,
                        "threshold": threshold,
                    });
                    return layer("ReLU", config);
                }
                "relu"
            }
            LeakyRelu { negative_slope } => {
                if negative_slope != 0.2 {
                    let config =
                        json!({"name": "leaky_re_lu", "trainable": true, "negative_slope": negative_slope});
                    return layer("LeakyReLU", config);
                }
                "leaky_relu"
            }
            Elu { alpha } => {
                if alpha != 1.0 {
                    return layer("ELU", json!({"name": "elu", "trainable": true, "alpha": alpha}));
                }
                "elu"
            }
            Softmax { axis } => {
                if axis != -1 {
                    return layer("Softmax", json!({"name": "softmax", "trainable": true, "axis": axis}));
                }
                "softmax"
            }
            Gelu { approximate: false } => "gelu",
            // Keras has no name for it: a partial application, which it cannot load either.
            Gelu { approximate: true } => "gelu_approximate",
            Relu6 => "relu6",
            Sigmoid => "sigmoid",
            Tanh => "tanh",
            LogSoftmax { .. } => "log_softmax",
            Selu => "selu",
            Celu { .. } => "celu",
            Softplus => "softplus",
            Softsign => "softsign",
            Silu => "silu",
            Exponential => "exponential",
            HardSigmoid => "hard_sigmoid",
            HardSilu => "hard_silu",
            HardTanh => "hard_tanh",
            Mish => "mish",
            LogSigmoid => "log_sigmoid",
            Glu { .. } => "glu",
            HardShrink { .. } => "hard_shrink",
            SoftShrink { .. } => "soft_shrink",
            TanhShrink => "tanh_shrink",
            Squareplus { .. } => "squareplus",
            SparsePlus => "sparse_plus",
            SparseSigmoid => "sparse_sigmoid",
            Sparsemax { .. } => "sparsemax",
            Threshold { .. } => "threshold",
            Custom(custom) => {
                return json!({
                    "module": "builtins", "class_name": "function", "config": custom.name, "registered_name": custom.name,
                });
            }
            _ => "linear",
        };
        json!(name)
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        use Activation::*;
        if json.is_null() {
            return Ok(Linear);
        }
        let expected = || "the name of an activation".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let is_layer = json.is_object() && !config.is_empty();
        let slope = if is_layer { 0.3 } else { 0.2 };
        Ok(match plain(&name).as_str() {
            "linear" => Linear,
            "relu" => Relu {
                max_value: number(&config, "max_value", f64::INFINITY)?,
                negative_slope: number(&config, "negative_slope", 0.0)?,
                threshold: number(&config, "threshold", 0.0)?,
            },
            "leakyrelu" => LeakyRelu { negative_slope: number(&config, "negative_slope", slope)? },
            "relu6" => Relu6,
            "sigmoid" => Sigmoid,
            "tanh" => Tanh,
            "softmax" => Softmax { axis: number(&config, "axis", -1.0)? as isize },
            "logsoftmax" => LogSoftmax { axis: -1 },
            "elu" => Elu { alpha: number(&config, "alpha", 1.0)? },
            "selu" => Selu,
            "celu" => Celu { alpha: 1.0 },
            "softplus" => Softplus,
            "softsign" => Softsign,
            "silu" | "swish" => Silu,
            "gelu" => Gelu { approximate: false },
            "exponential" => Exponential,
            "hardsigmoid" => HardSigmoid,
            "hardsilu" | "hardswish" => HardSilu,
            "hardtanh" => HardTanh,
            "mish" => Mish,
            "logsigmoid" => LogSigmoid,
            "glu" => Glu { axis: -1 },
            "hardshrink" => HardShrink { threshold: 0.5 },
            "softshrink" => SoftShrink { threshold: 0.5 },
            "tanhshrink" => TanhShrink,
            "squareplus" => Squareplus { b: 4.0 },
            "sparseplus" => SparsePlus,
            "sparsesigmoid" => SparseSigmoid,
            "sparsemax" => Sparsemax { axis: -1 },
            _ => return Err(expected()),
        })
    }
}

impl ConfigValue for Initializer {
    fn to_json(&self) -> Value {
        use Initializer::*;
        let (class, config) = match *self {
            Zeros => ("Zeros", json!({})),
            Ones => ("Ones", json!({})),
            Constant { value } => ("Constant", json!({"value": value})),
            RandomNormal { mean, stddev, seed } => {
                ("RandomNormal", json!({"seed": seed, "mean": mean, "stddev": stddev}))
            }
            RandomUniform { minval, maxval, seed } => {
                ("RandomUniform", json!({"seed": seed, "minval": minval, "maxval": maxval}))
            }
            TruncatedNormal { mean, stddev, seed } => {
                ("TruncatedNormal", json!({"seed": seed, "mean": mean, "stddev": stddev}))
            }
            VarianceScaling { scale, mode, distribution, seed } => {
                let mode = match mode {
                    FanMode::FanIn => "fan_in",
                    FanMode::FanOut => "fan_out",
                    FanMode::FanAvg => "fan_avg",
                };
                let distribution = match distribution {
                    Distribution::TruncatedNormal => "truncated_normal",
                    Distribution::UntruncatedNormal => "untruncated_normal",
                    Distribution::Uniform => "uniform",
                };
                let config =
                    json!({"seed": seed, "scale": scale, "mode": mode, "distribution": distribution});
                ("VarianceScaling", config)
            }
            GlorotUniform { seed } => ("GlorotUniform", json!({"seed": seed})),
            GlorotNormal { seed } => ("GlorotNormal", json!({"seed": seed})),
            HeUniform { seed } => ("HeUniform", json!({"seed": seed})),
            HeNormal { seed } => ("HeNormal", json!({"seed": seed})),
            LecunUniform { seed } => ("LecunUniform", json!({"seed": seed})),
            LecunNormal { seed } => ("LecunNormal", json!({"seed": seed})),
            Orthogonal { gain, seed } => ("Orthogonal", json!({"seed": seed, "gain": gain})),
            Identity { gain } => ("Identity", json!({"gain": gain})),
        };
        envelope("keras.initializers", class, config)
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        use Initializer::*;
        let expected = || "an initializer".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let seed = seed(&config)?;
        if config.get("input_axes").is_some_and(|v| !v.is_null())
            || config.get("output_axes").is_some_and(|v| !v.is_null())
        {
            return Err("an initializer without `input_axes` and `output_axes`".into());
        }
        let number = |key, default| number(&config, key, default);
        Ok(match plain(&name).as_str() {
            "zeros" | "zero" => Zeros,
            "ones" | "one" => Ones,
            "constant" => Constant { value: number("value", 0.0)? },
            "randomnormal" | "normal" => {
                RandomNormal { mean: number("mean", 0.0)?, stddev: number("stddev", 0.05)?, seed }
            }
            "randomuniform" | "uniform" => {
                RandomUniform { minval: number("minval", -0.05)?, maxval: number("maxval", 0.05)?, seed }
            }
            "truncatednormal" => {
                TruncatedNormal { mean: number("mean", 0.0)?, stddev: number("stddev", 0.05)?, seed }
            }
            "variancescaling" => VarianceScaling {
                scale: number("scale", 1.0)?,
                mode: match config.get("mode").and_then(Value::as_str).unwrap_or("fan_in") {
                    "fan_in" => FanMode::FanIn,
                    "fan_out" => FanMode::FanOut,
                    "fan_avg" => FanMode::FanAvg,
                    _ => return Err("`mode` to be fan_in, fan_out or fan_avg".into()),
                },
                distribution: match config
                    .get("distribution")
                    .and_then(Value::as_str)
                    .unwrap_or("truncated_normal")
                {
                    "truncated_normal" | "normal" => Distribution::TruncatedNormal,
                    "untruncated_normal" => Distribution::UntruncatedNormal,
                    "uniform" => Distribution::Uniform,
                    _ => {
                        return Err(
                            "`distribution` to be truncated_normal, untruncated_normal or uniform".into()
                        );
                    }
                },
                seed,
            },
            "glorotuniform" => GlorotUniform { seed },
            "glorotnormal" => GlorotNormal { seed },
            "heuniform" => HeUniform { seed },
            "henormal" => HeNormal { seed },
            "lecununiform" => LecunUniform { seed },
            "lecunnormal" => LecunNormal { seed },
            "orthogonal" | "orthogonalinitializer" => Orthogonal { gain: number("gain", 1.0)?, seed },
            "identity" | "identityinitializer" => Identity { gain: number("gain", 1.0)? },
            _ => return Err(expected()),
        })
    }
}

impl ConfigValue for Regularizer {
    fn to_json(&self) -> Value {
        let (class, config) = match *self {
            Regularizer::L1 { l1 } => ("L1", json!({"l1": l1})),
            Regularizer::L2 { l2 } => ("L2", json!({"l2": l2})),
            Regularizer::L1L2 { l1, l2 } => ("L1L2", json!({"l1": l1, "l2": l2})),
            Regularizer::Orthogonal { factor, columns } => {
                let mode = if columns { "columns" } else { "rows" };
                ("OrthogonalRegularizer", json!({"factor": factor, "mode": mode}))
            }
        };
        envelope("keras.regularizers", class, config)
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || "a regularizer".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        Ok(match plain(&name).as_str() {
            "l1" => Regularizer::L1 { l1: number(&config, "l1", 0.01)? },
            "l2" => Regularizer::L2 { l2: number(&config, "l2", 0.01)? },
            // By name both factors are 0.01, as in Keras.
            "l1l2" => {
                let default = if json.is_string() { 0.01 } else { 0.0 };
                Regularizer::L1L2 { l1: number(&config, "l1", default)?, l2: number(&config, "l2", default)? }
            }
            "orthogonalregularizer" | "orthogonal" => Regularizer::Orthogonal {
                factor: number(&config, "factor", 0.01)?,
                columns: match config.get("mode").and_then(Value::as_str).unwrap_or("rows") {
                    "rows" => false,
                    "columns" => true,
                    _ => return Err("`mode` to be rows or columns".into()),
                },
            },
            _ => return Err(expected()),
        })
    }
}

impl ConfigValue for Constraint {
    fn to_json(&self) -> Value {
        let axis = |axes: Ints| if axes.len() == 1 { json!(axes.get(0)) } else { axes.to_json() };
        let (class, config) = match *self {
            Constraint::NonNeg => ("NonNeg", json!({})),
            Constraint::MaxNorm { max_value, axes } => {
                ("MaxNorm", json!({"max_value": max_value, "axis": axis(axes)}))
            }
            Constraint::MinMaxNorm { min_value, max_value, rate, axes } => (
                "MinMaxNorm",
                json!({"min_value": min_value, "max_value": max_value, "rate": rate, "axis": axis(axes)}),
            ),
            Constraint::UnitNorm { axes } => ("UnitNorm", json!({"axis": axis(axes)})),
        };
        envelope("keras.constraints", class, config)
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        let expected = || "a constraint".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let axes = config.get("axis").map_or(Ok(Ints::of([0])), Ints::from_json)?;
        Ok(match plain(&name).as_str() {
            "nonneg" => Constraint::NonNeg,
            "maxnorm" => Constraint::MaxNorm { max_value: number(&config, "max_value", 2.0)?, axes },
            "minmaxnorm" => Constraint::MinMaxNorm {
                min_value: number(&config, "min_value", 0.0)?,
                max_value: number(&config, "max_value", 1.0)?,
                rate: number(&config, "rate", 1.0)?,
                axes,
            },
            "unitnorm" => Constraint::UnitNorm { axes },
            _ => return Err(expected()),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
