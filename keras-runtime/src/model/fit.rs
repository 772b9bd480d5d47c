//! A training run and its options.

use super::stream::{IntoBatch, untyped};
use super::{Architecture, Compiled, Ports, Takes};
use crate::Result;
use crate::callbacks::Callback;
use crate::losses::TakesLabels;
use crate::training::{FitOptions, History, Samples, Source, Validation, ValidationFreq, Verbose, ports};

/// A training run that was not started yet.
#[must_use = "training starts with `run`"]
pub struct Fit<'a, M: Architecture, L> {
    pub(super) model: &'a mut Compiled<M, L>,
    pub(super) source: Source<'a>,
    pub(super) options: FitOptions<'a>,
}

impl<'a, M: Architecture, L> Fit<'a, M, L> {
    pub(super) fn new(model: &'a mut Compiled<M, L>, source: Source<'a>) -> Self {
        Fit { model, source, options: FitOptions::default() }
    }

    /// Epoch after the last (1).
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.options.epochs = epochs;
        self
    }

    /// Samples of a batch (32). Batches from an iterator have a size: for them it is an error.
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = Some(batch_size);
        self
    }

    /// Whether samples come in another order in each epoch (true). Batches from an iterator have an order: for them `true` is
    /// an error.
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = Some(shuffle);
        self
    }

    /// This share of the samples, the last ones, is for validation. For samples in memory.
    pub fn validation_split(mut self, split: f64) -> Self {
        self.options.validation_split = Some(split);
        self
    }

    /// Samples for validation.
    pub fn validation_data<X, Y>(mut self, x: &'a X, y: &'a Y) -> Self
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.options.validation = Some(Validation::Memory(Samples::new(ports(x), ports(y)), 0));
        self
    }

    /// Samples for validation with their weights.
    pub fn validation_data_weighted<X, Y>(self, x: &'a X, y: &'a Y, sample_weight: &'a [f32]) -> Self
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        let mut fit = self.validation_data(x, y);
        if let Some(Validation::Memory(data, _)) = &mut fit.options.validation {
            data.weights = vec![Some(sample_weight)];
        }
        fit
    }

    /// Batches for validation: each validation calls `make` with the epoch, counted from 0, for an iterator, which runs on a
    /// thread of its own. A validation takes [`Fit::validation_steps`] of them, or all.
    pub fn validation_batches<I>(mut self, mut make: impl FnMut(usize) -> I + Send + 'a) -> Self
    where
        I: IntoIterator<Item: IntoBatch<'a, M::Input, M::Output, L> + 'a>,
        I::IntoIter: Send + 'a,
    {
        self.options.validation = Some(Validation::Stream(Box::new(move |epoch| untyped(make(epoch)))));
        self
    }

    /// Batch size of validation (that of training).
    pub fn validation_batch_size(mut self, batch_size: usize) -> Self {
        self.options.validation_batch_size = Some(batch_size);
        self
    }

    /// At most so many batches of validation (all).
    pub fn validation_steps(mut self, steps: usize) -> Self {
        self.options.validation_steps = Some(steps);
        self
    }

    /// Validation after every so many epochs (1), or after given ones, counted from 1: `validation_freq([1, 5, 10])`. In
    /// other epochs the history has NaN.
    pub fn validation_freq(mut self, epochs: impl Into<ValidationFreq>) -> Self {
        self.options.validation_freq = epochs.into();
        self
    }

    /// Weights of classes; a class that is not there has 1. For models with one output.
    pub fn class_weight(mut self, weights: &[(usize, f32)]) -> Self {
        self.options.class_weight = weights.to_vec();
        self
    }

    /// Weights of samples: one for each, or one for each row of the output. The same for all outputs.
    pub fn sample_weight(mut self, weights: &'a [f32]) -> Self {
        self.options.sample_weight = vec![Some(weights)];
        self
    }

    /// Weights of samples for each output; an output without has 1.
    pub fn sample_weights<const N: usize>(mut self, weights: [Option<&'a [f32]>; N]) -> Self
    where
        M::Output: Ports,
    {
        const { assert!(N == <M::Output as Ports>::PORTS, "there is one list of weights for each output") };
        self.options.sample_weight = weights.to_vec();
        self
    }

    /// Epoch to start with (0).
    pub fn initial_epoch(mut self, epoch: usize) -> Self {
        self.options.initial_epoch = epoch;
        self
    }

    /// Steps of an epoch (as many as the samples make). Samples in memory start over when they run out, in another order;
    /// an epoch may end in the middle of them, and the next one goes on there.
    pub fn steps_per_epoch(mut self, steps: usize) -> Self {
        self.options.steps_per_epoch = Some(steps);
        self
    }

    /// What is printed (a bar on a terminal, otherwise a line for each epoch).
    pub fn verbose(mut self, verbose: Verbose) -> Self {
        self.options.verbose = verbose;
        self
    }

    /// One callback more. Give `&mut callback` to look at it afterwards.
    pub fn callback(mut self, callback: impl Callback + 'a) -> Self {
        self.options.callbacks.push(Box::new(callback));
        self
    }

    /// Trains.
    ///
    /// # Errors
    /// If data or options do not fit, the device has too little memory, an iterator of batches fails or panics, or a callback
    /// fails.
    pub fn run(self) -> Result<History> {
        let Fit { model, source, options } = self;
        model.session(|session| session.fit(source, options))
    }
}
