//! Configurations of [`Bidirectional`] layers.

use std::sync::Arc;

use serde_json::{Value, json};

use super::{Bidirectional, MergeMode, Recurrent};
use crate::config::{config_or, layer_json};
use crate::layer::{Config, Configure, Layer};
use crate::layers::rnn::{GRU, LSTM, SimpleRNN};
use crate::layers::support::wrapped::Wrapped;
use crate::{Error, Registry, Result};

impl<L: Recurrent, B: Recurrent> Configure for Bidirectional<L, B> {
    fn class_name(&self) -> &'static str {
        "Bidirectional"
    }

    fn config(&self) -> Config {
        let inner = |side| self.side(side, layer_json);
        let mut config = Config::new();
        config.insert("merge_mode".into(), crate::ConfigValue::to_json(&self.merge_mode));
        config.insert("layer".into(), inner(0));
        config.insert("backward_layer".into(), inner(1));
        config
    }

    fn call_config(&self) -> Config {
        Config::from_iter([("initial_state_inputs".into(), json!(2 * self.layer.initial_states()))])
    }
}

/// The layer of one direction. States given to a call are halved between the directions.
fn direction<L: Recurrent>(wrapped: &Wrapped<'_>, config: &Config, registry: &Registry) -> Result<L> {
    let mut inner = wrapped.config.clone();
    if let Some(states) = config.get("initial_state_inputs").and_then(Value::as_u64) {
        inner.insert("initial_state_inputs".into(), json!(states / 2));
    }
    L::from_config(&inner, registry)
}

fn made<L: Recurrent + 'static, B: Recurrent + 'static>(
    layer: L,
    backward_layer: Option<B>,
    config: &Config,
) -> Result<Arc<dyn Layer>> {
    let merge_mode = config_or(config, "Bidirectional", "merge_mode", MergeMode::Concat)?;
    Ok(Arc::new(Bidirectional { layer, merge_mode, backward_layer }))
}

fn with_forward<L: Recurrent + 'static>(
    forward: &Wrapped<'_>,
    config: &Config,
    registry: &Registry,
) -> Result<Arc<dyn Layer>> {
    let layer: L = direction(forward, config, registry)?;
    match Wrapped::find(config, "Bidirectional", "backward_layer")? {
        None => made::<L, L>(layer, None, config),
        Some(back) => match back.class() {
            "GRU" => made(layer, Some(direction::<GRU>(&back, config, registry)?), config),
            "LSTM" => made(layer, Some(direction::<LSTM>(&back, config, registry)?), config),
            "SimpleRNN" => made(layer, Some(direction::<SimpleRNN>(&back, config, registry)?), config),
            _ => Err(unknown("backward_layer", &back)),
        },
    }
}

fn unknown(key: &str, found: &Wrapped<'_>) -> Error {
    let message = format!("expected a SimpleRNN, LSTM or GRU of Keras in `{key}`, found {}", found.origin);
    Error::config("Bidirectional", message)
}

/// Makes a [`Bidirectional`] of the classes that its configuration names.
pub(crate) fn from_config(config: &Config, registry: &Registry) -> Result<Arc<dyn Layer>> {
    let lacks = || Error::config("Bidirectional", "its configuration lacks `layer`");
    let forward = Wrapped::find(config, "Bidirectional", "layer")?.ok_or_else(lacks)?;
    match forward.class() {
        "GRU" => with_forward::<GRU>(&forward, config, registry),
        "LSTM" => with_forward::<LSTM>(&forward, config, registry),
        "SimpleRNN" => with_forward::<SimpleRNN>(&forward, config, registry),
        _ => Err(unknown("layer", &forward)),
    }
}
