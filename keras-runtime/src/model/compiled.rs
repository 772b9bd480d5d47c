//! A model that can be trained.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};

use super::model::Generated;
use super::{Architecture, DataFor, Model, Ports};
use crate::Result;
use crate::callbacks::Callback;
use crate::engine::Network;
use crate::losses::TakesLabels;
use crate::model::Port;
use crate::optimizers::OptimizerState;
use crate::training::{
    BatchPorts, CompileConfig, EvaluateOptions, FitOptions, History, Logs, Samples, Session, Source,
    TrainedModel, Trainer, Verbose, ports,
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

    fn session<T>(&mut self, work: impl FnOnce(&mut Session<'_>) -> T) -> T {
        let walk = Generated::<M>(PhantomData);
        let network = self.model.network_mut();
        work(&mut Session { network, trainer: &mut self.trainer, walk: &walk })
    }

    /// Trains on samples in memory: options by methods, then [`Fit::run`].
    pub fn fit<'a, X, Y>(&'a mut self, x: &'a X, y: &'a Y) -> Fit<'a, M, L>
    where
        X: DataFor<M::Input>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        let data = Data::Memory(Samples::new(ports(x), ports(y)));
        Fit { model: self, data, options: FitOptions::default() }
    }

    /// Trains on batches from an iterator, which runs on a thread of its own and stays a few batches ahead. An epoch is
    /// [`Fit::steps_per_epoch`] batches, or all there are.
    pub fn fit_batches<'a, X, Y, I>(&'a mut self, batches: I) -> Fit<'a, M, L>
    where
        X: DataFor<M::Input> + Send + 'static,
        Y: Ports + Send + 'static,
        I: IntoIterator<Item = (X, Y)>,
        I::IntoIter: Send + 'a,
        L: TakesLabels<M::Output, Y>,
    {
        let batches = batches.into_iter().map(|(x, y)| Box::new(Pair { x, y }) as Box<dyn BatchPorts>);
        Fit { model: self, data: Data::Stream(Box::new(batches)), options: FitOptions::default() }
    }

    /// Loss and metrics over all samples, 32 at a time.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn evaluate<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: DataFor<M::Input>,
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
        X: DataFor<M::Input>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.session(|s| s.evaluate(Samples::new(ports(x), ports(y)), options))
    }

    /// One step on one batch; returns its loss and metrics.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn train_on_batch<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: DataFor<M::Input>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.on_batch(x, y, true)
    }

    /// Loss and metrics of one batch.
    ///
    /// # Errors
    /// If there are no samples, or the device has too little memory.
    pub fn test_on_batch<X, Y>(&mut self, x: &X, y: &Y) -> Result<Logs>
    where
        X: DataFor<M::Input>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.on_batch(x, y, false)
    }

    fn on_batch<X: Ports, Y: Ports>(&mut self, x: &X, y: &Y, training: bool) -> Result<Logs> {
        let mut logs = Logs::new();
        let data = Samples::new(ports(x), ports(y));
        self.session(|s| s.on_batch(&data, training, false, &mut logs))?;
        Ok(logs)
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

struct Pair<X, Y> {
    x: X,
    y: Y,
}

impl<X: Ports + Send, Y: Ports + Send> BatchPorts for Pair<X, Y> {
    fn x(&self) -> Vec<Port<'_>> {
        ports(&self.x)
    }
    fn y(&self) -> Vec<Port<'_>> {
        ports(&self.y)
    }
}

enum Data<'a> {
    Memory(Samples<'a>),
    Stream(Box<dyn Iterator<Item = Box<dyn BatchPorts>> + Send + 'a>),
}

/// Batches that wait while a step runs.
const AHEAD: usize = 2;

/// A training run that was not started yet.
#[must_use = "training starts with `run`"]
pub struct Fit<'a, M: Architecture, L> {
    model: &'a mut Compiled<M, L>,
    data: Data<'a>,
    options: FitOptions<'a>,
}

impl<'a, M: Architecture, L> Fit<'a, M, L> {
    /// Epoch after the last (1).
    pub fn epochs(mut self, epochs: usize) -> Self {
        self.options.epochs = epochs;
        self
    }

    /// Samples of a batch (32).
    pub fn batch_size(mut self, batch_size: usize) -> Self {
        self.options.batch_size = batch_size;
        self
    }

    /// Whether samples come in another order in each epoch (true).
    pub fn shuffle(mut self, shuffle: bool) -> Self {
        self.options.shuffle = shuffle;
        self
    }

    /// This share of the samples, the last ones, is for validation.
    pub fn validation_split(mut self, split: f64) -> Self {
        self.options.validation_split = Some(split);
        self
    }

    /// Samples for validation.
    pub fn validation_data<X, Y>(mut self, x: &'a X, y: &'a Y) -> Self
    where
        X: DataFor<M::Input>,
        Y: Ports,
        L: TakesLabels<M::Output, Y>,
    {
        self.options.validation = Some((Samples::new(ports(x), ports(y)), 0));
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

    /// Validation every so many epochs (1).
    pub fn validation_freq(mut self, epochs: usize) -> Self {
        self.options.validation_freq = epochs;
        self
    }

    /// Weights of classes; a class that is not there has 1.
    pub fn class_weight(mut self, weights: &[(usize, f32)]) -> Self {
        self.options.class_weight = weights.to_vec();
        self
    }

    /// Weights of samples: one for each, or one for each row of the output.
    pub fn sample_weight(mut self, weights: &'a [f32]) -> Self {
        self.options.sample_weight = Some(weights);
        self
    }

    /// Epoch to start with (0).
    pub fn initial_epoch(mut self, epoch: usize) -> Self {
        self.options.initial_epoch = epoch;
        self
    }

    /// Steps of an epoch (as many as the samples make).
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
    /// If data or options do not fit, the device has too little memory, or a callback fails.
    pub fn run(self) -> Result<History> {
        let Fit { model, data, options } = self;
        match data {
            Data::Memory(samples) => model.session(|s| s.fit(Source::Memory(samples), options)),
            Data::Stream(batches) => std::thread::scope(|scope| {
                let (send, receive) = std::sync::mpsc::sync_channel(AHEAD);
                scope.spawn(move || {
                    for batch in batches {
                        // Training ended before the batches did.
                        if send.send(batch).is_err() {
                            break;
                        }
                    }
                });
                let mut next = move || receive.recv().ok();
                let result = model.session(|s| s.fit(Source::Stream(&mut next), options));
                // Frees the thread if it waits to hand a batch over.
                drop(next);
                result
            }),
        }
    }
}
