//! A trainer from what a Keras file says about compilation.

use serde_json::Value;

use super::trainer::Trainer;
use crate::losses::{self, Loss};
use crate::metrics::{self, Metric, Metrics};
use crate::{Error, Result, optimizers};

/// One entry for each output, from a single value, a list, or a map by the outputs' names.
fn per_output<'v>(json: &'v Value, outputs: &[String], what: &str) -> Result<Vec<&'v Value>> {
    const NONE: &Value = &Value::Null;
    match json {
        Value::Object(map) if !map.contains_key("class_name") => {
            if let Some(name) = map.keys().find(|k| !outputs.contains(k)) {
                let names = outputs.join(", ");
                return Err(Error::config(what, format!("there is no output `{name}`, only {names}")));
            }
            Ok(outputs.iter().map(|name| map.get(name).unwrap_or(NONE)).collect())
        }
        Value::Array(list) if list.len() == outputs.len() => Ok(list.iter().collect()),
        Value::Array(list) => {
            let (expected, found) = (outputs.len(), list.len());
            Err(Error::config(what, format!("expected one for each of {expected} outputs, found {found}")))
        }
        one => Ok(outputs.iter().map(|_| one).collect()),
    }
}

/// Lists of metrics, one for each output. A flat list belongs to the only output.
fn lists(json: &Value, outputs: &[String], what: &str) -> Result<Vec<Vec<Box<dyn Metric>>>> {
    let one = |json: &Value| -> Result<Vec<Box<dyn Metric>>> {
        match json {
            Value::Null => Ok(vec![]),
            Value::Array(list) => list.iter().filter(|m| !m.is_null()).map(metrics::from_config).collect(),
            single => Ok(vec![metrics::from_config(single)?]),
        }
    };
    match json {
        Value::Array(list) if outputs.len() == 1 => match &list[..] {
            [inner @ Value::Array(_)] => Ok(vec![one(inner)?]),
            _ => Ok(vec![one(json)?]),
        },
        other => per_output(other, outputs, what)?.into_iter().map(one).collect(),
    }
}

impl Trainer {
    /// From the `compile_config` of a file, for a model with outputs of these names.
    ///
    /// # Errors
    /// If there is something in it that cannot be honoured.
    pub fn from_config(config: &Value, outputs: &[String]) -> Result<Trainer> {
        let optimizer = optimizers::from_config(&config["optimizer"])?;
        let loss = |json: &Value| -> Result<Option<Box<dyn Loss>>> {
            if json.is_null() { Ok(None) } else { losses::from_config(json).map(Some) }
        };
        let losses: Result<Vec<_>> =
            per_output(&config["loss"], outputs, "loss")?.into_iter().map(loss).collect();
        let plain = lists(&config["metrics"], outputs, "metrics")?;
        let weighted = lists(&config["weighted_metrics"], outputs, "weighted_metrics")?;
        let all = plain.into_iter().zip(weighted).map(|(plain, weighted)| Metrics { plain, weighted });
        let mut trainer = Trainer::new(optimizer, losses?, all.collect());
        let weights = &config["loss_weights"];
        if !weights.is_null() {
            let each = per_output(weights, outputs, "loss_weights")?;
            let each: Vec<f64> = each.iter().map(|w| w.as_f64().unwrap_or(1.0)).collect();
            trainer.set_loss_weights(&each);
        }
        Ok(trainer)
    }
}
