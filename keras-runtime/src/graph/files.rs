//! Models that are made at run time, from files and to files.

use std::path::Path;

use keras_kernels::Device;

use super::{LoadedModel, parse};
use crate::layers::Registry;
use crate::saving::{self, Array, Format, Group, Loading, Saved, Weights, Writing, weights};
use crate::{Error, Result};

/// Opens a model's file (`.keras`, a folder, legacy `.h5`, an architecture as `.json` or `.yaml`): a Sequential or
/// Functional model of Keras' own layers.
///
/// ```no_run
/// let mut model = keras_runtime::graph::load_model("net.keras")?;
/// # Ok::<(), keras_runtime::Error>(())
/// ```
///
/// # Errors
/// If the file cannot be read, or has something in it that is not known.
pub fn load_model(path: impl AsRef<Path>) -> Result<LoadedModel> {
    LoadedModel::open(path, &Registry::new(), Device::default())
}

/// A model with fresh weights from the JSON that `model.to_json()` of Keras yields.
///
/// ```
/// let json = r#"{"class_name": "Sequential", "config": {"name": "net", "layers": [
///     {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 4]}},
///     {"class_name": "Dense", "config": {"name": "dense", "units": 2}}]}}"#;
/// let model = keras_runtime::graph::model_from_json(json)?;
/// assert_eq!(model.blueprint().name, "net");
/// # Ok::<(), keras_runtime::Error>(())
/// ```
///
/// # Errors
/// If it is not such a JSON, or has something in it that is not known.
pub fn model_from_json(json: &str) -> Result<LoadedModel> {
    from_text(json, Format::Json)
}

/// As [`model_from_json`], from YAML.
///
/// # Errors
/// As [`model_from_json`].
pub fn model_from_yaml(yaml: &str) -> Result<LoadedModel> {
    from_text(yaml, Format::Yaml)
}

fn from_text(text: &str, format: Format) -> Result<LoadedModel> {
    let saved = saving::parse(&text.as_bytes().to_vec().into(), format).map_err(Error::Data)?;
    LoadedModel::from_saved(saved, &Registry::new(), Device::default())
}

impl LoadedModel {
    /// As [`load_model`], with layers of one's own and on a certain device.
    ///
    /// # Errors
    /// See [`load_model`].
    pub fn open(path: impl AsRef<Path>, registry: &Registry, device: Device) -> Result<LoadedModel> {
        let path = path.as_ref();
        LoadedModel::from_saved(saving::read(path)?, registry, device)
            .map_err(|e| Error::file(path, e.to_string()))
    }

    /// A model from what a file holds.
    ///
    /// # Errors
    /// If it has something in it that is not known, or its variables do not fit.
    pub fn from_saved(saved: Saved, registry: &Registry, device: Device) -> Result<LoadedModel> {
        LoadedModel::from_saved_with(saved, registry, device, 0)
    }

    /// As [`LoadedModel::from_saved`]; weights that the file lacks, the order of samples and the numbers that dropout draws are
    /// functions of `seed`.
    ///
    /// # Errors
    /// As [`LoadedModel::from_saved`].
    pub fn from_saved_with(
        saved: Saved,
        registry: &Registry,
        device: Device,
        seed: u64,
    ) -> Result<LoadedModel> {
        let blueprint = parse(&saved.config, registry)?;
        let mut model = LoadedModel::new(blueprint, saved.config, saved.weights, device, seed)?;
        (model.registry, model.assets) = (registry.clone(), saved.assets);
        Ok(model)
    }

    /// Takes the weights of a file, and the state of the optimizer that it has, matched by position, as in Keras; those of
    /// safetensors by path.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights do not fit; then the model stays as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        self.load_weights_with(path, Loading::new()).map(drop)
    }

    /// As [`LoadedModel::load_weights`], by name or leaving out what does not fit; then the optimizer keeps its state.
    /// Returns what was left out, and why.
    ///
    /// # Errors
    /// As [`LoadedModel::load_weights`].
    pub fn load_weights_with(&mut self, path: impl AsRef<Path>, loading: Loading) -> Result<Vec<String>> {
        let path = path.as_ref();
        let found = saving::read_weights(path)?;
        let fail = |e: Error| Error::file(path, e.to_string());
        let mut probe = None;
        let network = match &mut self.network {
            Some(network) => network,
            None => probe.insert(self.probe()?),
        };
        let skipped = weights::apply(network, &found, loading).map_err(fail)?;
        if let Some(probe) = probe {
            self.unbound = Some(weights::collect(&probe, None).into());
        }
        if let Some(optimizer) = found.optimizer().filter(|_| !loading.by_name && skipped.is_empty()) {
            self.optimizer = Some(optimizer);
            self.restore_optimizer().map_err(fail)?;
        }
        Ok(skipped)
    }

    /// Saves the model with its variables as they are now, in any format that holds a model (`.keras`, a folder, legacy
    /// `.h5`).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_with(path, Writing::new())
    }

    /// As [`LoadedModel::save`], with floats of another type.
    ///
    /// # Errors
    /// As [`LoadedModel::save`].
    pub fn save_with(&self, path: impl AsRef<Path>, writing: Writing) -> Result<()> {
        let path = path.as_ref();
        // What was never bound is written as it was read.
        if let (Some(Weights::Tree(tree)), Format::Keras | Format::Folder, true) =
            (&self.unbound, Format::of(path)?, writing == Writing::new() && self.trainer.is_none())
        {
            return saving::write_tree(path, &self.config, tree, &self.assets);
        }
        self.with_network(|network, optimizer| {
            saving::write(path, network, &self.config, optimizer, &self.assets, writing)
        })
    }

    /// Saves its variables, and those of its optimizer where the format has a place for them (`.weights.h5`,
    /// `.weights.json`, `.safetensors`, legacy `.h5`).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        self.save_weights_with(path, Writing::new())
    }

    /// As [`LoadedModel::save_weights`], with floats of another type, or in shards of a certain size (`.weights.json`).
    ///
    /// # Errors
    /// If a file cannot be written, or a variable is larger than a shard.
    pub fn save_weights_with(&self, path: impl AsRef<Path>, writing: Writing) -> Result<()> {
        self.with_network(|network, optimizer| saving::write_weights(path, network, optimizer, writing))
    }

    /// Saves its variables in files of at most `shard` bytes of numbers, with an index (`.weights.json`).
    ///
    /// # Errors
    /// If a file cannot be written, or a variable is larger than a shard.
    pub fn save_sharded_weights(&self, path: impl AsRef<Path>, shard: u64) -> Result<()> {
        self.save_weights_with(path, Writing::new().shard(shard))
    }

    /// Saves the architecture alone as `.json` or `.yaml`.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_architecture(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::write_architecture(path, &self.config)
    }

    /// The architecture as JSON: `model.to_json()` in Keras.
    pub fn to_json(&self) -> String {
        saving::to_json(&self.config)
    }

    /// The architecture as YAML.
    pub fn to_yaml(&self) -> String {
        saving::to_yaml(&self.config)
    }

    /// The tree of its variables as they are now, with those of the optimizer.
    ///
    /// # Errors
    /// If it was never built.
    pub fn weights(&self) -> Result<Group> {
        if let Some(Weights::Tree(tree)) = &self.unbound {
            return Ok(tree.clone());
        }
        self.with_network(|network, optimizer| {
            let optimizer: Vec<Array> = optimizer.into_iter().map(|(_, array)| array).collect();
            Ok(weights::collect(network, (!optimizer.is_empty()).then_some(optimizer)))
        })
    }
}
