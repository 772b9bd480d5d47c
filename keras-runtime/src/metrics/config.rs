//! Metrics from the JSON of a Keras file.

use serde_json::Value;

use super::accuracy::AutoAccuracy;
use super::*;
use crate::losses::function::unknown;
use crate::losses::unknown_class;
use crate::registry::Origin;
use crate::training::options::Options;
use crate::{Error, Registry, Result};

/// The metric of a function: one of Keras' own, with the name and the arguments that its wrapper holds.
fn of_function(function: &str, wrapper: &Config, registry: &Registry) -> Result<Box<dyn Metric>> {
    let mut config = wrapper.clone();
    ["fn", "dtype"].iter().for_each(|key| drop(config.remove(*key)));
    config.entry("name").or_insert_with(|| function.into());
    let json = serde_json::json!({"class_name": function, "config": config});
    from_config(&json, registry).map_err(|_| Error::config("metric", unknown(function, "register_metric")))
}

/// The metric that a file describes: an envelope `{"class_name", "config", ..}`, or a name such as `"accuracy"`.
///
/// # Errors
/// If there is no such metric, or an option cannot be honoured.
pub fn from_config(json: &Value, registry: &Registry) -> Result<Box<dyn Metric>> {
    let wrapped = json.get("class_name").is_some_and(|class| class == "MeanMetricWrapper");
    let function = if wrapped { &json["config"]["fn"] } else { json };
    let Some(origin) = Origin::of(function) else {
        return Err(Error::config("metric", "expected its name or its configuration"));
    };
    // A function alone has no configuration.
    let (none, config) = (Config::new(), json.get("config").and_then(Value::as_object));
    let config = config.unwrap_or(&none);
    if let Some(make) = registry.metric(&origin) {
        return make(config, registry);
    }
    if let Some(make) = registry.loss(&origin) {
        let metric = OfLoss::new(make(config, registry)?);
        return Ok(Box::new(match config.get("name").and_then(Value::as_str) {
            Some(name) => metric.name(name),
            None => metric,
        }));
    }
    if !origin.is_keras() {
        let message = unknown_class("register_metric", "#[metric]");
        return Err(Error::config(format!("metric: {origin}"), message));
    }
    let (class, config) = match json {
        Value::String(name) => (name.clone(), Config::new()),
        Value::Object(object) => {
            let class = object.get("class_name").and_then(Value::as_str).unwrap_or("").to_string();
            let config = object.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
            // Functions: {"class_name": "function", "config": "mean_squared_error"}, alone or wrapped.
            let function = match class.as_str() {
                "function" => object.get("config"),
                "MeanMetricWrapper" => config.get("fn").and_then(|f| f.get("config")),
                _ => None,
            };
            match function {
                Some(Value::String(function)) => return of_function(function, &config, registry),
                _ => (class, config),
            }
        }
        _ => return Err(Error::config("metric", "expected its name or its configuration")),
    };
    let by_string = json.is_string();
    if by_string && matches!(class.as_str(), "accuracy" | "acc") {
        return Ok(Box::new(AutoAccuracy::new(&class)));
    }
    let name = match config.get("name").and_then(Value::as_str) {
        Some(name) => Some(name.to_string()),
        // A name that the user gave is the name in the logs.
        None => by_string.then(|| class.clone()),
    };
    let plain: String = class.chars().filter(|c| *c != '_').collect::<String>().to_lowercase();
    macro_rules! accuracies {
        ($($name:ident),*) => { $(
            if plain == stringify!($name).to_lowercase() {
                let mut metric = $name::new();
                metric.read(&config)?;
                return Ok(Box::new(match name {
                    Some(name) => metric.name(name),
                    None => metric,
                }));
            }
        )* };
    }
    accuracies!(
        BinaryAccuracy,
        CategoricalAccuracy,
        SparseCategoricalAccuracy,
        TopKCategoricalAccuracy,
        SparseTopKCategoricalAccuracy
    );
    macro_rules! counts {
        ($($name:ident),*) => { $(
            if plain == stringify!($name).to_lowercase() {
                return Ok(Box::new($name::from_config(&config)?));
            }
        )* };
    }
    counts!(Precision, Recall, TruePositives, FalsePositives, TrueNegatives, FalseNegatives, AUC);
    Ok(match plain.as_str() {
        "f1score" => Box::new(FBetaScore::from_config("F1Score", &config)?),
        "fbetascore" => Box::new(FBetaScore::from_config("FBetaScore", &config)?),
        "rootmeansquarederror" | "rmse" => {
            let metric = RootMeanSquaredError::new();
            Box::new(match name {
                Some(name) => metric.name(name),
                None => metric,
            })
        }
        "r2score" => {
            let plain = |key: &str, default: Value| config.get(key).is_none_or(|v| *v == default);
            if !plain("class_aggregation", "uniform_average".into()) || !plain("num_regressors", 0.into()) {
                let message = "only `uniform_average` without `num_regressors` is available";
                return Err(Error::config("R2Score", message));
            }
            let metric = R2Score::new();
            Box::new(match name {
                Some(name) => metric.name(name),
                None => metric,
            })
        }
        "mean" => Box::new(Mean::new(name.unwrap_or_else(|| "mean".into()))),
        _ => {
            let json = match json {
                Value::Object(object) if plain == "logcosherror" => {
                    let mut object = object.clone();
                    object.insert("class_name".into(), "LogCosh".into());
                    Value::Object(object)
                }
                other => other.clone(),
            };
            let loss = crate::losses::from_config(&json, registry)
                .map_err(|_| Error::config("metric", format!("there is no metric `{class}` here")))?;
            let metric = OfLoss::new(loss);
            Box::new(match name {
                Some(name) => metric.name(name),
                None => metric,
            })
        }
    })
}
