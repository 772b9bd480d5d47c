//! A model with its weights.

use std::marker::PhantomData;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use keras_kernels::{Device, View};

use super::access::{Access, Place};
use super::{Architecture, Compiled, Ports, Takes};
use crate::engine::{Definition, Network, Run};
use crate::losses::Losses;
use crate::metrics::MetricsFor;
use crate::optimizers::Optimizer;
use crate::training::predict::{BATCH, Predictor, Watched};
use crate::training::{PredictOptions, Trainer, Walk, ahead, install, ports};
use crate::{Error, Result};

/// Seed of models that are made without one.
const SEED: u64 = 0;

/// Most inputs of a model.
const MAX_PORTS: usize = 6;

/// The code that `model!` generated for `M`.
pub(crate) struct Generated<M>(pub PhantomData<fn() -> M>);

impl<M: Architecture> Walk for Generated<M> {
    fn forward(&self, run: &Run<'_>) {
        M::forward(run, 0);
    }
    fn backward(&self, run: &Run<'_>) {
        M::backward(run, run.program.calls.len());
    }
}

/// A model with weights, which can predict. Dereferences to typed access to its layers; [`Model::compile`] makes it one that
/// can be trained.
pub struct Model<M: Architecture> {
    pub(crate) layers: M::Layers,
    staging: Vec<u8>,
}

impl<M: Architecture> Model<M> {
    /// With fresh weights, always the same ones; see [`Model::with_seed`].
    ///
    /// # Panics
    /// If the device has too little memory for the weights; [`Model::try_new`] tells.
    pub fn new(device: Device) -> Self {
        Model::with_seed(device, SEED)
    }

    /// With fresh weights that are a function of the seed, as are dropout and the order of samples.
    ///
    /// # Panics
    /// If the device has too little memory for the weights; [`Model::try_new`] tells.
    pub fn with_seed(device: Device, seed: u64) -> Self {
        match Model::try_new(device, seed) {
            Ok(model) => model,
            Err(error) => panic!("{error}"),
        }
    }

    /// As [`Model::with_seed`].
    ///
    /// # Errors
    /// If the device has too little memory for the weights.
    pub fn try_new(device: Device, seed: u64) -> Result<Self> {
        let network = Network::new(Arc::new(Definition::from_spec(M::GRAPH)), device, seed)?;
        Ok(Model::from_network(network))
    }

    /// A network whose definition is this model's.
    pub(crate) fn from_network(network: Network) -> Self {
        Model { layers: M::Layers::at(Place::root(network)), staging: Vec::new() }
    }

    /// Weights and structure.
    pub fn network(&self) -> &Network {
        self.layers.place().network()
    }

    /// Weights and structure, to change.
    pub fn network_mut(&mut self) -> &mut Network {
        self.layers.place_mut().network_mut()
    }

    /// What the model yields for each sample.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn predict<X: Ports>(&mut self, x: &X) -> Result<M::Output>
    where
        M::Input: Takes<X>,
    {
        self.predict_batched(x, BATCH)
    }

    /// As [`Model::predict`], so many samples at a time (32 without). More are faster and take more memory.
    ///
    /// # Errors
    /// If the batch size is 0 or the device has too little memory.
    pub fn predict_batched<X: Ports>(&mut self, x: &X, batch: usize) -> Result<M::Output>
    where
        M::Input: Takes<X>,
    {
        let mut out = M::Output::room(x.samples());
        self.run(x, batch, &mut out)?;
        Ok(out)
    }

    /// As [`Model::predict`], into place that is there. Allocates nothing once a number of samples was seen.
    ///
    /// # Errors
    /// If `out` has place for another number of samples, or the device has too little memory.
    pub fn predict_into<X: Ports>(&mut self, x: &X, out: &mut M::Output) -> Result<()>
    where
        M::Input: Takes<X>,
    {
        if x.samples() != out.samples() {
            let (expected, found) = (x.samples(), out.samples());
            return Err(Error::Data(format!("there are {expected} samples, but place for {found} results")));
        }
        self.run(x, BATCH, out)
    }

    /// As [`Model::predict`] for all samples as one batch.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn predict_on_batch<X: Ports>(&mut self, x: &X) -> Result<M::Output>
    where
        M::Input: Takes<X>,
    {
        self.predict_batched(x, x.samples().max(1))
    }

    /// As [`Model::predict`], with options: batch size, number of batches, a progress bar, callbacks.
    ///
    /// # Errors
    /// If options do not fit, the device has too little memory, or a callback fails.
    pub fn predict_with<X: Ports>(&mut self, x: &X, options: PredictOptions<'_>) -> Result<M::Output>
    where
        M::Input: Takes<X>,
    {
        let mut watched = Watched::new(options, Some(x.samples()))?;
        let mut out = M::Output::room(watched.samples(x.samples()));
        let done = self.watch(usize::MAX, |with| {
            watched.begin(with.network)?;
            let done = watched.predict(with, &ports(x), &mut taking(&mut out))?;
            watched.end(with.network)?;
            Ok(done)
        })?;
        // A callback may have ended it.
        out.truncate(done);
        Ok(out)
    }

    /// What the model yields for the batches of an iterator, which runs on a thread of its own and stays two batches ahead.
    ///
    /// # Errors
    /// If the iterator panics, options do not fit, the device has too little memory, or a callback fails.
    pub fn predict_batches<X, I>(&mut self, batches: I, options: PredictOptions<'_>) -> Result<M::Output>
    where
        X: Ports,
        M::Input: Takes<X>,
        I: IntoIterator<Item = X>,
        I::IntoIter: Send,
    {
        let mut watched = Watched::new(options, None)?;
        let mut all = M::Output::room(0);
        let (limit, batches) = (watched.limit(), batches.into_iter().map(Ok));
        self.watch(usize::MAX, |with| {
            watched.begin(with.network)?;
            ahead(batches, limit, |next| -> Result<()> {
                while let Some(x) = if watched.stopped() { None } else { next()? } {
                    let mut out = M::Output::room(x.samples());
                    watched.whole(with, &ports(&x), &mut taking(&mut out))?;
                    all.append(out);
                }
                Ok(())
            })?;
            watched.end(with.network)
        })?;
        Ok(all)
    }

    fn run<X>(&mut self, x: &X, batch: usize, out: &mut M::Output) -> Result<()>
    where
        X: Ports,
        M::Input: Takes<X>,
    {
        if batch == 0 {
            return Err(Error::Argument("`batch_size` must be at least 1, is 0".into()));
        }
        // Ports are at most six: they lie on the stack.
        let inputs: [_; MAX_PORTS] = std::array::from_fn(|i| x.port(i.min(X::PORTS - 1)));
        let operations = self.network().operations(x.samples().min(batch));
        self.watch(operations, |with| with.predict(&inputs[..X::PORTS], batch, &mut taking(out)))
    }

    /// Calls `work`, whose largest piece is of about so many operations, where the device's kernels start fastest.
    fn watch<T: Send>(
        &mut self,
        operations: usize,
        work: impl FnOnce(&mut Predictor<'_>) -> Result<T> + Send,
    ) -> Result<T> {
        let (network, staging) = (self.layers.place_mut().network_mut(), &mut self.staging);
        let device = network.device().clone();
        let walk = &Generated::<M>(PhantomData);
        install(&device, operations, || work(&mut Predictor { network, walk, staging }))
    }

    /// Makes it trainable: an optimizer, a loss (a tuple for several outputs), metrics.
    pub fn compile<L, Ms>(self, optimizer: impl Optimizer + 'static, loss: L, metrics: Ms) -> Compiled<M, L>
    where
        L: Losses<M::Output>,
        Ms: MetricsFor<M::Output>,
    {
        let losses = loss.into_losses().into_iter().map(Some).collect();
        Compiled::new(self, Trainer::new(Box::new(optimizer), losses, metrics.into_lists()))
    }
}

impl<M: Architecture> Deref for Model<M> {
    type Target = M::Layers;
    fn deref(&self) -> &M::Layers {
        &self.layers
    }
}

impl<M: Architecture> DerefMut for Model<M> {
    fn deref_mut(&mut self) -> &mut M::Layers {
        &mut self.layers
    }
}

/// Puts each batch of each output where it belongs.
fn taking<P: Ports>(out: &mut P) -> impl FnMut(usize, usize, View, &Device) + Send + '_ {
    move |i, from, view, device| {
        let bytes = view.size() * view.dtype().size();
        let start = from * (bytes / view.shape().dim(0).max(1));
        device.download(view, &mut out.port_mut(i)[start..start + bytes]);
    }
}
