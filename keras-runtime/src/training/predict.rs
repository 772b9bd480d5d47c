//! Predicting: a network forward, batch after batch.

use keras_kernels::{Device, View};

use super::data::{Pick, fill};
use super::options_of_fit::PredictOptions;
use super::trainer::Walk;
use crate::callbacks::{Predicting, Progress};
use crate::engine::{Input, Network};
use crate::model::Port;
use crate::{Error, Result};

/// Turns a model with open dimensions to the shapes of the data.
pub(crate) fn bind(network: &mut Network, x: &[Port<'_>]) -> Result<()> {
    let inputs = &network.definition().inputs;
    let fits = |(input, port): (&Input, &Port<'_>)| input.spec.shape().same(&port.shape);
    if !network.has_source() || x.len() != inputs.len() || inputs.iter().zip(x).all(fits) {
        return Ok(());
    }
    let specs = inputs.iter().zip(x).map(|(input, port)| input.spec.with_shape(port.shape));
    let specs: Vec<_> = specs.collect();
    network.bind(&specs)
}

/// Refuses inputs that do not fit the model.
pub(crate) fn check_inputs(network: &Network, x: &[Port<'_>]) -> Result<()> {
    let inputs = &network.definition().inputs;
    if x.len() != inputs.len() {
        return Err(Error::Data(format!("the model has {} inputs, {} were given", inputs.len(), x.len())));
    }
    for (input, port) in inputs.iter().zip(x) {
        let (expected, found) = (input.spec.shape(), port.shape);
        if !expected.same(&found) {
            return Err(Error::Data(format!("input `{}` has shape {expected}, found {found}", input.name)));
        }
        if port.dtype.is_float() && !input.spec.dtype().is_float() {
            let (expected, found) = (input.spec.dtype(), port.dtype);
            return Err(Error::Data(format!("input `{}` takes {expected}, found {found}", input.name)));
        }
    }
    let n = x[0].len;
    match x.iter().find(|p| p.len != n) {
        Some(port) => Err(Error::Data(format!(
            "all inputs must have the same number of samples: the first has {n}, another {}",
            port.len
        ))),
        None => Ok(()),
    }
}

/// Takes a batch of an output: which output, its first sample, where it lies.
pub(crate) type Take<'t> = &'t mut (dyn FnMut(usize, usize, View, &Device) + Send);

/// What it takes to predict.
pub(crate) struct Predictor<'a> {
    pub network: &'a mut Network,
    pub walk: &'a dyn Walk,
    pub staging: &'a mut Vec<u8>,
}

impl Predictor<'_> {
    /// Predicts all samples, `batch` at a time. Allocates only the first time a batch size is seen.
    pub fn predict(&mut self, x: &[Port<'_>], batch: usize, take: Take<'_>) -> Result<()> {
        bind(self.network, x)?;
        check_inputs(self.network, x)?;
        let n = x[0].len;
        let mut from = 0;
        while from < n {
            let size = batch.min(n - from);
            self.batch(x, Pick::Run(from, size), from, take)?;
            from += size;
        }
        Ok(())
    }

    /// One batch; says which program computed it.
    fn batch(&mut self, x: &[Port<'_>], pick: Pick<'_>, first: usize, take: Take<'_>) -> Result<usize> {
        let network = &mut *self.network;
        let at = network.prepare(pick.len(), false)?;
        for (port, view) in x.iter().zip(&network.program(at).inputs) {
            fill(network.device(), port, pick, *view, self.staging);
        }
        network.forward(at, false, |run| self.walk.forward(run));
        for (i, view) in network.program(at).outputs.iter().enumerate() {
            take(i, first, *view, network.device());
        }
        Ok(at)
    }
}

/// A prediction that callbacks watch.
pub(crate) struct Watched<'c> {
    options: PredictOptions<'c>,
    steps: Option<usize>,
    stop: bool,
    step: usize,
}

impl<'c> Watched<'c> {
    /// With these options; `samples` where they are in memory.
    pub fn new(mut options: PredictOptions<'c>, samples: Option<usize>) -> Result<Self> {
        options.check(samples.is_some())?;
        let bar = Progress::of_evaluation(options.verbose);
        options.callbacks.extend(bar);
        let whole = samples.map(|samples| samples.div_ceil(options.batch_size.unwrap_or(BATCH)));
        let steps = whole.map_or(options.steps, |whole| Some(options.steps.map_or(whole, |s| s.min(whole))));
        Ok(Watched { options, steps, stop: false, step: 0 })
    }

    /// How many samples of `n` are predicted.
    pub fn samples(&self, n: usize) -> usize {
        self.options.steps.map_or(n, |steps| n.min(steps.saturating_mul(self.batch_size())))
    }

    /// At most so many batches.
    pub fn limit(&self) -> Option<usize> {
        self.options.steps
    }

    /// Whether a callback ended it.
    pub fn stopped(&self) -> bool {
        self.stop
    }

    fn batch_size(&self) -> usize {
        self.options.batch_size.unwrap_or(BATCH)
    }

    fn each(
        &mut self,
        network: &mut Network,
        outputs: &[View],
        mut hook: impl FnMut(&mut dyn crate::callbacks::Callback, &mut Predicting<'_>) -> Result<()>,
    ) -> Result<()> {
        let Watched { options, steps, stop, .. } = self;
        for callback in &mut options.callbacks {
            let mut at = Predicting { network, steps: *steps, stop, outputs };
            hook(&mut **callback, &mut at)?;
        }
        Ok(())
    }

    /// Before the first batch.
    pub fn begin(&mut self, network: &mut Network) -> Result<()> {
        self.each(network, &[], |callback, at| callback.on_predict_begin(at))
    }

    /// After the last batch.
    pub fn end(&mut self, network: &mut Network) -> Result<()> {
        self.each(network, &[], |callback, at| callback.on_predict_end(at))
    }

    /// Predicts samples in memory, all or as many batches as the options say; answers how many samples there were.
    pub fn predict(&mut self, with: &mut Predictor<'_>, x: &[Port<'_>], take: Take<'_>) -> Result<usize> {
        bind(with.network, x)?;
        check_inputs(with.network, x)?;
        let (n, batch) = (self.samples(x[0].len), self.batch_size());
        let mut from = 0;
        while from < n && !self.stop {
            let size = batch.min(n - from);
            self.batch(with, x, Pick::Run(from, size), from, take)?;
            from += size;
        }
        Ok(from)
    }

    /// Predicts a batch of a stream.
    pub fn whole(&mut self, with: &mut Predictor<'_>, x: &[Port<'_>], take: Take<'_>) -> Result<()> {
        bind(with.network, x)?;
        check_inputs(with.network, x)?;
        match x[0].len {
            0 => Ok(()),
            n => self.batch(with, x, Pick::Run(0, n), 0, take),
        }
    }

    fn batch(
        &mut self,
        with: &mut Predictor<'_>,
        x: &[Port<'_>],
        pick: Pick<'_>,
        first: usize,
        take: Take<'_>,
    ) -> Result<()> {
        let step = self.step;
        self.each(with.network, &[], |callback, at| callback.on_predict_batch_begin(step, at))?;
        let program = with.batch(x, pick, first, take)?;
        let outputs: Vec<View> = with.network.program(program).outputs.to_vec();
        self.step += 1;
        self.each(with.network, &outputs, |callback, at| callback.on_predict_batch_end(step, at))
    }
}

/// Samples of a batch without another number, as in Keras.
pub(crate) const BATCH: usize = 32;
