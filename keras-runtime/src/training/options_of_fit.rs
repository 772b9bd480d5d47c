//! Options of `fit` and `evaluate`.

use super::data::Samples;
use crate::callbacks::Callback;
use crate::{Error, Result};

/// What is printed during training.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Verbose {
    /// A bar on a terminal, otherwise a line for each epoch.
    #[default]
    Auto,
    /// Nothing (0 in Keras).
    Silent,
    /// A bar (1).
    Bar,
    /// A line for each epoch (2).
    Line,
}

/// Options of `fit`, with Keras' defaults.
pub struct FitOptions<'a> {
    /// Epoch after the last (1).
    pub epochs: usize,
    /// Samples of a batch (32).
    pub batch_size: usize,
    /// Whether samples come in another order in each epoch (true).
    pub shuffle: bool,
    /// This share of the samples, the last ones, is for validation (none).
    pub validation_split: Option<f64>,
    /// Samples for validation, and the first of them.
    pub validation: Option<(Samples<'a>, usize)>,
    /// Batch size of validation (that of training).
    pub validation_batch_size: Option<usize>,
    /// At most so many batches of validation (all).
    pub validation_steps: Option<usize>,
    /// Validation every so many epochs (1).
    pub validation_freq: usize,
    /// Weights of classes.
    pub class_weight: Vec<(usize, f32)>,
    /// Weights of samples.
    pub sample_weight: Option<&'a [f32]>,
    /// Epoch to start with (0).
    pub initial_epoch: usize,
    /// Steps of an epoch (as many as the samples make).
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
            batch_size: 32,
            shuffle: true,
            validation_split: None,
            validation: None,
            validation_batch_size: None,
            validation_steps: None,
            validation_freq: 1,
            class_weight: Vec::new(),
            sample_weight: None,
            initial_epoch: 0,
            steps_per_epoch: None,
            verbose: Verbose::Auto,
            callbacks: Vec::new(),
        }
    }
}

impl FitOptions<'_> {
    pub(super) fn validation_batch(&self) -> usize {
        self.validation_batch_size.unwrap_or(self.batch_size)
    }

    /// Refuses what cannot be done.
    pub(super) fn check(&self) -> Result<()> {
        let refuse = |message: &str| Err(Error::Argument(message.into()));
        if self.batch_size == 0 || self.validation_batch_size == Some(0) {
            return refuse("`batch_size` must be at least 1");
        }
        if self.steps_per_epoch == Some(0) || self.validation_steps == Some(0) || self.validation_freq == 0 {
            return refuse("`steps_per_epoch`, `validation_steps` and `validation_freq` must be at least 1");
        }
        match self.validation_split {
            Some(split) if !(split > 0.0 && split < 1.0) => {
                Err(Error::Argument(format!("`validation_split` must be between 0 and 1, is {split}")))
            }
            Some(_) if self.validation.is_some() => {
                refuse("`validation_split` and `validation_data` cannot be given together")
            }
            _ => Ok(()),
        }
    }
}

/// Options of `evaluate`, with Keras' defaults.
pub struct EvaluateOptions<'a> {
    /// Samples of a batch (32).
    pub batch_size: usize,
    /// At most so many batches (all).
    pub steps: Option<usize>,
    /// Weights of samples.
    pub sample_weight: Option<&'a [f32]>,
    /// Callbacks, in the order in which they are called.
    pub callbacks: Vec<Box<dyn Callback + 'a>>,
}

impl Default for EvaluateOptions<'_> {
    fn default() -> Self {
        EvaluateOptions { batch_size: 32, steps: None, sample_weight: None, callbacks: Vec::new() }
    }
}
