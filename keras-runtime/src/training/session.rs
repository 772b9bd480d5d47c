//! Training and evaluating with a network of any type.

use serde_json::Value;

use super::data::{Order, Pick, Samples};
use super::hooks::Hooks;
use super::options_of_fit::{EvaluateOptions, FitOptions, Validation};
use super::stream::{BatchPorts, Batches, MakeBatches, ahead};
use super::trainer::{Trainer, Walk};
use super::{CompileConfig, History, Logs, TrainedModel};
use crate::callbacks::Progress;
use crate::engine::Network;
use crate::optimizers::OptimizerState;
use crate::saving::Assets;
use crate::{Device, Error, Result, saving};

/// A network, how it is walked, and what trains it: what the typed model and models made at run time have in common.
pub struct Session<'a> {
    /// Weights and structure.
    pub network: &'a mut Network,
    /// Optimizer, losses, metrics.
    pub trainer: &'a mut Trainer,
    /// How calls are run.
    pub walk: &'a dyn Walk,
    /// The configuration of a model that was made at run time: dimensions may be open where the network has those of the data.
    pub config: Option<&'a Value>,
    /// Files that belong to it, which its own files carry along.
    pub assets: Option<&'a Assets>,
}

impl TrainedModel for Session<'_> {
    fn network(&self) -> &Network {
        self.network
    }
    fn network_mut(&mut self) -> &mut Network {
        self.network
    }
    fn optimizer(&self) -> &OptimizerState {
        &self.trainer.optimizer
    }
    fn optimizer_mut(&mut self) -> &mut OptimizerState {
        &mut self.trainer.optimizer
    }
    fn parts_mut(&mut self) -> (&mut Network, &mut OptimizerState) {
        (self.network, &mut self.trainer.optimizer)
    }
    fn compile_config(&self) -> CompileConfig {
        self.trainer.compile_config()
    }
    fn config(&self) -> Result<Value> {
        let compiled = saving::compile_json(&self.compile_config());
        match self.config {
            Some(config) => {
                let mut config = config.clone();
                config["compile_config"] = compiled;
                Ok(config)
            }
            None => saving::architecture(self.network.definition(), self.network.float(), compiled),
        }
    }
    fn assets(&self) -> Option<&Assets> {
        self.assets
    }
}

/// Where data comes from.
pub enum Source<'a> {
    /// Samples in memory.
    Memory(Samples<'a>),
    /// Batches, one after the other, for all epochs.
    Stream(Batches<'a>),
    /// Batches made anew for each epoch.
    Epochs(MakeBatches<'a>),
}

/// Batches of a stream, as a step takes them.
type Next<'n, 'b> = &'n mut (dyn FnMut() -> Result<Option<Box<dyn BatchPorts + 'b>>> + Send);

/// Runs the steps of an epoch and says how many there were.
type Epoch<'e, 's> = &'e mut dyn FnMut(&mut Session<'_>, usize, &mut Hooks<'s>) -> Result<usize>;

/// Calls `work`, whose largest piece is of about so many operations, where the device's kernels start fastest.
pub(crate) fn install<T: Send>(
    device: &Device,
    operations: usize,
    work: impl FnOnce() -> Result<T> + Send,
) -> Result<T> {
    let mut work = Some(work);
    let mut result = None;
    device.install(operations, &mut || result = work.take().map(|work| work()));
    result.unwrap_or_else(|| Err(Error::Argument("the device did not run the work".into())))
}

impl Session<'_> {
    /// Trains.
    ///
    /// # Errors
    /// If data or options do not fit, the device has too little memory, the batches' iterator fails, or a callback does.
    pub fn fit<'s>(&mut self, source: Source<'s>, options: FitOptions<'s>) -> Result<History> {
        let device = self.network.device().clone();
        install(&device, usize::MAX, || self.fit_inside(source, options))
    }

    fn fit_inside<'s>(&mut self, source: Source<'s>, mut options: FitOptions<'s>) -> Result<History> {
        options.check(matches!(source, Source::Memory(_)))?;
        let classes = std::mem::take(&mut options.class_weight);
        let mut hooks = Hooks::new(std::mem::take(&mut options.callbacks), options.steps_per_epoch);
        hooks.callbacks.extend(Progress::of(options.verbose));
        (hooks.epochs, hooks.initial_epoch) = (options.epochs, options.initial_epoch);
        match source {
            Source::Memory(data) => {
                let data = Samples { weights: std::mem::take(&mut options.sample_weight), ..data };
                self.fit_memory(&data, &classes, options, &mut hooks)
            }
            Source::Stream(batches) => {
                let first = self.begin(&mut options, &mut hooks)?;
                let steps = options.steps_per_epoch;
                let limit = steps.map(|steps| steps.saturating_mul(options.epochs.saturating_sub(first)));
                ahead(batches, limit, |next| {
                    self.epochs(first, &mut options, &mut hooks, &mut |session, _, hooks| {
                        session.stream_epoch(&mut *next, steps, &classes, hooks)
                    })
                })
            }
            Source::Epochs(mut make) => {
                let first = self.begin(&mut options, &mut hooks)?;
                let steps = options.steps_per_epoch;
                self.epochs(first, &mut options, &mut hooks, &mut |session, epoch, hooks| {
                    ahead(make(epoch), steps, |next| session.stream_epoch(next, steps, &classes, hooks))
                })
            }
        }
    }

    fn fit_memory<'s>(
        &mut self,
        data: &Samples<'s>,
        classes: &[(usize, f32)],
        mut options: FitOptions<'s>,
        hooks: &mut Hooks<'s>,
    ) -> Result<History> {
        let weighted = Samples { class_weights: classes, ..data.clone() };
        weighted.check()?;
        let mut train = data.len();
        if let Some(split) = options.validation_split {
            train = ((data.len() as f64) * (1.0 - split)).floor() as usize;
            if train == 0 || train == data.len() {
                let n = data.len();
                return Err(Error::Argument(format!(
                    "`validation_split` of {split} leaves no samples on one side of {n}"
                )));
            }
            options.validation = Some(Validation::Memory(data.clone(), train));
        }
        if train == 0 {
            return Err(Error::Data("there are no samples to train on".into()));
        }
        let count = u32::try_from(train).map_err(|_| {
            Error::Data("more than 4,294,967,295 samples in memory; use `fit_batches`".into())
        })?;
        let batch = options.batch_size();
        let sizes = sizes(train, batch);
        self.trainer.prepare(self.network, &weighted, &sizes, true)?;
        let whole = train.div_ceil(batch);
        let steps = *hooks.steps.get_or_insert(whole);
        let first = self.begin(&mut options, hooks)?;
        let mut order = Order::new(count, self.network.seed(), options.shuffle.unwrap_or(true));
        order.skip(first.saturating_mul(steps), batch);
        self.epochs(first, &mut options, hooks, &mut |session, _, hooks| {
            // Validation may have moved the arena.
            session.trainer.prepare(session.network, &weighted, &sizes, true)?;
            let mut step = 0;
            while step < steps && !hooks.stop {
                let pick = order.next(batch);
                hooks.on_train_batch_begin(session, step)?;
                session.trainer.step(session.network, session.walk, &weighted, pick, true);
                session.after_step(step, hooks)?;
                step += 1;
            }
            Ok(step)
        })
    }

    /// Prepares validation and calls the first hooks; says which epoch is the first.
    fn begin<'s>(&mut self, options: &mut FitOptions<'s>, hooks: &mut Hooks<'s>) -> Result<usize> {
        if let Some(Validation::Memory(data, from)) = &options.validation {
            let sizes = sizes(data.len() - from, options.validation_batch());
            self.trainer.prepare(self.network, data, &sizes, false)?;
        }
        let mut first = options.initial_epoch;
        hooks.each(self, |callback, at| {
            first = callback.on_train_begin(at)?.unwrap_or(first);
            Ok(())
        })?;
        Ok(first)
    }

    fn epochs<'s>(
        &mut self,
        first: usize,
        options: &mut FitOptions<'s>,
        hooks: &mut Hooks<'s>,
        run: Epoch<'_, 's>,
    ) -> Result<History> {
        let mut history = History::default();
        for epoch in first..options.epochs {
            self.trainer.reset_metrics();
            hooks.logs.clear();
            hooks.validated = options.validation.as_ref().map(|_| false);
            hooks.on_epoch_begin(self, epoch)?;
            // Names now, so that steps only change numbers.
            self.trainer.logs("", &mut hooks.logs);
            let steps = run(self, epoch, hooks)?;
            if steps == 0 && !hooks.stop {
                if epoch == first {
                    return Err(Error::Data("the iterator gave no batches".into()));
                }
                // The iterator ran out: earlier epochs stand.
                break;
            }
            // Without a number of steps the first epoch tells it.
            hooks.steps.get_or_insert(steps);
            let (batch, limit) = (options.validation_batch(), options.validation_steps);
            if let Some(validation) =
                options.validation.as_mut().filter(|_| options.validation_freq.due(epoch))
            {
                match validation {
                    Validation::Memory(data, from) => {
                        self.evaluate_memory(data, *from, batch, limit, hooks)?;
                    }
                    Validation::Stream(make) => self.evaluate_stream(make(epoch), limit, hooks)?,
                }
                hooks.validated = Some(true);
                self.trainer.logs("val_", &mut hooks.logs);
            }
            hooks.on_epoch_end(self, epoch)?;
            history.push(epoch, &hooks.logs);
            if hooks.stop {
                break;
            }
        }
        self.trainer.optimizer.finalize(self.network);
        hooks.on_train_end(self)?;
        Ok(history)
    }

    fn after_step(&mut self, step: usize, hooks: &mut Hooks<'_>) -> Result<()> {
        self.trainer.logs("", &mut hooks.logs);
        hooks.on_train_batch_end(self, step)
    }

    fn stream_epoch(
        &mut self,
        next: Next<'_, '_>,
        steps: Option<usize>,
        classes: &[(usize, f32)],
        hooks: &mut Hooks<'_>,
    ) -> Result<usize> {
        let mut step = 0;
        while steps.is_none_or(|steps| step < steps) && !hooks.stop {
            let Some(batch) = next()? else { break };
            let data = Samples { class_weights: classes, ..samples_of(&*batch, step)? };
            self.trainer.prepare(self.network, &data, &[data.len()], true)?;
            hooks.on_train_batch_begin(self, step)?;
            self.trainer.step(self.network, self.walk, &data, Pick::Run(0, data.len()), true);
            self.after_step(step, hooks)?;
            step += 1;
        }
        Ok(step)
    }

    /// Runs the steps of an evaluation between its hooks, which see its numbers.
    fn evaluation(
        &mut self,
        hooks: &mut Hooks<'_>,
        run: impl FnOnce(&mut Self, &mut Hooks<'_>) -> Result<()>,
    ) -> Result<()> {
        self.trainer.reset_metrics();
        hooks.test_logs.clear();
        std::mem::swap(&mut hooks.logs, &mut hooks.test_logs);
        hooks.on_test_begin(self)?;
        run(self, hooks)?;
        self.trainer.logs("", &mut hooks.logs);
        hooks.on_test_end(self)?;
        std::mem::swap(&mut hooks.logs, &mut hooks.test_logs);
        Ok(())
    }

    fn test_step(
        &mut self,
        data: &Samples<'_>,
        pick: Pick<'_>,
        step: usize,
        hooks: &mut Hooks<'_>,
    ) -> Result<()> {
        hooks.on_test_batch_begin(self, step)?;
        self.trainer.step(self.network, self.walk, data, pick, false);
        if hooks.callbacks.is_empty() {
            return Ok(());
        }
        self.trainer.logs("", &mut hooks.logs);
        hooks.on_test_batch_end(self, step)
    }

    fn evaluate_memory(
        &mut self,
        data: &Samples<'_>,
        from: usize,
        batch: usize,
        limit: Option<usize>,
        hooks: &mut Hooks<'_>,
    ) -> Result<()> {
        let n = data.len() - from;
        self.trainer.prepare(self.network, data, &sizes(n, batch), false)?;
        self.evaluation(hooks, |session, hooks| {
            for step in 0..n.div_ceil(batch).min(limit.unwrap_or(usize::MAX)) {
                if hooks.ends_evaluation() {
                    break;
                }
                let at = from + step * batch;
                session.test_step(data, Pick::Run(at, batch.min(from + n - at)), step, hooks)?;
            }
            Ok(())
        })
    }

    fn evaluate_stream(
        &mut self,
        batches: Batches<'_>,
        limit: Option<usize>,
        hooks: &mut Hooks<'_>,
    ) -> Result<()> {
        self.evaluation(hooks, |session, hooks| {
            ahead(batches, limit, |next| {
                let mut step = 0;
                while let Some(batch) = if hooks.ends_evaluation() { None } else { next()? } {
                    let data = samples_of(&*batch, step)?;
                    session.trainer.prepare(session.network, &data, &[data.len()], false)?;
                    session.test_step(&data, Pick::Run(0, data.len()), step, hooks)?;
                    step += 1;
                }
                match step {
                    0 => Err(Error::Data("the iterator gave no batches to evaluate on".into())),
                    _ => Ok(()),
                }
            })
        })
    }

    /// Evaluates: loss and metrics over all samples.
    ///
    /// # Errors
    /// If there are no samples, data or options do not fit, the device has too little memory, the batches' iterator fails, or a
    /// callback does.
    pub fn evaluate<'s>(&mut self, source: Source<'s>, options: EvaluateOptions<'s>) -> Result<Logs> {
        options.check(matches!(source, Source::Memory(_)))?;
        let batch = options.batch_size.unwrap_or(FitOptions::BATCH);
        let mut hooks = Hooks::new(options.callbacks, options.steps);
        hooks.callbacks.extend(Progress::of_evaluation(options.verbose));
        let device = self.network.device().clone();
        install(&device, usize::MAX, || match source {
            Source::Memory(data) => {
                let data = Samples { weights: options.sample_weight, ..data };
                data.check()?;
                if data.is_empty() {
                    return Err(Error::Data("there are no samples to evaluate on".into()));
                }
                let whole = data.len().div_ceil(batch);
                hooks.steps = Some(options.steps.map_or(whole, |steps| steps.min(whole)));
                self.evaluate_memory(&data, 0, batch, options.steps, &mut hooks)
            }
            Source::Stream(batches) => self.evaluate_stream(batches, options.steps, &mut hooks),
            Source::Epochs(mut make) => self.evaluate_stream(make(0), options.steps, &mut hooks),
        })?;
        let mut logs = Logs::new();
        self.trainer.logs("", &mut logs);
        Ok(logs)
    }

    /// One step on one batch: training, or only measuring. The numbers are those of this batch alone, as in Keras.
    ///
    /// # Errors
    /// If the batch is empty, the data does not fit, or the device has too little memory.
    pub fn on_batch(&mut self, data: &Samples<'_>, training: bool) -> Result<Logs> {
        if data.is_empty() {
            return Err(Error::Data("the batch has no samples".into()));
        }
        self.trainer.prepare(self.network, data, &[data.len()], training)?;
        self.trainer.reset_metrics();
        let device = self.network.device().clone();
        // Forward, and twice as much backward.
        let operations = self.network.operations(data.len()).saturating_mul(if training { 3 } else { 1 });
        device.install(operations, &mut || {
            self.trainer.step(self.network, self.walk, data, Pick::Run(0, data.len()), training);
        });
        let mut logs = Logs::new();
        self.trainer.logs("", &mut logs);
        Ok(logs)
    }
}

/// The samples of a batch of a stream.
fn samples_of<'b>(batch: &'b (dyn BatchPorts + '_), step: usize) -> Result<Samples<'b>> {
    let mut data = Samples::new(batch.x(), batch.y());
    data.weights = batch.weights().map(Some).into_iter().collect();
    if data.is_empty() {
        return Err(Error::Data(format!(
            "batch {step} of the iterator (counted from 0) has no samples: leave it out"
        )));
    }
    Ok(data)
}

/// Batch sizes that `n` samples fall into.
fn sizes(n: usize, batch: usize) -> Vec<usize> {
    let (full, rest) = (n / batch, n % batch);
    let full = (full > 0).then_some(batch);
    full.into_iter().chain((rest > 0).then_some(rest)).collect()
}
