//! Regularizers and constraints in configurations.

use serde_json::{Value, json};

use super::{ConfigValue, envelope, nothing_else, number, object, plain, word};
use crate::plan::Ints;
use crate::{Constraint, Regularizer};

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
        let expected = || "a regularizer of Keras (penalties of one's own are not there)".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let value = match plain(&name).as_str() {
            "l1" => Regularizer::L1 { l1: number(&config, "l1", 0.01)? },
            "l2" => Regularizer::L2 { l2: number(&config, "l2", 0.01)? },
            // By name both factors are 0.01, as in Keras.
            "l1l2" => {
                let default = if json.is_string() { 0.01 } else { 0.0 };
                Regularizer::L1L2 { l1: number(&config, "l1", default)?, l2: number(&config, "l2", default)? }
            }
            "orthogonalregularizer" | "orthogonal" => Regularizer::Orthogonal {
                factor: number(&config, "factor", 0.01)?,
                columns: word(&config, "mode", &[("rows", false), ("columns", true)])?,
            },
            _ => return Err(expected()),
        };
        nothing_else(&config, "a regularizer", &value.to_json())?;
        Ok(value)
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
        let expected = || "a constraint of Keras (those of one's own are not there)".to_string();
        let (name, config) = object(json).ok_or_else(expected)?;
        let axes = config.get("axis").map_or(Ok(Ints::of([0])), Ints::from_json)?;
        let value = match plain(&name).as_str() {
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
        };
        nothing_else(&config, "a constraint", &value.to_json())?;
        Ok(value)
    }
}
