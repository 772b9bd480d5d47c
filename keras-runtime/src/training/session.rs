//! Training, evaluating and predicting with a network of any type.

use super::data::{Pick, Samples, shuffle};
use super::options_of_fit::{EvaluateOptions, FitOptions, Verbose};
use super::trainer::{Trainer, Walk};
use super::{CompileConfig, History, Logs, TrainedModel};
use crate::callbacks::{Callback, Progress, Training};
use crate::engine::Network;
use crate::model::Port;
use crate::optimizers::OptimizerState;
use crate::{Error, Result};

/// A network, how it is walked, and what trains it: what the typed model and models made at run time have in common.
pub struct Session<'a> {
    /// Weights and structure.
    pub network: &'a mut Network,
    /// Optimizer, losses, metrics.
    pub trainer: &'a mut Trainer,
    /// How calls are run.
    pub walk: &'a dyn Walk,
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
}

/// A batch that came from an iterator.
pub trait BatchPorts: Send {
    /// Inputs.
    fn x(&self) -> Vec<Port<'_>>;
    /// Labels.
    fn y(&self) -> Vec<Port<'_>>;
}

/// Where training data comes from.
pub enum Source<'a> {
    /// Samples in memory.
    Memory(Samples<'a>),
    /// Batches, one after the other.
    Stream(&'a mut (dyn FnMut() -> Option<Box<dyn BatchPorts>> + Send)),
}

/// The hooks of all callbacks, in order.
struct Hooks<'c> {
    callbacks: Vec<Box<dyn Callback + 'c>>,
    logs: Logs,
    stop: bool,
    epochs: usize,
    initial_epoch: usize,
    steps: Option<usize>,
}

macro_rules! hooks {
    ($($name:ident($($arg:ident)?)),*) => { $(
        fn $name(&mut self, session: &mut Session<'_>, $($arg: usize)?) -> Result<()> {
            self.each(session, |callback, at| callback.$name($($arg,)? at))
        }
    )* };
}

impl Hooks<'_> {
    fn each(
        &mut self,
        session: &mut Session<'_>,
        mut hook: impl FnMut(&mut dyn Callback, &mut Training<'_>) -> Result<()>,
    ) -> Result<()> {
        let Hooks { callbacks, logs, stop, epochs, initial_epoch, steps } = self;
        let (epochs, initial_epoch, steps) = (*epochs, *initial_epoch, *steps);
        for callback in callbacks {
            hook(
                &mut **callback,
                &mut Training { model: session, logs, stop, epochs, initial_epoch, steps },
            )?;
        }
        Ok(())
    }

    hooks!(
        on_train_end(),
        on_epoch_begin(epoch),
        on_epoch_end(epoch),
        on_train_batch_begin(batch),
        on_train_batch_end(batch),
        on_test_begin(),
        on_test_end(),
        on_test_batch_begin(batch),
        on_test_batch_end(batch)
    );
}

impl Session<'_> {
    /// Trains.
    ///
    /// # Errors
    /// If data or options do not fit, the device has too little memory, or a callback fails.
    pub fn fit<'s>(&mut self, source: Source<'s>, options: FitOptions<'s>) -> Result<History> {
        let device = self.network.device().clone();
        let mut result = None;
        let mut parts = Some((source, options));
        device.install(&mut || {
            if let Some((source, options)) = parts.take() {
                result = Some(self.fit_inside(source, options));
            }
        });
        result.unwrap_or_else(|| Err(Error::Argument("the device did not run the training".into())))
    }

    fn fit_inside<'s>(&mut self, mut source: Source<'s>, mut options: FitOptions<'s>) -> Result<History> {
        options.check()?;
        let mut validation = options.validation.take();
        let batch = options.batch_size;
        let mut order: Vec<u32> = Vec::new();
        if let Source::Memory(data) = &mut source {
            data.weights = options.sample_weight;
            data.class_weights = std::mem::take(&mut options.class_weight);
            data.check()?;
            let mut train = data.len();
            if let Some(split) = options.validation_split {
                train = ((data.len() as f64) * (1.0 - split)).floor() as usize;
                if train == 0 || train == data.len() {
                    let n = data.len();
                    return Err(Error::Argument(format!(
                        "`validation_split` of {split} leaves no samples on one side of {n}"
                    )));
                }
                validation = Some((Samples { class_weights: Vec::new(), ..data.clone() }, train));
            }
            if train == 0 {
                return Err(Error::Data("there are no samples to train on".into()));
            }
            if u32::try_from(data.len()).is_err() {
                return Err(Error::Data(
                    "more than 4,294,967,295 samples in memory; use `fit_batches`".into(),
                ));
            }
            order = (0..train as u32).collect();
            self.trainer.prepare(self.network, data, &sizes(train, batch), true)?;
        } else if options.validation_split.is_some()
            || options.sample_weight.is_some()
            || !options.class_weight.is_empty()
        {
            let message = "`validation_split`, `sample_weight` and `class_weight` need samples in memory";
            return Err(Error::Argument(message.into()));
        }
        if let Some((data, from)) = &validation {
            self.trainer.prepare(
                self.network,
                data,
                &sizes(data.len() - from, options.validation_batch()),
                false,
            )?;
        }
        if let Source::Memory(data) = &source {
            // Validation may have moved the arena.
            self.trainer.prepare(self.network, data, &sizes(order.len(), batch), true)?;
        }

        let whole = match &source {
            Source::Memory(_) => Some(order.len().div_ceil(batch)),
            Source::Stream(_) => None,
        };
        let steps = options.steps_per_epoch.or(whole);
        let mut callbacks = std::mem::take(&mut options.callbacks);
        if let Some(bar) = options.verbose.bar() {
            callbacks.push(Box::new(Progress::new(bar)));
        }
        let mut hooks = Hooks {
            callbacks,
            logs: Logs::new(),
            stop: false,
            epochs: options.epochs,
            initial_epoch: options.initial_epoch,
            steps,
        };
        let mut history = History::default();
        let mut first = options.initial_epoch;
        hooks.each(self, |callback, at| {
            first = callback.on_train_begin(at)?.unwrap_or(first);
            Ok(())
        })?;
        // Where the next batch in memory starts, when epochs are shorter or longer than the data.
        let mut cursor = order.len();
        let mut passes = first;
        for epoch in first..options.epochs {
            self.trainer.reset_metrics();
            hooks.logs.clear();
            hooks.on_epoch_begin(self, epoch)?;
            // Names now, so that steps only change numbers.
            if let Source::Memory(_) = source {
                self.trainer.logs("", &mut hooks.logs);
            }
            if options.steps_per_epoch.is_none() {
                (cursor, passes) = (order.len(), epoch);
            }
            let mut step = 0;
            while steps.is_none_or(|steps| step < steps) && !hooks.stop {
                match &mut source {
                    Source::Memory(data) => {
                        if cursor >= order.len() {
                            cursor = 0;
                            if options.shuffle {
                                shuffle(&mut order, self.network.seed(), passes);
                            }
                            passes += 1;
                        }
                        let to = (cursor + batch).min(order.len());
                        hooks.on_train_batch_begin(self, step)?;
                        let pick = Pick::List(&order[cursor..to]);
                        self.trainer.step(self.network, self.walk, data, pick, true);
                        cursor = to;
                    }
                    Source::Stream(next) => {
                        let Some(batch) = next() else { break };
                        let data = Samples::new(batch.x(), batch.y());
                        if data.is_empty() {
                            continue;
                        }
                        self.trainer.prepare(self.network, &data, &[data.len()], true)?;
                        hooks.on_train_batch_begin(self, step)?;
                        self.trainer.step(self.network, self.walk, &data, Pick::Run(0, data.len()), true);
                    }
                }
                self.trainer.logs("", &mut hooks.logs);
                hooks.on_train_batch_end(self, step)?;
                step += 1;
            }
            if step == 0 && !hooks.stop {
                if epoch == first {
                    return Err(Error::Data("the iterator gave no batches".into()));
                }
                // The iterator ran out: earlier epochs stand.
                break;
            }
            let due = (epoch + 1).is_multiple_of(options.validation_freq);
            if let (Some((data, from)), true) = (&validation, due) {
                let limit = options.validation_steps;
                let batch = options.validation_batch();
                self.evaluate_inside(data, *from, batch, limit, &mut hooks)?;
                self.trainer.logs("val_", &mut hooks.logs);
                if let Source::Memory(data) = &source {
                    self.trainer.prepare(
                        self.network,
                        data,
                        &sizes(order.len(), options.batch_size),
                        true,
                    )?;
                }
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

    fn evaluate_inside(
        &mut self,
        data: &Samples<'_>,
        from: usize,
        batch: usize,
        limit: Option<usize>,
        hooks: &mut Hooks<'_>,
    ) -> Result<()> {
        let n = data.len() - from;
        self.trainer.prepare(self.network, data, &sizes(n, batch), false)?;
        self.trainer.reset_metrics();
        hooks.on_test_begin(self)?;
        for step in 0..n.div_ceil(batch).min(limit.unwrap_or(usize::MAX)) {
            hooks.on_test_batch_begin(self, step)?;
            let at = from + step * batch;
            let pick = Pick::Run(at, batch.min(from + n - at));
            self.trainer.step(self.network, self.walk, data, pick, false);
            hooks.on_test_batch_end(self, step)?;
        }
        hooks.on_test_end(self)
    }

    /// Evaluates: loss and metrics over all samples.
    ///
    /// # Errors
    /// If data or options do not fit, or the device has too little memory.
    pub fn evaluate<'s>(&mut self, mut data: Samples<'s>, options: EvaluateOptions<'s>) -> Result<Logs> {
        data.weights = options.sample_weight;
        data.check()?;
        if data.is_empty() {
            return Err(Error::Data("there are no samples to evaluate on".into()));
        }
        if options.batch_size == 0 || options.steps == Some(0) {
            return Err(Error::Argument("`batch_size` and `steps` must be at least 1".into()));
        }
        let mut hooks = Hooks {
            callbacks: options.callbacks,
            logs: Logs::new(),
            stop: false,
            epochs: 0,
            initial_epoch: 0,
            steps: Some(data.len().div_ceil(options.batch_size)),
        };
        let device = self.network.device().clone();
        let mut result = Ok(());
        device.install(&mut || {
            result = self.evaluate_inside(&data, 0, options.batch_size, options.steps, &mut hooks);
        });
        result?;
        let mut logs = Logs::new();
        self.trainer.logs("", &mut logs);
        Ok(logs)
    }

    /// One step on one batch: training, or only measuring. Without `keep` the numbers are those of this batch alone.
    ///
    /// # Errors
    /// If the data does not fit, or the device has too little memory.
    pub fn on_batch(
        &mut self,
        data: &Samples<'_>,
        training: bool,
        keep: bool,
        logs: &mut Logs,
    ) -> Result<()> {
        if data.is_empty() {
            return Err(Error::Data("the batch has no samples".into()));
        }
        self.trainer.prepare(self.network, data, &[data.len()], training)?;
        if !keep {
            self.trainer.reset_metrics();
        }
        let device = self.network.device().clone();
        device.install(&mut || {
            self.trainer.step(self.network, self.walk, data, Pick::Run(0, data.len()), training);
        });
        self.trainer.logs("", logs);
        Ok(())
    }
}

/// Batch sizes that `n` samples fall into.
fn sizes(n: usize, batch: usize) -> Vec<usize> {
    let (full, rest) = (n / batch, n % batch);
    let full = (full > 0).then_some(batch);
    full.into_iter().chain((rest > 0).then_some(rest)).collect()
}

impl Verbose {
    /// Whether there is a report, and whether it is a moving bar.
    fn bar(self) -> Option<bool> {
        use std::io::IsTerminal;
        match self {
            Verbose::Auto => Some(std::io::stdout().is_terminal()),
            Verbose::Silent => None,
            Verbose::Bar => Some(true),
            Verbose::Line => Some(false),
        }
    }
}
