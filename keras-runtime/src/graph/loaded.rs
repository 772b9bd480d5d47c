//! A model that was made at run time, bound to the shapes of data, ready to predict.

use std::sync::Arc;

use keras_kernels::{DType, Device};
use serde_json::{Value, json};

use super::{Blueprint, Slot};
use crate::engine::{Flat, KEPT_PLANS, Network, Structure};
use crate::plan::Spec;
use crate::saving::{self, Array, Assets, Loading, OptimizerArrays, Weights, weights};
use crate::training::Trainer;
use crate::{Error, Registry, Result};

/// Numbers that stand for dimensions which data decides, where weights must be known before data comes: variables do not
/// depend on them, but a layer may not take small ones.
const PROBES: [usize; 5] = [32, 64, 256, 8, 1];

/// A model that was made at run time: same engine, same layers as a model in source, but shapes are checked when data comes.
///
/// Data of other shapes (longer sequences, larger images) is planned for when it is seen for the first time; the plans of the
/// shapes that were seen last are kept ([`LoadedModel::keep_plans`]). Weights, optimizer, losses and metrics are the same for all.
pub struct LoadedModel {
    pub(super) blueprint: Arc<Blueprint>,
    pub(super) config: Value,
    device: Device,
    /// Fresh weights are a function of it.
    seed: u64,
    /// Its variables until it is bound to shapes for the first time.
    pub(super) unbound: Option<Weights>,
    /// Variables of its optimizer that it does not have yet: until it is compiled, and bound to shapes.
    pub(super) optimizer: Option<Vec<Array>>,
    pub(super) network: Option<Network>,
    pub(super) trainer: Option<Trainer>,
    /// Plans to keep, where that was told.
    kept: usize,
    /// What its file may name.
    pub(super) registry: Registry,
    /// Files of its layers.
    pub(super) assets: Assets,
    /// Room for a sample that is converted.
    pub(super) staging: Vec<u8>,
}

impl LoadedModel {
    /// A model that was written at run time, with fresh weights.
    pub(super) fn from_blueprint(blueprint: Blueprint, device: Device, seed: u64) -> Result<LoadedModel> {
        let mut model = LoadedModel::new(blueprint, Value::Null, Weights::Fresh, device, seed)?;
        if !model.blueprint.inputs.is_empty() {
            model.config = model.with_network(|network, _| model.written(network))?;
        }
        Ok(model)
    }

    pub(super) fn new(
        blueprint: Blueprint,
        config: Value,
        weights: Weights,
        device: Device,
        seed: u64,
    ) -> Result<LoadedModel> {
        let (known, optimizer, unbound) = (blueprint.specs(), weights.optimizer(), Some(weights));
        let mut model = LoadedModel {
            blueprint: Arc::new(blueprint),
            config,
            device,
            seed,
            unbound,
            optimizer,
            network: None,
            trainer: None,
            kept: KEPT_PLANS,
            registry: Registry::new(),
            assets: Assets::default(),
            staging: Vec::new(),
        };
        if let Some(inputs) = known {
            model.bind(&inputs)?;
        }
        Ok(model)
    }

    /// The configuration of a model that was written at run time: that of its network, with open dimensions.
    fn written(&self, network: &Network) -> Result<Value> {
        let mut config = saving::architecture(network.definition(), network.float(), json!({}))?;
        let layers = config["config"]["layers"].as_array_mut();
        let inputs = layers.into_iter().flatten().filter(|layer| layer["class_name"] == "InputLayer");
        for layer in inputs {
            let slot =
                self.blueprint.inputs.iter().find(|slot| layer["config"]["name"] == slot.name.as_str());
            if let Some(slot) = slot {
                let dims = slot.dims.iter().map(|dim| json!(dim));
                let shape: Vec<Value> = std::iter::once(Value::Null).chain(dims).collect();
                layer["config"]["batch_shape"] = json!(shape);
            }
        }
        Ok(config)
    }

    /// Numbers in all its variables that a file holds for it (`count_params` in Keras); `None` before it was built.
    pub fn count_params(&self) -> Option<usize> {
        let count = |network: &Network| network.variables().iter().map(|v| v.size()).sum();
        self.with_network(|network, _| Ok(count(network))).ok()
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
        self.network.as_ref()
    }

    /// Keeps plans for so many combinations of shapes, batch size, and training or not (at least 4; [`KEPT_PLANS`] unless it is
    /// told). The one that was not used for the longest time makes room for a new one. A plan takes memory in proportion to the
    /// number of layers, with a loss also to the batch's outputs.
    pub fn keep_plans(&mut self, most: usize) {
        self.kept = most;
        if let Some(network) = &mut self.network {
            network.keep_plans(most);
        }
    }

    /// Binds the model to inputs of these shapes; its variables stay what and where they are.
    ///
    /// # Errors
    /// If a layer cannot take them, or its weights would have other shapes.
    pub fn bind(&mut self, inputs: &[Spec]) -> Result<()> {
        if let Some(network) = &mut self.network {
            return network.bind(inputs);
        }
        let Some(values) = self.unbound.as_ref() else {
            return Err(Error::Argument("the model has no variables".into()));
        };
        let mut network = self.made(inputs, values)?;
        network.set_source(Arc::clone(&self.blueprint) as _);
        network.keep_plans(self.kept);
        if self.config.is_null() && self.blueprint.inputs.is_empty() {
            self.config = self.written(&network)?;
            if let (Some(trainer), Value::Object(config)) = (&self.trainer, &mut self.config) {
                config.insert("compile_config".into(), saving::compile_json(&trainer.compile_config()));
            }
        }
        (self.network, self.unbound) = (Some(network), None);
        Ok(())
    }

    /// Its network for inputs of these specs, with these variables.
    fn made(&self, inputs: &[Spec], values: &Weights) -> Result<Network> {
        let definition = Arc::new(self.blueprint.definition(inputs)?);
        // Memory is taken for no more numbers than the file has.
        if let Some(there) = values.numbers() {
            let needed = Flat::new(&definition).numbers();
            if needed > there {
                let message = format!("the model has {needed} numbers in its variables, the file {there}");
                return Err(Error::Data(message));
            }
        }
        let make = if matches!(values, Weights::Fresh) { Network::with_float } else { Network::blank };
        let mut network = make(definition, self.device.clone(), self.seed, self.blueprint.float)?;
        weights::apply(&mut network, values, Loading::new())?;
        Ok(network)
    }

    /// The model for some shapes of data, where only its variables are asked for.
    pub(super) fn probe(&self) -> Result<Network> {
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
            self.made(&specs.collect::<Result<Vec<_>>>()?, values)
        };
        let mut first = None;
        for probe in PROBES {
            match bind(probe) {
                Ok(network) => return Ok(network),
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

    pub(super) fn with_network<T>(
        &self,
        work: impl FnOnce(&Network, OptimizerArrays) -> Result<T>,
    ) -> Result<T> {
        match &self.network {
            Some(network) => work(network, self.optimizer_arrays()),
            None => work(&self.probe()?, self.optimizer_arrays()),
        }
    }

    /// The variables of the optimizer: as they are now, or as the file had them.
    pub(super) fn optimizer_arrays(&self) -> OptimizerArrays {
        match (&self.optimizer, &self.network, &self.trainer) {
            (None, Some(network), Some(trainer)) => saving::optimizer_arrays(network, &trainer.optimizer),
            (waiting, ..) => {
                let arrays = waiting.iter().flatten().enumerate();
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
