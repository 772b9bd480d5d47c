//! A model that can be trained.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::fit::Fit;
use super::model::Generated;
use super::stream::{IntoBatch, untyped};
use super::{Architecture, Model, Ports, Takes};
use crate::Result;
use crate::engine::Network;
use crate::losses::TakesLabels;
use crate::optimizers::OptimizerState;
use crate::training::{
    BatchWeights, CompileConfig, EvaluateOptions, Logs, Samples, Session, Source, TrainedModel, Trainer,
    ports,
};

/// A model with an optimizer, a loss of type `L` and metrics: it can be trained and evaluated.
pub struct Compiled<M: Architecture, L> {
    model: Model<M>,
    trainer: Trainer,
    loss: PhantomData<fn() -> L>,
}

impl<M: Architecture, L> Compiled<M, L> {
    pub(crate) fn new(model: Model<M>, trainer: Trainer) -> Self {
        Compiled { model, trainer, loss: PhantomData }
    }

    /// Weights of the losses, one for each output (1 without).
    #[must_use]
    pub fn loss_weights<const N: usize>(mut self, weights: [f64; N]) -> Self
    where
        M::Output: Ports,
    {
        const { assert!(N == <M::Output as Ports>::PORTS, "there is one loss weight for each output") };
        self.trainer.set_loss_weights(&weights);
        self
    }

    /// The model without its optimizer.
    pub fn into_model(self) -> Model<M> {
        self.model
    }

    pub(super) fn session<T>(&mut self, work: impl FnOnce(&mut Session<'_>) -> T) -> T {
        let walk = Generated::<M>(PhantomData);
        let network = self.model.network_mut();
        work(&mut Session { network, trainer: &mut self.trainer, walk: &walk, config: None, assets: None })
    }

    /// Trains on samples in memory: options by methods, then [`Fit::run`].
    pub fn fit<'a, X, Y>(&'a mut self, x: &'a X, y: &'a Y) -> Fit<'a, M, L>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        Fit::new(self, Source::Memory(Samples::new(ports(x), ports(y))))
    }

    /// Trains on batches from an iterator, which runs on a thread of its own and stays two batches ahead: `(x, y)`, `(x, y,
    /// sample_weight)`, or a [`Result`] of one of them, whose error ends training.
    ///
    /// An epoch is [`Fit::steps_per_epoch`] batches, or all there are; training ends when the iterator does, and what was made
    /// ahead is lost then. With [`Fit::steps_per_epoch`] no more batches are taken than all epochs need. For an iterator that starts anew in
    /// each epoch see [`Compiled::fit_epochs`].
    pub fn fit_batches<'a, I>(&'a mut self, batches: I) -> Fit<'a, M, L>
    where
        I: IntoIterator<Item: IntoBatch<'a, M::Input, M::Output, L> + 'a>,
        I::IntoIter: Send + 'a,
    {
        Fit::new(self, Source::Stream(untyped(batches)))
    }

    /// As [`Compiled::fit_batches`], with an iterator for each epoch: `make` gets the epoch, counted from 0.
    pub fn fit_epochs<'a, I>(&'a mut self, mut make: impl FnMut(usize) -> I + Send + 'a) -> Fit<'a, M, L>
    where
        I: IntoIterator<Item: IntoBatch<'a, M::Input, M::Output, L> + 'a>,
        I::IntoIter: Send + 'a,
    {
        Fit::new(self, Source::Epochs(Box::new(move |epoch| untyped(make(epoch)))))
    }

    /// Loss and metrics over all samples, 32 at a time, with a progress bar on a terminal.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn evaluate<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.evaluate_with(x, y, EvaluateOptions::default())
    }

    /// As [`Compiled::evaluate`], with options.
    ///
    /// # Errors
    /// If there are no samples, options do not fit, or the device has too little memory.
    pub fn evaluate_with<'a, X, Y>(
        &mut self,
        x: &'a X,
        y: &'a Y,
        options: EvaluateOptions<'a>,
    ) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.session(|s| s.evaluate(Source::Memory(Samples::new(ports(x), ports(y))), options))
    }

    /// As [`Compiled::evaluate_with`], over batches from an iterator, which runs on a thread of its own: see
    /// [`Compiled::fit_batches`].
    ///
    /// # Errors
    /// If there are no batches, the iterator fails or panics, options do not fit, or the device has too little memory.
    pub fn evaluate_batches<'a, I>(&mut self, batches: I, options: EvaluateOptions<'a>) -> Result<Logs>
    where
        I: IntoIterator<Item: IntoBatch<'a, M::Input, M::Output, L> + 'a>,
        I::IntoIter: Send + 'a,
    {
        self.session(|s| s.evaluate(Source::Stream(untyped(batches)), options))
    }

    /// One step on one batch; returns its loss and metrics.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn train_on_batch<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.train_on_batch_with(x, y, BatchWeights::default())
    }

    /// As [`Compiled::train_on_batch`], with weights of samples or classes.
    ///
    /// # Errors
    /// If there are no samples, weights do not fit, or the device has too little memory.
    pub fn train_on_batch_with<X, Y>(&mut self, x: &X, y: &Y, weights: BatchWeights<'_>) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.on_batch(x, y, weights, true)
    }

    /// Loss and metrics of one batch.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn test_on_batch<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.test_on_batch_with(x, y, BatchWeights::default())
    }

    /// As [`Compiled::test_on_batch`], with weights of samples or classes.
    ///
    /// # Errors
    /// If there are no samples, weights do not fit, or the device has too little memory.
    pub fn test_on_batch_with<X, Y>(&mut self, x: &X, y: &Y, weights: BatchWeights<'_>) -> Result<Logs>
    where
        X: Ports,
        M::Input: Takes<X>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.on_batch(x, y, weights, false)
    }

    fn on_batch<X: Ports, Y: Ports>(
        &mut self,
        x: &X,
        y: &Y,
        weights: BatchWeights<'_>,
        training: bool,
    ) -> Result<Logs> {
        let BatchWeights { sample_weight, class_weight } = weights;
        let data = Samples { x: ports(x), y: ports(y), weights: sample_weight, class_weights: class_weight };
        self.session(|s| s.on_batch(&data, training))
    }
}

impl<M: Architecture, L> TrainedModel for Compiled<M, L> {
    fn network(&self) -> &Network {
        self.model.network()
    }
    fn network_mut(&mut self) -> &mut Network {
        self.model.network_mut()
    }
    fn optimizer(&self) -> &OptimizerState {
        &self.trainer.optimizer
    }
    fn optimizer_mut(&mut self) -> &mut OptimizerState {
        &mut self.trainer.optimizer
    }
    fn parts_mut(&mut self) -> (&mut Network, &mut OptimizerState) {
        (self.model.network_mut(), &mut self.trainer.optimizer)
    }
    fn compile_config(&self) -> CompileConfig {
        self.trainer.compile_config()
    }
}

impl<M: Architecture, L> Deref for Compiled<M, L> {
    type Target = Model<M>;
    fn deref(&self) -> &Model<M> {
        &self.model
    }
}

impl<M: Architecture, L> DerefMut for Compiled<M, L> {
    fn deref_mut(&mut self) -> &mut Model<M> {
        &mut self.model
    }
}
