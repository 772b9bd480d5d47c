//! Initializers in configurations.

use serde_json::{Value, json};

use super::{ConfigValue, envelope, nothing_else, number, object, plain, seed, word};
use crate::Initializer;
use crate::initializers::{Distribution, FanMode};

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
        let expected = || "an initializer of Keras: give the layer one before the model is saved".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let seed = seed(&config)?;
        let number = |key, default| number(&config, key, default);
        let value = match plain(&name).as_str() {
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
                mode: word(
                    &config,
                    "mode",
                    &[("fan_in", FanMode::FanIn), ("fan_out", FanMode::FanOut), ("fan_avg", FanMode::FanAvg)],
                )?,
                distribution: word(
                    &config,
                    "distribution",
                    &[
                        ("truncated_normal", Distribution::TruncatedNormal),
                        ("normal", Distribution::TruncatedNormal),
                        ("untruncated_normal", Distribution::UntruncatedNormal),
                        ("uniform", Distribution::Uniform),
                    ],
                )?,
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
        };
        // Among them `input_axes` and `output_axes`, which change the fans.
        nothing_else(&config, "an initializer", &value.to_json())?;
        Ok(value)
    }
}
