//! Optimizer, loss and metrics from the command line, in place of those that the file has.

use clap::Args;
use keras::optimizers::{self, LearningRate};
use keras::saving::{self, Saved, Weights};
use keras::training::Trainer;
use keras::{Registry, losses, metrics};
use serde_json::{Map, Value, json};

use super::failure::{Failure, Outcome};

/// What `model.compile` takes, by Keras' names.
#[derive(Args, Clone, Debug, Default)]
pub struct Compiling {
    /// Loss: mse, sparse_categorical_crossentropy, ...; OUTPUT=LOSS for one of several outputs [default: the file's]
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Compiling")]
    loss: Vec<String>,
    /// Metrics: accuracy, mae, ...; OUTPUT=METRIC for one of several outputs [default: the file's]
    #[arg(long, value_name = "NAME", value_delimiter = ',', help_heading = "Compiling")]
    metrics: Vec<String>,
}

/// What only training takes.
#[derive(Args, Clone, Debug, Default)]
pub struct Optimizing {
    /// Optimizer: adam, sgd, ...; it starts anew [default: the file's, which goes on where it stopped]
    #[arg(long, value_name = "NAME", help_heading = "Compiling")]
    optimizer: Option<String>,
    /// Learning rate [default: the file's, or the optimizer's own]
    #[arg(long, value_name = "RATE", help_heading = "Compiling")]
    learning_rate: Option<f64>,
}

/// Keras' own where nothing is said.
const OPTIMIZER: &str = "rmsprop";

impl Compiling {
    /// Sets loss and metrics in what a file holds.
    pub fn apply(&self, saved: &mut Saved, registry: &Registry) -> Outcome {
        let losses = by_output(&self.loss, "--loss")?;
        let metrics = by_output(&self.metrics, "--metrics")?;
        // Names are looked up now: an error then names the option.
        for name in losses.values() {
            losses::from_config(&json!(name[0]), registry).map_err(|e| Failure::usage(format!("--{e}")))?;
        }
        for name in metrics.values().flatten() {
            metrics::from_config(&json!(name), registry)
                .map_err(|e| Failure::usage(format!("--metrics: {e}")))?;
        }
        if losses.values().any(|names| names.len() > 1) {
            return Err(Failure::usage(
                "--loss: an output has one loss: give OUTPUT=LOSS for each of several outputs",
            ));
        }
        let config = compile_config(saved);
        if !losses.is_empty() {
            let of = |names: &Vec<String>| json!(names[0]);
            config.insert("loss".into(), dict_or_one(&losses, of));
            config.insert("loss_weights".into(), Value::Null);
        }
        if !metrics.is_empty() {
            config.insert("metrics".into(), dict_or_one(&metrics, |names| json!(names)));
            config.insert("weighted_metrics".into(), Value::Null);
        }
        if !losses.is_empty() && config.get("optimizer").is_none_or(Value::is_null) {
            config.insert("optimizer".into(), optimizer_json(&json!(OPTIMIZER), None, registry)?);
        }
        Ok(())
    }
}

impl Compiling {
    /// Gives a file without a loss the mean squared error, and Keras' own optimizer.
    pub fn apply_default(&self, saved: &mut Saved, registry: &Registry) -> Outcome {
        let config = compile_config(saved);
        if config.get("loss").is_none_or(Value::is_null) {
            config.insert("loss".into(), json!("mse"));
        }
        if config.get("optimizer").is_none_or(Value::is_null) {
            config.insert("optimizer".into(), optimizer_json(&json!(OPTIMIZER), None, registry)?);
        }
        Ok(())
    }
}

impl Optimizing {
    /// Sets the optimizer in what a file holds. A new one starts without state.
    pub fn apply(&self, saved: &mut Saved, registry: &Registry) -> Outcome {
        if let Some(name) = &self.optimizer {
            let optimizer = optimizer_json(&json!(name), self.learning_rate, registry)?;
            compile_config(saved).insert("optimizer".into(), optimizer);
            match &mut saved.weights {
                Weights::Tree(root) => drop(root.groups.remove("optimizer")),
                Weights::Layers(layers) => layers.optimizer = None,
                Weights::Fresh | Weights::Named(_) => {}
            }
        } else if self.learning_rate.is_some() {
            let config = compile_config(saved);
            let known = config.get("optimizer").filter(|o| !o.is_null()).cloned().unwrap_or(json!(OPTIMIZER));
            let changed = optimizer_json(&known, self.learning_rate, registry)?;
            config.insert("optimizer".into(), changed);
        }
        Ok(())
    }
}

/// The compile options of a file, which may have none.
fn compile_config(saved: &mut Saved) -> &mut Map<String, Value> {
    if !saved.config.is_object() {
        saved.config = json!({});
    }
    let place = &mut saved.config["compile_config"];
    if !place.is_object() {
        *place = json!({});
    }
    match place {
        Value::Object(config) => config,
        _ => unreachable!("made an object above"),
    }
}

/// An optimizer as files have it.
fn optimizer_json(optimizer: &Value, learning_rate: Option<f64>, registry: &Registry) -> Outcome<Value> {
    let made = optimizers::from_config(optimizer, registry);
    let mut optimizer = made.map_err(|e| Failure::usage(format!("--{e}")))?;
    if let Some(rate) = learning_rate {
        if !(rate >= 0.0 && rate.is_finite()) {
            return Err(Failure::usage(format!(
                "--learning-rate: expected a number of at least 0, found {rate}"
            )));
        }
        optimizer.settings_mut().learning_rate = LearningRate::Constant(rate);
    }
    let config = Trainer::new(optimizer, Vec::new(), Vec::new()).compile_config();
    Ok(saving::compile_json(&config)["optimizer"].take())
}

/// Names by output: `OUTPUT=NAME`, or all under no name.
fn by_output(given: &[String], option: &str) -> Outcome<Names> {
    let mut out = Names::new();
    for text in given {
        let (output, name) = text.split_once('=').unwrap_or(("", text));
        out.entry(output.into()).or_default().push(name.into());
    }
    if out.len() > 1 && out.contains_key("") {
        return Err(Failure::usage(format!("{option}: either all names are OUTPUT=NAME, or none is")));
    }
    Ok(out)
}

type Names = std::collections::BTreeMap<String, Vec<String>>;

fn dict_or_one(names: &Names, json: impl Fn(&Vec<String>) -> Value) -> Value {
    match names.get("") {
        Some(all) => json(all),
        None => {
            names.iter().map(|(output, names)| (output.clone(), json(names))).collect::<Map<_, _>>().into()
        }
    }
}
