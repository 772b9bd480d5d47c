//! Saving and restoring a model under training: structure, weights, optimizer.

use std::path::Path;

use keras_kernels::DType;
use serde_json::{Value, json};

use super::{Array, Group, Saved, Stored, architecture, weights};
use crate::engine::Network;
use crate::optimizers::OptimizerState;
use crate::training::{CompileConfig, TrainedModel};
use crate::{Error, Result};

/// Saves a model with its optimizer as a `.keras` file, from which Keras and this library go on training.
///
/// # Errors
/// If the file cannot be written, or the model has something in it that files cannot describe.
pub fn save(model: &dyn TrainedModel, path: impl AsRef<Path>) -> Result<()> {
    let network = model.network();
    let config = architecture(network.definition(), network.float(), compile_json(&model.compile_config()))?;
    super::write(path, &Saved { config, weights: tree(model) })
}

/// Saves the weights of a model and of its optimizer as a `.weights.h5` file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights(model: &dyn TrainedModel, path: impl AsRef<Path>) -> Result<()> {
    super::write_weights(path, &tree(model))
}

/// Saves a network that was never compiled as a `.keras` file.
///
/// # Errors
/// As [`save`].
pub fn save_network(network: &Network, path: impl AsRef<Path>) -> Result<()> {
    let config = architecture(network.definition(), network.float(), json!({}))?;
    super::write(path, &Saved { config, weights: weights::collect(network, None) })
}

/// Saves the weights of a network that was never compiled as a `.weights.h5` file.
///
/// # Errors
/// If the file cannot be written.
pub fn save_network_weights(network: &Network, path: impl AsRef<Path>) -> Result<()> {
    super::write_weights(path, &weights::collect(network, None))
}

/// Gives a model the weights of a `.keras` or `.weights.h5` file, and its optimizer the state that the file has, so that
/// training goes on where it stopped. Layers are matched by position, as in Keras.
///
/// # Errors
/// If the file cannot be read, or its weights do not fit; then the model stays as it was.
pub fn load_weights(model: &mut dyn TrainedModel, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let group = read_any(path)?;
    let (network, optimizer) = model.parts_mut();
    restore(network, optimizer, &group).map_err(|e| Error::file(path, e.to_string()))
}

/// Gives a network the weights of a `.keras` or `.weights.h5` file.
///
/// # Errors
/// As [`load_weights`].
pub fn load_network_weights(network: &mut Network, path: impl AsRef<Path>) -> Result<()> {
    let path = path.as_ref();
    let group = read_any(path)?;
    weights::apply(network, &group).map_err(|e| Error::file(path, e.to_string()))
}

/// Gives a network its weights and an optimizer its state, if the tree has one that fits. As in Keras, an optimizer
/// with another number of variables starts afresh.
///
/// # Errors
/// If the weights do not fit.
pub fn restore(network: &mut Network, optimizer: &mut OptimizerState, group: &Group) -> Result<()> {
    weights::apply(network, group)?;
    restore_optimizer(network, optimizer, group)
}

/// The optimizer's part of [`restore`].
///
/// # Errors
/// If a variable has another size than its slot.
pub fn restore_optimizer(network: &mut Network, optimizer: &mut OptimizerState, group: &Group) -> Result<()> {
    let Some(variables) = weights::optimizer(group) else { return Ok(()) };
    // Slots need the gradients' buffer.
    network.prepare(1, true)?;
    optimizer.build(network)?;
    let values: Vec<Vec<f64>> = variables.iter().map(Array::to_f64).collect();
    if optimizer.set_variables(network, &values)? {
        // Random numbers are functions of the step: they go on, too.
        network.set_step(optimizer.iterations() as u32);
    }
    Ok(())
}

fn read_any(path: &Path) -> Result<Group> {
    if path.extension().is_some_and(|e| e == "keras") {
        return super::read(path).map(|saved| saved.weights);
    }
    super::read_weights(path)
}

/// The tree of the variables of a model and of its optimizer, as a file holds them.
pub(crate) fn tree(model: &dyn TrainedModel) -> Group {
    weights::collect(model.network(), Some(optimizer_arrays(model.network(), model.optimizer())))
}

/// The variables of an optimizer, as a file holds them.
pub fn optimizer_arrays(network: &Network, optimizer: &OptimizerState) -> Vec<Array> {
    let float = if network.float() == DType::F64 { DType::F64 } else { DType::F32 };
    let variables = optimizer.variables(network).into_iter();
    variables
        .map(|v| match v.integer {
            true => Array::scalar(Stored::I32, v.values.first().copied().unwrap_or(0.0)),
            false => Array::of(v.shape, float, &v.values),
        })
        .collect()
}

/// `compile_config` as Keras writes it.
pub fn compile_json(compiled: &CompileConfig) -> Value {
    json!({
        "optimizer": compiled.optimizer,
        "loss": compiled.loss,
        "loss_weights": compiled.loss_weights,
        "metrics": compiled.metrics,
        "weighted_metrics": compiled.weighted_metrics,
        "run_eagerly": false,
        "steps_per_execution": 1,
        "jit_compile": false,
    })
}
