//! From a file's `compile_config` to what trains a model: optimizer, losses, metrics.

use serde_json::Value;

use crate::losses::{self, Loss};
use crate::metrics::{self, Metrics};
use crate::training::Trainer;
use crate::{Error, Registry, Result, optimizers};

/// The trainer that a file describes, for outputs of these names.
///
/// # Errors
/// If the model was never compiled, or something in it is not known.
pub(crate) fn trainer(compiled: &Value, outputs: &[String], registry: &Registry) -> Result<Trainer> {
    let optimizer = compiled.get("optimizer").filter(|o| !o.is_null()).ok_or_else(|| {
        Error::Argument("the model was saved without an optimizer: compile it in Keras before saving".into())
    })?;
    let optimizer = optimizers::from_config(optimizer, registry)?;
    let loss =
        |json: &Value| if json.is_null() { Ok(None) } else { losses::from_config(json, registry).map(Some) };
    let losses: Vec<Option<Box<dyn Loss>>> = per_output(compiled.get("loss"), outputs, "loss", true)?
        .into_iter()
        .map(loss)
        .collect::<Result<_>>()?;
    if losses.iter().all(Option::is_none) {
        return Err(Error::Argument("the model was compiled without a loss".into()));
    }
    let plain = metric_lists(compiled.get("metrics"), outputs, "metrics")?;
    let weighted = metric_lists(compiled.get("weighted_metrics"), outputs, "weighted_metrics")?;
    let mut lists = Vec::with_capacity(outputs.len());
    for (plain, weighted) in plain.into_iter().zip(weighted) {
        let all = |list: Vec<&Value>| {
            list.into_iter().map(|json| metrics::from_config(json, registry)).collect::<Result<Vec<_>>>()
        };
        lists.push(Metrics { plain: all(plain)?, weighted: all(weighted)? });
    }
    let mut trainer = Trainer::new(optimizer, losses, lists);
    if let Some(weights) = compiled.get("loss_weights").filter(|w| !w.is_null()) {
        let number = |json: &Value| match json {
            Value::Null => Ok(1.0),
            json => json.as_f64().ok_or_else(|| Error::config("loss_weights", "expected numbers")),
        };
        let weights = per_output(Some(weights), outputs, "loss_weights", false)?;
        trainer.set_loss_weights(&weights.into_iter().map(number).collect::<Result<Vec<f64>>>()?);
    }
    Ok(trainer)
}

/// One value for each output, from a list, a dict by name, or one value for all (where `shared`).
fn per_output<'a>(
    json: Option<&'a Value>,
    outputs: &[String],
    what: &str,
    shared: bool,
) -> Result<Vec<&'a Value>> {
    const NONE: &Value = &Value::Null;
    match json {
        None | Some(Value::Null) => Ok(vec![NONE; outputs.len()]),
        Some(Value::Array(list)) if list.len() == outputs.len() => Ok(list.iter().collect()),
        Some(Value::Array(list)) => {
            Err(Error::config(what, format!("there are {} for {} outputs", list.len(), outputs.len())))
        }
        Some(Value::Object(by_name)) if !by_name.contains_key("class_name") => {
            if let Some(name) = by_name.keys().find(|name| !outputs.contains(name)) {
                let known = outputs.join(", ");
                return Err(Error::config(what, format!("`{name}` is not an output: these are {known}")));
            }
            Ok(outputs.iter().map(|name| by_name.get(name).unwrap_or(NONE)).collect())
        }
        Some(one) if shared || outputs.len() == 1 => Ok(vec![one; outputs.len()]),
        Some(_) => Err(Error::config(what, "expected a list, or a dict by the names of outputs")),
    }
}

/// The metrics of each output: Keras takes a plain list where there is one output, otherwise one entry or list for each.
fn metric_lists<'a>(json: Option<&'a Value>, outputs: &[String], what: &str) -> Result<Vec<Vec<&'a Value>>> {
    let list = |json: &'a Value| match json {
        Value::Null => Vec::new(),
        Value::Array(list) => list.iter().filter(|m| !m.is_null()).collect(),
        one => vec![one],
    };
    match json {
        Some(Value::Array(all)) if outputs.len() == 1 => Ok(vec![all.iter().flat_map(list).collect()]),
        json => Ok(per_output(json, outputs, what, false)?.into_iter().map(list).collect()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn names(of: &[&str]) -> Vec<String> {
        of.iter().map(|name| name.to_string()).collect()
    }

    #[test]
    fn forms_of_losses() {
        let outputs = names(&["a", "b"]);
        let found = |json: Value| per_output(Some(&json), &outputs, "loss", true).map(|l| json!(l)).ok();
        assert_eq!(found(json!("mse")), Some(json!(["mse", "mse"])));
        assert_eq!(found(json!(["mse", null])), Some(json!(["mse", null])));
        assert_eq!(found(json!({"b": "mae"})), Some(json!([null, "mae"])));
        assert_eq!(found(json!({"c": "mae"})), None);
        assert_eq!(found(json!(["mse"])), None);
    }

    #[test]
    fn forms_of_metrics() {
        let found = |json: Value, outputs: &[&str]| {
            metric_lists(Some(&json), &names(outputs), "metrics").map(|l| json!(l)).ok()
        };
        assert_eq!(found(json!(["mae", "mse"]), &["a"]), Some(json!([["mae", "mse"]])));
        assert_eq!(found(json!([["mae"]]), &["a"]), Some(json!([["mae"]])));
        assert_eq!(
            found(json!(["mae", ["mse", "mape"]]), &["a", "b"]),
            Some(json!([["mae"], ["mse", "mape"]]))
        );
        assert_eq!(found(json!({"b": "mae"}), &["a", "b"]), Some(json!([[], ["mae"]])));
    }

    #[test]
    fn an_uncompiled_model_is_refused() {
        assert!(trainer(&json!({}), &names(&["a"]), &Registry::new()).is_err());
    }
}
