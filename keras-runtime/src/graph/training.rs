//! Training and evaluating models that were made at run time: shapes are checked when data come.

use keras_kernels::{DType, MAX_RANK, Shape};
use serde_json::Value;

use super::LoadedModel;
use super::predict::unbound;
use crate::losses::Loss;
use crate::metrics::Metrics;
use crate::model::Port;
use crate::optimizers::Optimizer;
use crate::plan::Spec;
use crate::saving::{self, Array};
use crate::training::predict;
use crate::training::{
    EvaluateOptions, FitOptions, History, Interpreted, Logs, Samples, Session, Source, Trainer,
};
use crate::{Error, Result};

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

/// Losses of a model that was made at run time: one for all outputs, or a list with one for each (`None` for an output that
/// is not trained).
pub trait LossList {
    /// One for each of `outputs`.
    ///
    /// # Errors
    /// If there is another number of them.
    fn into_list(self, outputs: usize) -> Result<Vec<Option<Box<dyn Loss>>>>;
}

impl<L: Loss + 'static> LossList for L {
    fn into_list(self, outputs: usize) -> Result<Vec<Option<Box<dyn Loss>>>> {
        Ok((0..outputs).map(|_| Some(self.boxed())).collect())
    }
}

impl LossList for Vec<Option<Box<dyn Loss>>> {
    fn into_list(self, outputs: usize) -> Result<Vec<Option<Box<dyn Loss>>>> {
        if self.len() == outputs {
            return Ok(self);
        }
        let found = self.len();
        Err(Error::Argument(format!("the model has {outputs} outputs, {found} losses were given")))
    }
}

impl LoadedModel {
    /// Sets optimizer, losses and metrics, in place of those that the file had. Metrics are a list for each output; none for
    /// those that are left out.
    ///
    /// ```
    /// use keras_runtime::graph::Sequential;
    /// use keras_runtime::layers::Dense;
    /// use keras_runtime::losses::MeanSquaredError;
    /// use keras_runtime::optimizers::SGD;
    /// use keras_runtime::saving::Array;
    /// use keras_runtime::training::FitOptions;
    /// use keras_runtime::{DType, Device, metrics};
    ///
    /// let mut model = Sequential::new([1]).add(Dense::new(1)).build(Device::default())?;
    /// model.compile(SGD::new(0.1), MeanSquaredError::new(), [metrics![]])?;
    /// let x = Array::of(vec![4, 1], DType::F32, &[-1.0, 0.0, 1.0, 2.0]);
    /// let y = Array::of(vec![4, 1], DType::F32, &[-2.0, 0.0, 2.0, 4.0]);
    /// let history = model.fit(&[x], &[y], FitOptions { epochs: 50, ..FitOptions::default() })?;
    /// assert!(history["loss"][49] < 0.01);
    /// # Ok::<(), keras_runtime::Error>(())
    /// ```
    ///
    /// # Errors
    /// If there are more or fewer losses than outputs, or more lists of metrics.
    pub fn compile(
        &mut self,
        optimizer: impl Optimizer + 'static,
        losses: impl LossList,
        metrics: impl IntoIterator<Item = Metrics>,
    ) -> Result<()> {
        let outputs = self.blueprint.outputs.len();
        let metrics: Vec<Metrics> = metrics.into_iter().collect();
        if metrics.len() > outputs {
            let found = metrics.len();
            return Err(Error::Argument(format!(
                "the model has {outputs} outputs, {found} lists of metrics were given"
            )));
        }
        let trainer = Trainer::new(Box::new(optimizer), losses.into_list(outputs)?, metrics);
        self.write_compile_config(&trainer);
        (self.optimizer, self.trainer) = (None, Some(trainer));
        Ok(())
    }

    /// Weights of the losses, one for each output (1 without).
    ///
    /// # Errors
    /// If the model is not compiled, or there are more or fewer.
    pub fn set_loss_weights(&mut self, weights: &[f64]) -> Result<()> {
        let outputs = self.blueprint.outputs.len();
        if weights.len() != outputs {
            let found = weights.len();
            return Err(Error::Argument(format!("there are {found} loss weights for {outputs} outputs")));
        }
        self.compile_from_file()?;
        if let Some(trainer) = &mut self.trainer {
            trainer.set_loss_weights(weights);
        }
        if let Some(trainer) = self.trainer.take() {
            self.write_compile_config(&trainer);
            self.trainer = Some(trainer);
        }
        Ok(())
    }

    fn write_compile_config(&mut self, trainer: &Trainer) {
        if let Value::Object(config) = &mut self.config {
            config.insert("compile_config".into(), saving::compile_json(&trainer.compile_config()));
        }
    }

    /// Trains on arrays: one for each input and each output, all with the same number of samples.
    ///
    /// # Errors
    /// If the model is not compiled, data or options do not fit, or a callback fails.
    pub fn fit(&mut self, x: &[Array], y: &[Array], options: FitOptions<'_>) -> Result<History> {
        let mut made = None;
        let samples = self.samples(x, y, &mut made)?;
        self.session(|session| session.fit(Source::Memory(samples), options.shortened()))
    }

    /// Loss and metrics over all samples.
    ///
    /// # Errors
    /// If the model is not compiled, there are no samples, or data or options do not fit.
    pub fn evaluate(&mut self, x: &[Array], y: &[Array], options: EvaluateOptions<'_>) -> Result<Logs> {
        let mut made = None;
        let samples = self.samples(x, y, &mut made)?;
        self.session(|session| session.evaluate(Source::Memory(samples), options))
    }

    /// One training step, with the optimizer, losses and metrics that the file has; the optimizer goes on where it
    /// stopped. Returns the batch's own loss and metrics.
    ///
    /// # Errors
    /// If the model was saved uncompiled, or the data does not fit.
    pub fn train_on_batch(&mut self, batch: &TrainingBatch<'_>) -> Result<Logs> {
        let mut made = None;
        let mut samples = self.samples(batch.x, batch.y, &mut made)?;
        samples.weights = batch.sample_weight.map(Some).into_iter().collect();
        samples.class_weights = batch.class_weight;
        self.session(|session| session.on_batch(&samples, true))
    }

    /// Data as a model takes it: the arrays themselves if nothing about them must be changed, or else what is made of them. The
    /// model is bound to their shapes.
    pub(super) fn samples<'a>(
        &mut self,
        x: &'a [Array],
        y: &'a [Array],
        made: &'a mut Option<Prepared>,
    ) -> Result<Samples<'a>> {
        if self.reads(x) && y.iter().all(|array| array.is_ready(label_type(array))) {
            let samples = samples(x, y, x[0].shape[0])?;
            predict::bind(self.network.as_mut().ok_or_else(unbound)?, &samples.x)?;
            return Ok(samples);
        }
        made.insert(Prepared::new(self, x, y)?).samples()
    }

    fn session<T>(&mut self, work: impl FnOnce(&mut Session<'_>) -> Result<T>) -> Result<T> {
        self.compile_from_file()?;
        self.restore_optimizer()?;
        let (Some(network), Some(trainer)) = (&mut self.network, &mut self.trainer) else {
            return Err(unbound());
        };
        let config = Some(&self.config).filter(|config| config.is_object());
        let assets = Some(&self.assets);
        work(&mut Session { network, trainer, walk: &Interpreted, config, assets })
    }

    /// Makes optimizer, losses and metrics as the file says, unless they are there.
    fn compile_from_file(&mut self) -> Result<()> {
        if self.trainer.is_some() {
            return Ok(());
        }
        let compiled = self.config.get("compile_config").unwrap_or(&Value::Null);
        let names: Vec<String> = match &self.blueprint.output_keys {
            Some(keys) => keys.clone(),
            None => self.blueprint.outputs.iter().map(|(name, _)| name.clone()).collect(),
        };
        self.trainer = Some(super::compile::trainer(compiled, &names, &self.registry)?);
        Ok(())
    }

    /// Gives the optimizer the variables that wait for it, once there are both it and the weights.
    pub(super) fn restore_optimizer(&mut self) -> Result<()> {
        let (Some(network), Some(trainer)) = (&mut self.network, &mut self.trainer) else { return Ok(()) };
        let Some(values) = self.optimizer.take() else { return Ok(()) };
        saving::restore_optimizer(network, &mut trainer.optimizer, &values)
    }
}

/// Arrays in the element types that a model takes: what [`FitOptions::validation`] is made of.
///
/// ```
/// use keras_runtime::graph::{Prepared, Sequential};
/// use keras_runtime::layers::Dense;
/// use keras_runtime::saving::Array;
/// use keras_runtime::training::{FitOptions, Validation};
/// use keras_runtime::{DType, Device};
///
/// let mut model = Sequential::new([1]).add(Dense::new(1)).build(Device::default())?;
/// let array = Array::of(vec![2, 1], DType::F32, &[0.0, 1.0]);
/// let held_out = Prepared::new(&mut model, &[array.clone()], &[array])?;
/// let validation = Some(Validation::Memory(held_out.samples()?, 0));
/// let options = FitOptions { validation, ..FitOptions::default() };
/// # Ok::<(), keras_runtime::Error>(())
/// ```
pub struct Prepared {
    x: Vec<Array>,
    y: Vec<Array>,
    samples: usize,
}

impl Prepared {
    /// Checks the inputs and binds the model to their shapes.
    ///
    /// # Errors
    /// If the model cannot take them.
    pub fn new(model: &mut LoadedModel, x: &[Array], y: &[Array]) -> Result<Prepared> {
        let (x, specs, samples) = model.check(x)?;
        model.bind(&specs)?;
        let real = |spec: &Spec| model.real(spec.dtype());
        let x = x.iter().zip(&specs).map(|(array, spec)| array.converted(real(spec))).collect();
        let y = y.iter().map(|array| array.converted(label_type(array))).collect();
        Ok(Prepared { x, y, samples })
    }

    /// How many samples.
    pub fn len(&self) -> usize {
        self.samples
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.samples == 0
    }

    /// The samples.
    ///
    /// # Errors
    /// If there are not as many labels as inputs.
    pub fn samples(&self) -> Result<Samples<'_>> {
        samples(&self.x, &self.y, self.samples)
    }
}

fn samples<'a>(x: &'a [Array], y: &'a [Array], samples: usize) -> Result<Samples<'a>> {
    let ports = |arrays: &'a [Array]| arrays.iter().map(|array| port(array, samples)).collect::<Result<_>>();
    Ok(Samples::new(ports(x)?, ports(y)?))
}

/// The type that labels are given in: floats, or integers as they are.
fn label_type(array: &Array) -> DType {
    array.stored.exact().filter(|dtype| *dtype != DType::F64).unwrap_or(DType::F32)
}

pub(super) fn port(array: &Array, samples: usize) -> Result<Port<'_>> {
    let (first, dims) = array.shape.split_first().unwrap_or((&0, &[]));
    let shape = Shape::try_of(dims).filter(|_| *first == samples && dims.len() < MAX_RANK);
    let shape = shape
        .ok_or_else(|| Error::Data(format!("labels of shape {:?} for {samples} samples", array.shape)))?;
    let dtype = array.stored.exact().unwrap_or(DType::F32);
    Ok(Port { bytes: &array.bytes, shape, dtype, len: samples })
}
