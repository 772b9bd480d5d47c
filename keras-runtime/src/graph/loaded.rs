//! A model from a file, ready to predict.

use std::path::Path;
use std::sync::Arc;

use keras_kernels::{DType, Device, MAX_RANK, Shape};
use serde_json::Value;

use super::{Blueprint, Slot, parse};
use crate::engine::{Flat, Handle, Network, walk_forward};
use crate::layers::Registry;
use crate::model::Port;
use crate::plan::Spec;
use crate::saving::{self, Array, Format, Group, Loading, OptimizerArrays, Saved, Weights, weights};
use crate::training::{Interpreted, Logs, Samples, Session, Trainer};
use crate::{Error, Result};

/// Samples that are predicted at once unless something else is asked for: Keras' own default.
const BATCH: usize = 32;

/// Numbers that stand for dimensions which data decides, where weights must be known before data comes: variables do not
/// depend on them, but a layer may not take small ones.
const PROBES: [usize; 5] = [32, 64, 256, 8, 1];

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

/// A model that was made at run time: same engine, same layers as a model in source, but shapes are checked when data comes.
pub struct LoadedModel {
    blueprint: Blueprint,
    config: Value,
    device: Device,
    /// Its variables until it is bound to shapes for the first time.
    unbound: Option<Weights>,
    /// Variables of its optimizer until it is compiled.
    optimizer: Option<Vec<Array>>,
    bound: Option<Bound>,
    trainer: Option<Trainer>,
}

/// A batch to train on: one array for each input and each output.
pub struct TrainingBatch<'a> {
    /// Inputs.
    pub x: &'a [Array],
    /// Labels.
    pub y: &'a [Array],
    /// Weights of samples, or of rows of the output.
    pub sample_weight: Option<&'a [f32]>,
    /// Weights of classes; a class that is not there has 1.
    pub class_weight: &'a [(usize, f32)],
}

/// The model for inputs of certain shapes.
struct Bound {
    inputs: Vec<Spec>,
    network: Network,
    layers: Vec<Handle>,
}

impl Bound {
    fn new(blueprint: &Blueprint, device: &Device, inputs: Vec<Spec>, values: &Weights) -> Result<Bound> {
        let definition = Arc::new(blueprint.bind(&inputs)?);
        // Memory is taken for no more numbers than the file has.
        if let Some(there) = values.numbers() {
            let needed = Flat::new(&definition).numbers();
            if needed > there {
                let message = format!("the model has {needed} numbers in its variables, the file {there}");
                return Err(Error::Data(message));
            }
        }
        let make = if matches!(values, Weights::Fresh) { Network::with_float } else { Network::blank };
        let mut network = make(definition, device.clone(), 0, blueprint.float)?;
        weights::apply(&mut network, values, Loading::new())?;
        let layers = network.layers();
        Ok(Bound { inputs, network, layers })
    }
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
        let blueprint = parse(&saved.config, registry)?;
        let known = blueprint.specs();
        let mut model = LoadedModel {
            blueprint,
            config: saved.config,
            device,
            optimizer: saved.weights.optimizer(),
            unbound: Some(saved.weights),
            bound: None,
            trainer: None,
        };
        if let Some(inputs) = known {
            model.bind(&inputs)?;
        }
        Ok(model)
    }

    /// The structure.
    pub fn blueprint(&self) -> &Blueprint {
        &self.blueprint
    }

    /// Names of the outputs, in order; not always distinct. A Sequential model's only output is `y`.
    pub fn output_names(&self) -> Vec<String> {
        if self.blueprint.sequential {
            return vec!["y".into()];
        }
        self.blueprint.outputs.iter().map(|(name, _)| name.clone()).collect()
    }

    /// The configuration as the file has it.
    pub fn config(&self) -> &Value {
        &self.config
    }

    /// The network, once the shapes of its inputs are known.
    pub fn network(&self) -> Option<&Network> {
        self.bound.as_ref().map(|bound| &bound.network)
    }

    /// Binds the model to inputs of these shapes; its variables stay what they are.
    ///
    /// # Errors
    /// If a layer cannot take them.
    pub fn bind(&mut self, inputs: &[Spec]) -> Result<()> {
        if self.bound.as_ref().is_some_and(|bound| bound.inputs == inputs) {
            return Ok(());
        }
        // Slots of the optimizer belong to one network: it is saved with the variables and made anew.
        if self.trainer.is_some() {
            self.optimizer = Some(self.optimizer_arrays().into_iter().map(|(_, array)| array).collect());
            self.trainer = None;
        }
        let collected = self.bound.as_ref().map(|bound| weights::collect(&bound.network, None).into());
        let Some(values) = collected.as_ref().or(self.unbound.as_ref()) else {
            return Err(Error::Argument("the model has no variables".into()));
        };
        self.bound = Some(Bound::new(&self.blueprint, &self.device, inputs.to_vec(), values)?);
        self.unbound = None;
        Ok(())
    }

    /// The model for some shapes of data, where only its variables are asked for.
    fn probe(&self) -> Result<Bound> {
        let Some(values) = self.unbound.as_ref().filter(|_| !self.blueprint.inputs.is_empty()) else {
            return Err(Error::Argument(
                "the model was never built: predict once, then its weights exist".into(),
            ));
        };
        let bind = |probe: usize| {
            let specs = self.blueprint.inputs.iter().map(|slot| {
                let dims: Vec<usize> = slot.dims.iter().map(|dim| dim.unwrap_or(probe)).collect();
                slot.bind(&dims)
            });
            Bound::new(&self.blueprint, &self.device, specs.collect::<Result<_>>()?, values)
        };
        let mut first = None;
        for probe in PROBES {
            match bind(probe) {
                Ok(bound) => return Ok(bound),
                Err(error) => first = first.or(Some(error)),
            }
        }
        Err(first.unwrap_or_else(|| Error::Argument("the model has no shapes".into())))
    }

    /// Brings arrays into the order of the model's inputs, by name; a single one may have any name.
    ///
    /// # Errors
    /// If one is missing or left over.
    pub fn arrange(&self, mut arrays: Vec<(String, Array)>) -> Result<Vec<Array>> {
        let names: Vec<&str> = match &self.blueprint.input_keys {
            // A dict's keys stand for its inputs, in the same order.
            Some(keys) if arrays.iter().any(|(name, _)| keys.contains(name)) => {
                keys.iter().map(String::as_str).collect()
            }
            _ => self.blueprint.inputs.iter().map(|slot| slot.name.as_str()).collect(),
        };
        if arrays.len() == 1 && names.len() <= 1 {
            return Ok(arrays.into_iter().map(|(_, array)| array).collect());
        }
        let found: Vec<String> = arrays.iter().map(|(name, _)| format!("`{name}`")).collect();
        let mut out = Vec::with_capacity(names.len());
        for name in &names {
            let at = arrays.iter().position(|(found, _)| found == name).ok_or_else(|| {
                Error::Data(format!("no data for input `{name}`: there is {}", found.join(", ")))
            })?;
            out.push(arrays.swap_remove(at).1);
        }
        match arrays.first() {
            Some((name, _)) => {
                Err(Error::Data(format!("`{name}` is not an input: these are {}", names.join(", "))))
            }
            None => Ok(out),
        }
    }

    /// Predicts: one array for each input, batch first; one array for each output.
    ///
    /// # Errors
    /// If the data does not fit.
    pub fn predict(&mut self, inputs: &[Array]) -> Result<Vec<Array>> {
        self.predict_in_batches(inputs, BATCH)
    }

    /// As [`LoadedModel::predict`], so many samples at once.
    ///
    /// # Errors
    /// If the data does not fit.
    pub fn predict_in_batches(&mut self, inputs: &[Array], batch: usize) -> Result<Vec<Array>> {
        let (inputs, specs, samples) = self.check(inputs)?;
        self.bind(&specs)?;
        let Some(bound) = &mut self.bound else {
            return Err(Error::Argument("the model is not bound".into()));
        };
        let mut outputs: Vec<Option<Array>> = vec![None; self.blueprint.outputs.len()];
        let mut from = 0;
        // Without samples one empty batch still tells the shapes.
        while from < samples || from == 0 {
            let count = batch.max(1).min(samples - from);
            let at = bound.network.prepare(count, false)?;
            for (input, view) in inputs.iter().zip(&bound.network.program(at).inputs) {
                samples_of(input, from, count).upload(&self.device, *view)?;
            }
            bound.network.forward(at, false, |run| walk_forward(&bound.layers, run));
            for (output, view) in outputs.iter_mut().zip(&bound.network.program(at).outputs) {
                let part = Array::download(&self.device, *view);
                match output {
                    None => *output = Some(part),
                    Some(whole) => append(whole, part),
                }
            }
            from += count.max(1);
        }
        Ok(outputs.into_iter().flatten().collect())
    }

    /// One training step, with the optimizer, losses and metrics that the file has; the optimizer goes on where it
    /// stopped. Returns the batch's own loss and metrics.
    ///
    /// # Errors
    /// If the model was saved uncompiled, or the data does not fit.
    pub fn train_on_batch(&mut self, batch: &TrainingBatch<'_>) -> Result<Logs> {
        let (x, specs, samples) = self.check(batch.x)?;
        self.bind(&specs)?;
        self.compile()?;
        let (Some(bound), Some(trainer)) = (&mut self.bound, &mut self.trainer) else {
            return Err(Error::Argument("the model is not bound".into()));
        };
        let x: Vec<Array> = x.iter().zip(&specs).map(|(array, spec)| array.converted(spec.dtype())).collect();
        let y = batch.y.iter().map(|array| array.converted(label_type(array)));
        let y: Vec<Array> = y.collect();
        let mut data = Samples::new(ports(&x, samples)?, ports(&y, samples)?);
        data.weights = batch.sample_weight.map(Some).into_iter().collect();
        data.class_weights = batch.class_weight;
        let walk = Interpreted::new(&bound.network);
        let mut session = Session { network: &mut bound.network, trainer, walk: &walk };
        session.on_batch(&data, true)
    }

    /// Makes optimizer, losses and metrics as the file says, unless they are there.
    fn compile(&mut self) -> Result<()> {
        if self.trainer.is_some() {
            return Ok(());
        }
        let compiled = self.config.get("compile_config").unwrap_or(&Value::Null);
        let names: Vec<String> = match &self.blueprint.output_keys {
            Some(keys) => keys.clone(),
            None => self.blueprint.outputs.iter().map(|(name, _)| name.clone()).collect(),
        };
        let mut trainer = super::compile::trainer(compiled, &names)?;
        if let (Some(bound), Some(values)) = (&mut self.bound, &self.optimizer) {
            saving::restore_optimizer(&mut bound.network, &mut trainer.optimizer, values)?;
        }
        self.optimizer = None;
        self.trainer = Some(trainer);
        Ok(())
    }

    /// The arrays with the ranks that the inputs have, their specs, and the number of samples.
    ///
    /// # Errors
    /// If they do not fit, or have different numbers of samples.
    pub fn check(&self, inputs: &[Array]) -> Result<(Vec<Array>, Vec<Spec>, usize)> {
        let slots = &self.blueprint.inputs;
        let expected = slots.len().max(1);
        if inputs.len() != expected {
            return Err(Error::Data(format!(
                "the model has {expected} inputs, {} arrays were given",
                inputs.len()
            )));
        }
        let mut arrays = Vec::with_capacity(inputs.len());
        let mut specs = Vec::with_capacity(inputs.len());
        let samples = inputs[0].shape.first().copied().unwrap_or(0);
        for (at, array) in inputs.iter().enumerate() {
            let free = Slot {
                name: "input_layer".into(),
                dims: vec![None; array.shape.len().saturating_sub(1)],
                dtype: array.stored.exact().filter(|d| !d.is_float()).unwrap_or(DType::F32),
            };
            let slot = slots.get(at).unwrap_or(&free);
            let array = with_rank_of(array.clone(), slot);
            if array.shape.first() != Some(&samples) {
                return Err(Error::Data(format!(
                    "input `{}` has {} samples, the first input {samples}",
                    slot.name,
                    array.shape.first().copied().unwrap_or(0)
                )));
            }
            specs.push(slot.bind(&array.shape[1..])?);
            arrays.push(array);
        }
        Ok((arrays, specs, samples))
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
        let bound = match &mut self.bound {
            Some(bound) => bound,
            None => probe.insert(self.probe()?),
        };
        let skipped = match &mut self.trainer {
            Some(trainer) => {
                saving::restore(&mut bound.network, &mut trainer.optimizer, &found, loading).map_err(fail)?
            }
            None => {
                let skipped = weights::apply(&mut bound.network, &found, loading).map_err(fail)?;
                if !loading.by_name && skipped.is_empty() {
                    self.optimizer = found.optimizer().or(self.optimizer.take());
                }
                skipped
            }
        };
        if let Some(probe) = probe {
            self.unbound = Some(weights::collect(&probe.network, None).into());
        }
        Ok(skipped)
    }

    /// Saves the model with its variables as they are now, in any format that holds a model (`.keras`, a folder, legacy
    /// `.h5`).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        let path = path.as_ref();
        // What was never bound is written as it was read.
        if let (Some(Weights::Tree(tree)), Format::Keras | Format::Folder) =
            (&self.unbound, Format::of(path)?)
        {
            return saving::write_tree(path, &self.config, tree);
        }
        self.with_network(|network, optimizer| saving::write(path, network, &self.config, optimizer))
    }

    /// Saves its variables, and those of its optimizer where the format has a place for them (`.weights.h5`,
    /// `.weights.json`, `.safetensors`, legacy `.h5`).
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        self.with_network(|network, optimizer| saving::write_weights(path, network, optimizer, None))
    }

    /// Saves its variables in files of at most `shard` bytes of numbers, with an index (`.weights.json`).
    ///
    /// # Errors
    /// If a file cannot be written, or a variable is larger than a shard.
    pub fn save_sharded_weights(&self, path: impl AsRef<Path>, shard: u64) -> Result<()> {
        self.with_network(|network, optimizer| saving::write_weights(path, network, optimizer, Some(shard)))
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

    fn with_network<T>(&self, work: impl FnOnce(&Network, OptimizerArrays) -> Result<T>) -> Result<T> {
        match &self.bound {
            Some(bound) => work(&bound.network, self.optimizer_arrays()),
            None => work(&self.probe()?.network, self.optimizer_arrays()),
        }
    }

    /// The variables of the optimizer: as they are now, or as the file had them.
    fn optimizer_arrays(&self) -> OptimizerArrays {
        match (&self.bound, &self.trainer) {
            (Some(bound), Some(trainer)) => saving::optimizer_arrays(&bound.network, &trainer.optimizer),
            _ => {
                let arrays = self.optimizer.iter().flatten().enumerate();
                arrays.map(|(at, array)| (format!("optimizer/{at}"), array.clone())).collect()
            }
        }
    }
}

/// Keras takes a missing last dimension of 1, and one too many.
fn with_rank_of(mut array: Array, slot: &Slot) -> Array {
    let rank = slot.dims.len() + 1;
    if array.shape.len() == rank + 1 && array.shape.last() == Some(&1) {
        array.shape.pop();
    } else if array.shape.len() + 1 == rank && slot.dims.last().is_some_and(|d| d.is_none_or(|d| d == 1)) {
        array.shape.push(1);
    }
    array
}

fn samples_of(array: &Array, from: usize, count: usize) -> Array {
    let size = array.shape[1..].iter().product::<usize>() * array.stored.size();
    let mut shape = array.shape.clone();
    shape[0] = count;
    Array {
        shape,
        stored: array.stored,
        bytes: array.bytes[from * size..(from + count) * size].to_vec().into(),
    }
}

/// The type that labels are given in: floats, or integers as they are.
fn label_type(array: &Array) -> DType {
    array.stored.exact().filter(|dtype| *dtype != DType::F64).unwrap_or(DType::F32)
}

fn ports(arrays: &[Array], samples: usize) -> Result<Vec<Port<'_>>> {
    arrays.iter().map(|array| port(array, samples)).collect()
}

fn port(array: &Array, samples: usize) -> Result<Port<'_>> {
    let (first, dims) = array.shape.split_first().unwrap_or((&0, &[]));
    let shape = Shape::try_of(dims).filter(|_| *first == samples && dims.len() < MAX_RANK);
    let shape = shape
        .ok_or_else(|| Error::Data(format!("labels of shape {:?} for {samples} samples", array.shape)))?;
    let dtype = array.stored.exact().unwrap_or(DType::F32);
    Ok(Port { bytes: &array.bytes, shape, dtype, len: samples })
}

fn append(whole: &mut Array, part: Array) {
    whole.shape[0] += part.shape[0];
    whole.bytes.to_mut().extend_from_slice(&part.bytes);
}
