//! Options of `fit`, `evaluate` and `predict`, with Keras' defaults.

use super::data::Samples;
use super::stream::{BatchPorts, MakeBatches};
use crate::callbacks::Callback;
use crate::{Error, Result};

/// What is printed while a model works.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbose {
    /// A bar on a terminal. Otherwise training prints a line for each epoch, and evaluating and predicting nothing.
    #[default]
    Auto,
    /// Nothing (0 in Keras).
    Silent,
    /// A bar (1).
    Bar,
    /// A line for each epoch, evaluation or prediction (2).
    Line,
}

/// Samples for validation.
pub enum Validation<'a> {
    /// Samples in memory, from a number on.
    Memory(Samples<'a>, usize),
    /// Batches made anew for each validation.
    Stream(MakeBatches<'a>),
}

/// In which epochs validation runs.
///
/// ```
/// use keras_runtime::training::ValidationFreq;
/// assert_eq!(ValidationFreq::from(2), ValidationFreq::Every(2));
/// assert_eq!(ValidationFreq::from([1, 5, 10]), ValidationFreq::After(vec![1, 5, 10]));
/// ```
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ValidationFreq {
    /// After every so many.
    Every(usize),
    /// After these, counted from 1.
    After(Vec<usize>),
}

impl From<usize> for ValidationFreq {
    fn from(epochs: usize) -> Self {
        ValidationFreq::Every(epochs)
    }
}

impl<const N: usize> From<[usize; N]> for ValidationFreq {
    fn from(epochs: [usize; N]) -> Self {
        ValidationFreq::After(epochs.to_vec())
    }
}

impl ValidationFreq {
    /// Whether validation runs after this epoch, counted from 0.
    pub(super) fn due(&self, epoch: usize) -> bool {
        match self {
            ValidationFreq::Every(epochs) => (epoch + 1).is_multiple_of(*epochs),
            ValidationFreq::After(epochs) => epochs.contains(&(epoch + 1)),
        }
    }
}

/// Options of `fit`.
pub struct FitOptions<'a> {
    /// Epoch after the last (1).
    pub epochs: usize,
    /// Samples of a batch (32). Not for batches from an iterator.
    pub batch_size: Option<usize>,
    /// Whether samples come in another order in each epoch (true). Not for batches from an iterator.
    pub shuffle: Option<bool>,
    /// This share of the samples, the last ones, is for validation (none).
    pub validation_split: Option<f64>,
    /// Samples for validation (none).
    pub validation: Option<Validation<'a>>,
    /// Batch size of validation (that of training).
    pub validation_batch_size: Option<usize>,
    /// At most so many batches of validation (all).
    pub validation_steps: Option<usize>,
    /// In which epochs validation runs (all).
    pub validation_freq: ValidationFreq,
    /// Weights of classes.
    pub class_weight: Vec<(usize, f32)>,
    /// Weights of samples: none, the same for all outputs, or one list for each output.
    pub sample_weight: Vec<Option<&'a [f32]>>,
    /// Epoch to start with (0).
    pub initial_epoch: usize,
    /// Steps of an epoch (as many as the samples make). Samples in memory start over when they run out.
    pub steps_per_epoch: Option<usize>,
    /// What is printed (a bar on a terminal).
    pub verbose: Verbose,
    /// Callbacks, in the order in which they are called.
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
}

impl Default for FitOptions<'_> {
    fn default() -> Self {
        FitOptions {
            epochs: 1,
            batch_size: None,
            shuffle: None,
            validation_split: None,
            validation: None,
            validation_batch_size: None,
            validation_steps: None,
            validation_freq: ValidationFreq::Every(1),
            class_weight: Vec::new(),
            sample_weight: Vec::new(),
            initial_epoch: 0,
            steps_per_epoch: None,
            verbose: Verbose::Auto,
            callbacks: Vec::new(),
        }
    }
}

impl<'a> FitOptions<'a> {
    /// The same for data that does not live as long. Boxed iterators keep the compiler from seeing that by itself.
    pub(crate) fn shortened<'b>(self) -> FitOptions<'b>
    where
        'a: 'b,
    {
        let validation = self.validation.map(|validation| match validation {
            Validation::Memory(samples, from) => Validation::Memory(samples, from),
            Validation::Stream(mut make) => Validation::Stream(Box::new(move |pass| {
                Box::new(make(pass).map(|batch| batch.map(|batch| batch as Box<dyn BatchPorts + 'b>)))
            })),
        });
        FitOptions {
            epochs: self.epochs,
            batch_size: self.batch_size,
            shuffle: self.shuffle,
            validation_split: self.validation_split,
            validation,
            validation_batch_size: self.validation_batch_size,
            validation_steps: self.validation_steps,
            validation_freq: self.validation_freq,
            class_weight: self.class_weight,
            sample_weight: self.sample_weight,
            initial_epoch: self.initial_epoch,
            steps_per_epoch: self.steps_per_epoch,
            verbose: self.verbose,
            callbacks: self
                .callbacks
                .into_iter()
                .map(|callback| callback as Box<dyn Callback + 'b>)
                .collect(),
        }
    }
}

fn refuse<T>(message: impl Into<String>) -> Result<T> {
    Err(Error::Argument(message.into()))
}

/// Refuses a number that must not be 0.
fn at_least_one(name: &str, number: Option<usize>) -> Result<()> {
    if number == Some(0) { refuse(format!("`{name}` must be at least 1, is 0")) } else { Ok(()) }
}

/// Refuses an option that samples in memory have, and batches from an iterator have not.
fn only_in_memory(name: &str, given: bool, instead: &str) -> Result<()> {
    if given {
        return refuse(format!("`{name}` is for samples in memory; batches from an iterator {instead}"));
    }
    Ok(())
}

impl FitOptions<'_> {
    /// Samples of a batch without another number.
    pub(super) const BATCH: usize = 32;

    pub(super) fn batch_size(&self) -> usize {
        self.batch_size.unwrap_or(Self::BATCH)
    }

    pub(super) fn validation_batch(&self) -> usize {
        self.validation_batch_size.unwrap_or(self.batch_size())
    }

    /// Refuses what cannot be done.
    pub(super) fn check(&self, in_memory: bool) -> Result<()> {
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("validation_batch_size", self.validation_batch_size)?;
        at_least_one("steps_per_epoch", self.steps_per_epoch)?;
        at_least_one("validation_steps", self.validation_steps)?;
        if let ValidationFreq::Every(epochs) = self.validation_freq {
            at_least_one("validation_freq", Some(epochs))?;
        }
        if !in_memory {
            only_in_memory("batch_size", self.batch_size.is_some(), "have a size")?;
            only_in_memory("shuffle", self.shuffle == Some(true), "have an order")?;
            only_in_memory(
                "sample_weight",
                !self.sample_weight.is_empty(),
                "bring their weights: `(x, y, weights)`",
            )?;
            let split = self.validation_split.is_some();
            only_in_memory("validation_split", split, "go with `validation_data` or `validation_batches`")?;
        }
        let streams = matches!(self.validation, Some(Validation::Stream(_)));
        only_in_memory(
            "validation_batch_size",
            streams && self.validation_batch_size.is_some(),
            "have a size",
        )?;
        let validates = self.validation_split.is_some() || self.validation.is_some();
        let asked = self.validation_steps.is_some()
            || self.validation_batch_size.is_some()
            || self.validation_freq != ValidationFreq::Every(1);
        if asked && !validates {
            return refuse(
                "`validation_steps`, `validation_batch_size` and `validation_freq` need samples for validation: give \
                 `validation_split`, `validation_data` or `validation_batches`",
            );
        }
        match self.validation_split {
            Some(split) if !(split > 0.0 && split < 1.0) => {
                refuse(format!("`validation_split` must be between 0 and 1, is {split}"))
            }
            Some(_) if self.validation.is_some() => {
                refuse("`validation_split` and `validation_data` cannot be given together")
            }
            _ => Ok(()),
        }
    }
}

/// Options of `evaluate`.
#[derive(Default)]
pub struct EvaluateOptions<'a> {
    /// Samples of a batch (32). Not for batches from an iterator.
    pub batch_size: Option<usize>,
    /// At most so many batches (all).
    pub steps: Option<usize>,
    /// Weights of samples: none, the same for all outputs, or one list for each output. Batches from an iterator bring
    /// theirs.
    pub sample_weight: Vec<Option<&'a [f32]>>,
    /// What is printed (a bar on a terminal).
    pub verbose: Verbose,
    /// Callbacks, in the order in which they are called.
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
}

impl EvaluateOptions<'_> {
    /// Refuses what cannot be done.
    pub(super) fn check(&self, in_memory: bool) -> Result<()> {
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("steps", self.steps)?;
        only_in_memory("batch_size", !in_memory && self.batch_size.is_some(), "have a size")?;
        let weights = !in_memory && !self.sample_weight.is_empty();
        only_in_memory("sample_weight", weights, "bring their weights: `(x, y, weights)`")
    }
}

/// Options of `predict`.
pub struct PredictOptions<'a> {
    /// Samples of a batch (32). Not for batches from an iterator.
    pub batch_size: Option<usize>,
    /// At most so many batches (all).
    pub steps: Option<usize>,
    /// What is printed (nothing: predictions are often many and small).
    pub verbose: Verbose,
    /// Callbacks, in the order in which they are called: `on_predict_*`.
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
}

impl Default for PredictOptions<'_> {
    fn default() -> Self {
        PredictOptions { batch_size: None, steps: None, verbose: Verbose::Silent, callbacks: Vec::new() }
    }
}

impl PredictOptions<'_> {
    /// Refuses what cannot be done.
    pub(super) fn check(&self, in_memory: bool) -> Result<()> {
        at_least_one("batch_size", self.batch_size)?;
        at_least_one("steps", self.steps)?;
        only_in_memory("batch_size", !in_memory && self.batch_size.is_some(), "have a size")
    }
}

/// Weights of one training or test step.
#[derive(Clone, Default)]
pub struct BatchWeights<'a> {
    /// Weights of samples: none, the same for all outputs, or one list for each output.
    pub sample_weight: Vec<Option<&'a [f32]>>,
    /// Weights of classes; a class that is not there has 1.
    pub class_weight: &'a [(usize, f32)],
}
