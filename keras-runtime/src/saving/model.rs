//! Saving and restoring a model under training: structure, weights, optimizer.

use std::path::Path;

use keras_kernels::DType;
use serde_json::{Value, json};

use super::{
    Array, Assets, Group, Loading, OptimizerArrays, Stored, Weights, Writing, architecture, weights,
};
use crate::engine::Network;
use crate::optimizers::OptimizerState;
use crate::training::{CompileConfig, TrainedModel};
use crate::{Error, Result};

/// Saves a model with its optimizer (`.keras`, a folder, legacy `.h5`): Keras and this library go on training from it.
///
/// # Errors
/// If the file cannot be written, or the model has something in it that files cannot describe.
pub fn save(model: &dyn TrainedModel, path: impl AsRef<Path>) -> Result<()> {
    let network = model.network();
    let optimizer = optimizer_arrays(network, model.optimizer());
    let none = Assets::default();
    let assets = model.assets().unwrap_or(&none);
    super::write(path, network, &model.config()?, optimizer, assets, Writing::new())
}

/// Saves the weights of a model and, where the format has a place for it, of its optimizer (`.weights.h5`,
/// `.weights.json`, `.safetensors`, legacy `.h5`).
///
/// # Errors
/// If the file cannot be written.
pub fn save_weights(model: &dyn TrainedModel, path: impl AsRef<Path>) -> Result<()> {
    super::write_weights(
        path,
        model.network(),
        optimizer_arrays(model.network(), model.optimizer()),
        Writing::new(),
    )
}

/// Saves a network that was never compiled.
///
/// # Errors
/// As [`save`].
pub fn save_network(network: &Network, path: impl AsRef<Path>) -> Result<()> {
    let config = architecture(network.definition(), network.float(), json!({}))?;
    super::write(path, network, &config, Vec::new(), &Assets::default(), Writing::new())
}

/// Saves the weights of a network that was never compiled.
///
/// # Errors
/// As [`save_weights`].
pub fn save_network_weights(network: &Network, path: impl AsRef<Path>) -> Result<()> {
    super::write_weights(path, network, Vec::new(), Writing::new())
}

/// Gives a model the weights of a file, and its optimizer the state that the file has, so that training goes on where it
/// stopped. Returns the layers that were skipped, and why; none unless `loading` allows it.
///
/// # Errors
/// If the file cannot be read, or its weights do not fit; then the model stays as it was.
pub fn load_weights(
    model: &mut dyn TrainedModel,
    path: impl AsRef<Path>,
    loading: Loading,
) -> Result<Vec<String>> {
    let path = path.as_ref();
    let found = super::read_weights(path)?;
    let (network, optimizer) = model.parts_mut();
    restore(network, optimizer, &found, loading).map_err(|e| Error::file(path, e.to_string()))
}

/// Gives a network the weights of a file.
///
/// # Errors
/// As [`load_weights`].
pub fn load_network_weights(
    network: &mut Network,
    path: impl AsRef<Path>,
    loading: Loading,
) -> Result<Vec<String>> {
    let path = path.as_ref();
    let found = super::read_weights(path)?;
    weights::apply(network, &found, loading).map_err(|e| Error::file(path, e.to_string()))
}

/// Gives a network its weights and an optimizer its state, if there is one that fits. As in Keras, an optimizer with
/// another number of variables starts afresh, as does one of a model that takes weights by name or skips some.
///
/// # Errors
/// If the weights do not fit.
pub fn restore(
    network: &mut Network,
    optimizer: &mut OptimizerState,
    found: &Weights,
    loading: Loading,
) -> Result<Vec<String>> {
    let skipped = weights::apply(network, found, loading)?;
    if let Some(variables) = found.optimizer().filter(|_| !loading.by_name && skipped.is_empty()) {
        restore_optimizer(network, optimizer, &variables)?;
    }
    Ok(skipped)
}

/// The optimizer's part of [`restore`].
///
/// # Errors
/// If a variable has another size than its slot.
pub fn restore_optimizer(
    network: &mut Network,
    optimizer: &mut OptimizerState,
    variables: &[Array],
) -> Result<()> {
    // Slots need the gradients' buffer.
    network.prepare(1, true)?;
    optimizer.build(network)?;
    if optimizer.set_variables(network, variables)? {
        // Random numbers are functions of the step: they go on, too.
        network.set_step(optimizer.iterations() as u32);
    }
    Ok(())
}

/// The tree of the variables of a model and of its optimizer, as a file holds them.
pub(crate) fn tree(model: &dyn TrainedModel) -> Group {
    super::tree(model.network(), optimizer_arrays(model.network(), model.optimizer()))
}

/// The variables of an optimizer with their paths, as a file holds them.
pub fn optimizer_arrays(network: &Network, optimizer: &OptimizerState) -> OptimizerArrays {
    let float = if network.float() == DType::F64 { DType::F64 } else { DType::F32 };
    let class = optimizer.optimizer().class_name().to_lowercase();
    let variables = optimizer.variables(network).into_iter();
    variables
        .map(|v| {
            let array = match v.integer {
                true => Array::scalar(Stored::I32, v.values.first().copied().unwrap_or(0.0)),
                false => Array::of(v.shape, float, &v.values),
            };
            (format!("{class}/{}", v.name), array)
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
