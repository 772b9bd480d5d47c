//! Typed models to and from files.

use std::path::Path;
use std::sync::Arc;

use keras_kernels::DType;
use serde_json::json;

use super::{Architecture, Compiled, Model};
use crate::engine::{Definition, Network};
use crate::saving::{Loading, OptimizerArrays, Writing};
use crate::training::TrainedModel;
use crate::{Device, Error, Result, saving};

impl<M: Architecture> Model<M> {
    /// The model with the weights of a file, in any format that holds some (see [`saving::Format`]).
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's.
    pub fn load(path: impl AsRef<Path>, device: Device) -> Result<Self> {
        let definition = Arc::new(Definition::from_spec(M::GRAPH));
        let mut network = Network::blank(definition, device, 0, DType::F32)?;
        saving::load_network_weights(&mut network, path, Loading::new())?;
        Ok(Model::from_network(network))
    }

    /// The model with the weights of a `.keras` file in memory, such as one that `include_bytes!` put into the program.
    ///
    /// # Errors
    /// If the bytes are no such file, or its weights have other shapes than the model's.
    pub fn from_bytes(bytes: &[u8], device: Device) -> Result<Self> {
        let wrong = |message: String| Error::file("the file in memory", message);
        let saved = saving::from_bytes(bytes).map_err(wrong)?;
        let definition = Arc::new(Definition::from_spec(M::GRAPH));
        let mut network = Network::blank(definition, device, 0, DType::F32)?;
        saving::weights::apply(&mut network, &saved.weights, Loading::new())
            .map_err(|e| wrong(e.to_string()))?;
        Ok(Model::from_network(network))
    }

    /// Takes the weights of a file, matched by position, as in Keras; those of safetensors by path.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's; then the model stays as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_weights_with(path, Loading::new()).map(drop)
    }

    /// As [`Model::load_weights`], by name or leaving out what does not fit. Returns what was left out, and why.
    ///
    /// # Errors
    /// As [`Model::load_weights`].
    pub fn load_weights_with(&mut self, path: impl AsRef<Path>, loading: Loading) -> Result<Vec<String>> {
        saving::load_network_weights(self.network_mut(), path, loading)
    }

    /// Saves the model (`.keras`, a folder, legacy `.h5`) so that Keras opens it. A crash while it is written leaves the
    /// old file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_network(self.network(), path)
    }

    /// Saves the weights (`.weights.h5`, `.weights.json`, `.safetensors`, legacy `.h5`).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_network_weights(self.network(), path)
    }

    /// Saves the weights in files of at most `shard` bytes of numbers, with an index (`.weights.json`).
    ///
    /// # Errors
    /// If a file cannot be written, or a variable is larger than a shard.
    pub fn save_sharded_weights(&self, path: impl AsRef<Path>, shard: u64) -> Result<()> {
        saving::write_weights(path, self.network(), Vec::new(), Writing::new().shard(shard))
    }

    /// The architecture as JSON: `model.to_json()` in Keras, whose `model_from_json` reads it.
    ///
    /// # Errors
    /// If the model has something in it that files cannot describe.
    pub fn to_json(&self) -> Result<String> {
        let network = self.network();
        let config = saving::architecture(network.definition(), network.float(), json!({}))?;
        Ok(saving::to_json(&config))
    }

    /// The architecture as YAML.
    ///
    /// # Errors
    /// As [`Model::to_json`].
    pub fn to_yaml(&self) -> Result<String> {
        let network = self.network();
        let config = saving::architecture(network.definition(), network.float(), json!({}))?;
        Ok(saving::to_yaml(&config))
    }
}

impl<M: Architecture, L> Compiled<M, L> {
    /// Saves the model with its optimizer (`.keras`, a folder, legacy `.h5`): Keras and this library go on training from
    /// it. A crash while it is written leaves the old file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save(self, path)
    }

    /// Saves the weights (`.weights.h5`, `.weights.json`, `.safetensors`, legacy `.h5`); the first two with the optimizer.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_weights(self, path)
    }

    /// Saves weights and optimizer in files of at most `shard` bytes of numbers, with an index (`.weights.json`).
    ///
    /// # Errors
    /// If a file cannot be written, or a variable is larger than a shard.
    pub fn save_sharded_weights(&self, path: impl AsRef<Path>, shard: u64) -> Result<()> {
        let network = self.network();
        let optimizer: OptimizerArrays = saving::optimizer_arrays(network, TrainedModel::optimizer(self));
        saving::write_weights(path, network, optimizer, Writing::new().shard(shard))
    }

    /// Takes weights, and the state of the optimizer, of a file: training goes on where it stopped.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's; then the model stays as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_weights_with(path, Loading::new()).map(drop)
    }

    /// As [`Compiled::load_weights`], by name or leaving out what does not fit; then the optimizer keeps its state.
    /// Returns what was left out, and why.
    ///
    /// # Errors
    /// As [`Compiled::load_weights`].
    pub fn load_weights_with(&mut self, path: impl AsRef<Path>, loading: Loading) -> Result<Vec<String>> {
        saving::load_weights(self, path, loading)
    }
}
