//! Activations in configurations.
//!
//! Keras writes an activation as its name, or as one of the layers that are activations (`ReLU`, `LeakyReLU`, `ELU`, `Softmax`).
//! Other functions with other parameters than their defaults have no form there: in Python they are closures, which cannot be
//! saved. They are written as objects of the package `keras_for_rust`: read back here, and refused by name in Keras, which would
//! take the defaults if only their names were written.

use keras_kernels::activation::Activation::{self, *};
use serde_json::{Value, json};

use super::{ConfigValue, envelope, number, object, plain};
use crate::Registry;
use crate::saving::json::of_number;

/// The names, and what they mean alone.
const NAMES: &[(&str, Activation)] = &[
    ("linear", Linear),
    ("relu", Activation::RELU),
    ("leaky_relu", LeakyRelu { negative_slope: 0.2 }),
    ("relu6", Relu6),
    ("sigmoid", Sigmoid),
    ("tanh", Tanh),
    ("softmax", Activation::SOFTMAX),
    ("log_softmax", LogSoftmax { axis: -1 }),
    ("elu", Elu { alpha: 1.0 }),
    ("selu", Selu),
    ("celu", Celu { alpha: 1.0 }),
    ("softplus", Softplus),
    ("softsign", Softsign),
    ("silu", Silu),
    ("swish", Silu),
    ("gelu", Gelu { approximate: false }),
    ("exponential", Exponential),
    ("hard_sigmoid", HardSigmoid),
    ("hard_silu", HardSilu),
    ("hard_swish", HardSilu),
    ("hard_tanh", HardTanh),
    ("mish", Mish),
    ("log_sigmoid", LogSigmoid),
    ("glu", Glu { axis: -1 }),
    ("hard_shrink", HardShrink { threshold: 0.5 }),
    ("soft_shrink", SoftShrink { threshold: 0.5 }),
    ("tanh_shrink", TanhShrink),
    ("squareplus", Squareplus { b: 4.0 }),
    ("sparse_plus", SparsePlus),
    ("sparse_sigmoid", SparseSigmoid),
    ("sparsemax", Sparsemax { axis: -1 }),
];

const EXPECTED: &str =
    "an activation of Keras, or one that is registered (`Registry::new().register_activation(..)`)";

/// An object that Keras does not have.
fn own(class: &str, config: Value) -> Value {
    let mut json = envelope("keras_for_rust", class, config);
    json["registered_name"] = format!("keras_for_rust>{class}").into();
    json
}

impl ConfigValue for Activation {
    fn to_json(&self) -> Value {
        if let Some((name, _)) = NAMES.iter().find(|(_, f)| f == self) {
            return json!(name);
        }
        let layer = |class: &str, config: Value| envelope("keras.layers", class, config);
        match *self {
            Relu { max_value, negative_slope, threshold } => {
                let max_value = if max_value.is_finite() { json!(max_value) } else { Value::Null };
                let config = json!({
                    "name": "re_lu", "trainable": true, "max_value": max_value, "negative_slope": negative_slope,
                    "threshold": threshold,
                });
                layer("ReLU", config)
            }
            LeakyRelu { negative_slope } => {
                let config =
                    json!({"name": "leaky_re_lu", "trainable": true, "negative_slope": negative_slope});
                layer("LeakyReLU", config)
            }
            Elu { alpha } => layer("ELU", json!({"name": "elu", "trainable": true, "alpha": alpha})),
            Softmax { axis } => layer("Softmax", json!({"name": "softmax", "trainable": true, "axis": axis})),
            LogSoftmax { axis } => own("LogSoftmax", json!({"axis": axis})),
            Celu { alpha } => own("Celu", json!({"alpha": alpha})),
            Gelu { approximate } => own("Gelu", json!({"approximate": approximate})),
            Glu { axis } => own("Glu", json!({"axis": axis})),
            HardShrink { threshold } => own("HardShrink", json!({"threshold": threshold})),
            SoftShrink { threshold } => own("SoftShrink", json!({"threshold": threshold})),
            Squareplus { b } => own("Squareplus", json!({"b": b})),
            Sparsemax { axis } => own("Sparsemax", json!({"axis": axis})),
            Threshold { threshold, default_value } => {
                let config = json!({
                    "threshold": of_number(threshold), "default_value": of_number(default_value),
                });
                own("Threshold", config)
            }
            Custom(custom) => json!({
                "module": "builtins", "class_name": "function", "config": custom.name, "registered_name": custom.name,
            }),
            // A function that was added since: its name, which no file knows.
            other => json!(format!("{other:?}")),
        }
    }

    fn from_json(json: &Value) -> Result<Self, String> {
        if json.is_null() {
            return Ok(Linear);
        }
        let expected = || EXPECTED.to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let name = plain(&name);
        let named = NAMES.iter().find(|(known, _)| plain(known) == name).map(|(_, f)| *f);
        if config.is_empty() {
            return named.ok_or_else(expected);
        }
        let number = |key: &str, default: f64| number(&config, key, default);
        let axis = || {
            let axis = config.get("axis").map_or(Some(-1), Value::as_i64);
            axis.map(|axis| axis as isize).ok_or_else(|| "one axis at `axis`".to_string())
        };
        Ok(match name.as_str() {
            "relu" => Relu {
                max_value: number("max_value", f64::INFINITY)?,
                negative_slope: number("negative_slope", 0.0)?,
                threshold: number("threshold", 0.0)?,
            },
            // As a layer it has another default than as a function.
            "leakyrelu" => LeakyRelu { negative_slope: number("negative_slope", 0.3)? },
            "elu" => Elu { alpha: number("alpha", 1.0)? },
            "softmax" => Softmax { axis: axis()? },
            "logsoftmax" => LogSoftmax { axis: axis()? },
            "celu" => Celu { alpha: number("alpha", 1.0)? },
            "gelu" => {
                Gelu { approximate: config.get("approximate").and_then(Value::as_bool).unwrap_or(false) }
            }
            "glu" => Glu { axis: axis()? },
            "hardshrink" => HardShrink { threshold: number("threshold", 0.5)? },
            "softshrink" => SoftShrink { threshold: number("threshold", 0.5)? },
            "squareplus" => Squareplus { b: number("b", 4.0)? },
            "sparsemax" => Sparsemax { axis: axis()? },
            "threshold" => Threshold {
                threshold: number("threshold", f64::NAN)?,
                default_value: number("default_value", f64::NAN)?,
            },
            // A layer without parameters has a name and the like.
            _ => return named.ok_or_else(expected),
        })
    }

    fn from_json_with(json: &Value, registry: &Registry) -> Result<Self, String> {
        registry.activation(json).map_or_else(|| Self::from_json(json), Ok)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_function_survives_with_its_parameters() {
        let parametrised = [
            Relu { max_value: 6.0, negative_slope: 0.1, threshold: 0.5 },
            LeakyRelu { negative_slope: 0.3 },
            Elu { alpha: 0.7 },
            Softmax { axis: 1 },
            LogSoftmax { axis: 1 },
            Celu { alpha: 0.7 },
            Gelu { approximate: true },
            Glu { axis: 1 },
            HardShrink { threshold: 0.1 },
            SoftShrink { threshold: 0.1 },
            Squareplus { b: 2.0 },
            Sparsemax { axis: 1 },
            Threshold { threshold: 0.1, default_value: f64::NEG_INFINITY },
        ];
        for f in parametrised.into_iter().chain(NAMES.iter().map(|(_, f)| *f)) {
            assert_eq!(Activation::from_json(&f.to_json()), Ok(f), "{}", f.to_json());
        }
    }

    /// What Keras has no form for is not written as something that it has.
    #[test]
    fn parameters_are_not_dropped_behind_a_name() {
        let json = Celu { alpha: 0.7 }.to_json();
        assert_eq!(json["registered_name"], "keras_for_rust>Celu");
        assert_eq!(Celu { alpha: 1.0 }.to_json(), "celu");
    }

    #[test]
    fn what_is_not_known_is_refused() {
        for json in
            [json!("threshold"), json!("no_such"), json!(3), json!({"class_name": "Dense", "config": {}})]
        {
            assert_eq!(Activation::from_json(&json), Err(EXPECTED.into()), "{json}");
        }
    }
}
