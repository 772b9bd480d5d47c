//! A model with its weights.

use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use keras_kernels::{Device, View};

use super::{Architecture, Compiled, DataFor, Ports, Summary};
use crate::engine::{Definition, Network, Run};
use crate::losses::Losses;
use crate::metrics::MetricsFor;
use crate::optimizers::Optimizer;
use crate::training::predict::predict;
use crate::training::{Trainer, Walk};
use crate::{Error, Result};

/// Seed of models that are made without one.
const SEED: u64 = 0;

/// Samples of a batch in `predict`, as in Keras.
const BATCH: usize = 32;

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
        Model { layers: M::Layers::from(network), staging: Vec::new() }
    }

    /// Weights and structure.
    pub fn network(&self) -> &Network {
        self.layers.as_ref()
    }

    /// Weights and structure, to change.
    pub fn network_mut(&mut self) -> &mut Network {
        self.layers.as_mut()
    }

    /// The model as a table, as Keras prints it, with the memory that a sample takes: `println!("{}", model.summary())`.
    pub fn summary(&self) -> Summary {
        Summary::new(self.network(), Some((M::PEAK, M::TRAIN_PEAK)))
    }

    /// What the model yields for each sample.
    ///
    /// # Errors
    /// If the device has too little memory.
    pub fn predict<X: DataFor<M::Input>>(&mut self, x: &X) -> Result<M::Output> {
        self.predict_batched(x, BATCH)
    }

    /// As [`Model::predict`], so many samples at a time (32 without). More are faster and take more memory.
    ///
    /// # Errors
    /// If the batch size is 0 or the device has too little memory.
    pub fn predict_batched<X: DataFor<M::Input>>(&mut self, x: &X, batch: usize) -> Result<M::Output> {
        let mut out = M::Output::room(x.samples());
        self.run(x, batch, &mut out)?;
        Ok(out)
    }

    /// As [`Model::predict`], into place that is there. Allocates nothing once a number of samples was seen.
    ///
    /// # Errors
    /// If `out` has place for another number of samples, or the device has too little memory.
    pub fn predict_into<X: DataFor<M::Input>>(&mut self, x: &X, out: &mut M::Output) -> Result<()> {
        if x.samples() != out.samples() {
            let (expected, found) = (x.samples(), out.samples());
            return Err(Error::Data(format!("there are {expected} samples, but place for {found} results")));
        }
        self.run(x, BATCH, out)
    }

    fn run<X>(&mut self, x: &X, batch: usize, out: &mut M::Output) -> Result<()>
    where
        X: DataFor<M::Input>,
    {
        let (network, staging) = (self.layers.as_mut(), &mut self.staging);
        let device = network.device().clone();
        // Ports are at most six: they lie on the stack.
        let inputs: [_; MAX_PORTS] = std::array::from_fn(|i| x.port(i.min(X::PORTS - 1)));
        let inputs = &inputs[..X::PORTS];
        let mut take = |i: usize, from: usize, view: View, device: &Device| {
            let bytes = view.size() * view.dtype().size();
            let start = from * (bytes / view.shape().dim(0).max(1));
            device.download(view, &mut out.port_mut(i)[start..start + bytes]);
        };
        let mut result = Ok(());
        device.install(&mut || {
            result = predict(network, &Generated::<M>(PhantomData), inputs, batch, staging, &mut take);
        });
        result
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
