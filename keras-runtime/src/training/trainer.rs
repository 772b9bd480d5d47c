//! One training step, one evaluation step: the same code for models in source and for models made at run time.

use keras_kernels::{DType, Mode};
use serde_json::{Value, json};

use super::data::{Pick, Samples, fill, gather};
use super::objective::{Objective, bytes_of, read_floats};
use super::penalties::Penalties;
use super::predict::bind;
use super::{CompileConfig, Logs};
use crate::engine::{Network, Run, walk_backward, walk_forward};
use crate::losses::Loss;
use crate::metrics::{Metric, Metrics, Values, WeightedMean};
use crate::optimizers::{Optimizer, OptimizerState};
use crate::{Error, Result};

/// How a network's calls are walked: by the code that `model!` generated, or call by call.
pub trait Walk: Sync {
    /// Runs all calls forward.
    fn forward(&self, run: &Run<'_>);
    /// Runs all calls backward.
    fn backward(&self, run: &Run<'_>);
}

/// The walk over a network whose model was made at run time.
pub struct Interpreted;

impl Walk for Interpreted {
    fn forward(&self, run: &Run<'_>) {
        walk_forward(run);
    }
    fn backward(&self, run: &Run<'_>) {
        walk_backward(run);
    }
}

/// What belongs to one output of the model.
pub(super) struct Output {
    pub name: String,
    pub loss: Option<Box<dyn Loss>>,
    weight: f64,
    pub metrics: Vec<Box<dyn Metric>>,
    pub weighted: Vec<Box<dyn Metric>>,
    mean: WeightedMean,
    host: Host,
}

/// An output's batch on the host: labels, predictions, weights of samples, shares of rows, the mask.
#[derive(Default)]
struct Host {
    labels: Vec<f32>,
    converted: Vec<f32>,
    predictions: Vec<f32>,
    weights: Vec<f32>,
    shares: Vec<f32>,
    mask: Vec<u8>,
}

/// A program with losses on its outputs.
struct Prepared {
    batch: usize,
    training: bool,
    program: usize,
    /// Which placement of the program the losses refer to.
    placement: u64,
    objectives: Vec<Option<Objective>>,
}

impl Prepared {
    /// Whether it is for steps of this size with the shapes that the network is bound to.
    fn is_for(&self, network: &Network, batch: usize, training: bool) -> bool {
        (self.batch, self.training) == (batch, training)
            && network.has_placement(self.program, self.placement)
            && network.is_bound_to(self.program)
    }
}

/// Optimizer, losses and metrics of a compiled model, and the buffers that a step needs.
pub struct Trainer {
    pub(crate) optimizer: OptimizerState,
    pub(super) outputs: Vec<Output>,
    loss_weights: Option<Vec<f64>>,
    prepared: Vec<Prepared>,
    penalties: Option<Penalties>,
    mean: WeightedMean,
    staging: Vec<u8>,
}

impl Trainer {
    /// An optimizer, and a loss and metrics for each output.
    pub fn new(
        optimizer: Box<dyn Optimizer>,
        losses: Vec<Option<Box<dyn Loss>>>,
        metrics: Vec<Metrics>,
    ) -> Trainer {
        let mut metrics = metrics.into_iter();
        let outputs = losses.into_iter().enumerate().map(|(at, loss)| {
            let Metrics { plain, weighted } = metrics.next().unwrap_or_default();
            let (name, mean, host) = (format!("output_{at}"), WeightedMean::default(), Host::default());
            Output { name, loss, weight: 1.0, metrics: plain, weighted, mean, host }
        });
        Trainer {
            optimizer: OptimizerState::new(optimizer),
            outputs: outputs.collect(),
            loss_weights: None,
            prepared: Vec::new(),
            penalties: None,
            mean: WeightedMean::default(),
            staging: Vec::new(),
        }
    }

    /// Weights of the losses, in the order of the outputs.
    pub fn set_loss_weights(&mut self, weights: &[f64]) {
        self.outputs.iter_mut().zip(weights).for_each(|(output, weight)| output.weight = *weight);
        self.loss_weights = Some(weights.to_vec());
    }

    /// The optimizer and its state.
    pub fn optimizer(&self) -> &OptimizerState {
        &self.optimizer
    }

    /// What `compile` was told.
    pub fn compile_config(&self) -> CompileConfig {
        let optimizer = self.optimizer.optimizer();
        let one_or_all = |mut all: Vec<Value>| if all.len() == 1 { all.remove(0) } else { json!(all) };
        let loss = |o: &Output| o.loss.as_ref().map_or(Value::Null, |loss| loss.to_json());
        let list =
            |metrics: &[Box<dyn Metric>]| json!(metrics.iter().map(|m| m.to_json()).collect::<Vec<_>>());
        let lists = |pick: &dyn Fn(&Output) -> &[Box<dyn Metric>]| {
            if self.outputs.iter().all(|o| pick(o).is_empty()) {
                return Value::Null;
            }
            one_or_all(self.outputs.iter().map(|o| list(pick(o))).collect())
        };
        CompileConfig {
            optimizer: crate::config::envelope(
                "keras.optimizers",
                optimizer.class_name(),
                Value::Object(optimizer.config()),
            ),
            loss: one_or_all(self.outputs.iter().map(loss).collect()),
            loss_weights: json!(self.loss_weights),
            metrics: lists(&|o| &o.metrics),
            weighted_metrics: lists(&|o| &o.weighted),
        }
    }

    /// Makes everything that steps with these batch sizes need, so that they allocate nothing.
    ///
    /// # Errors
    /// If data does not fit the model or a loss, or the device has too little memory.
    pub(crate) fn prepare(
        &mut self,
        network: &mut Network,
        data: &Samples<'_>,
        sizes: &[usize],
        training: bool,
    ) -> Result<()> {
        bind(network, &data.x)?;
        self.check(network, data)?;
        if training {
            // Gradients must be there before the optimizer and the penalties look for them.
            for size in sizes {
                network.prepare(*size, true)?;
            }
            self.optimizer.build(network)?;
        }
        if self.penalties.as_ref().is_none_or(|penalties| training && !penalties.can_train()) {
            self.penalties = Some(Penalties::new(network)?);
        }
        if self.optimizer.loss_scale() != 1.0 && self.penalties.as_ref().is_some_and(Penalties::on_outputs) {
            return Err(Error::Argument(
                "`loss_scale_factor` cannot go with activity regularizers here".into(),
            ));
        }
        // Penalties on outputs read values that only a training program keeps; so does their gradient.
        let keeps = training || self.penalties.as_ref().is_some_and(Penalties::on_outputs);
        for size in sizes {
            network.prepare(*size, keeps)?;
        }
        // A larger arena moves everything: losses are placed after all programs are. Those of programs that moved or are no
        // longer kept are placed again when they are asked for.
        self.prepared.retain(|p| network.has_placement(p.program, p.placement));
        for size in sizes {
            let program = network.prepare(*size, keeps)?;
            if !self.prepared.iter().any(|p| p.is_for(network, *size, training)) {
                let objectives = self.place(network, program, training)?;
                let placement = network.placement(program);
                self.prepared.push(Prepared { batch: *size, training, program, placement, objectives });
            }
        }
        let widest = sizes.iter().copied().max().unwrap_or(0);
        let inputs = &network.definition().inputs;
        let sample = inputs.iter().map(|i| i.spec.size() * 8).max().unwrap_or(0);
        self.staging.reserve(sample);
        self.make_room(network, data, widest);
        Ok(())
    }

    fn place(&self, network: &Network, program: usize, training: bool) -> Result<Vec<Option<Objective>>> {
        let program = network.program(program);
        let all = self.outputs.iter().enumerate().map(|(i, output)| {
            let gradient = program.output_grads[i].filter(|_| training);
            let place =
                |loss: &dyn Loss| Objective::new(network.device(), loss, program.outputs[i], gradient);
            output.loss.as_deref().map(place).transpose()
        });
        all.collect()
    }

    /// Room on the host for the widest batch.
    fn make_room(&mut self, network: &Network, data: &Samples<'_>, batch: usize) {
        let definition = network.definition();
        for (i, output) in self.outputs.iter_mut().enumerate() {
            let size = batch * definition.spec_of(definition.outputs[i].source).size();
            let labels = batch * data.y.get(i).map_or(0, |p| p.shape.size());
            let host = &mut output.host;
            let grow = |v: &mut Vec<f32>, n: usize| v.resize(v.len().max(n), 0.0);
            grow(&mut host.labels, labels);
            grow(&mut host.converted, labels);
            // Only metrics look at predictions here.
            let seen = output.metrics.len() + output.weighted.len() > 0;
            grow(&mut host.predictions, if seen { size } else { 0 });
            grow(&mut host.weights, batch * data.weights_of(i).map_or(1, |(_, per)| per));
            grow(&mut host.shares, size);
            host.mask.resize(host.mask.len().max(size), 0);
            if network.float() == DType::F64 {
                self.staging.reserve(size * 8);
            }
        }
    }

    /// Runs a step on the picked samples. [`Trainer::prepare`] came before. Allocates nothing.
    pub(crate) fn step(
        &mut self,
        network: &mut Network,
        walk: &dyn Walk,
        data: &Samples<'_>,
        pick: Pick<'_>,
        training: bool,
    ) {
        let batch = pick.len();
        let same = |p: &&Prepared| p.is_for(network, batch, training);
        let prepared = self.prepared.iter().find(same).expect("a step's batch size was prepared");
        let penalties = self.penalties.as_ref().expect("penalties were prepared");
        let at = prepared.program;
        let device = network.device().clone();
        for (port, view) in data.x.iter().zip(&network.program(at).inputs) {
            fill(&device, port, pick, *view, &mut self.staging);
        }
        network.forward(at, training, |run| walk.forward(run));

        let scale = self.optimizer.loss_scale();
        let mut total = 0.0;
        for (i, output) in self.outputs.iter_mut().enumerate() {
            let program = network.program(at);
            let view = program.outputs[i];
            let mask = program.output_masks[i];
            let host = &mut output.host;
            let labels = batch * data.y[i].shape.size();
            gather(&data.y[i], pick, &mut host.labels[..labels]);
            let weights = sample_weights(data, pick, i, host);
            let objective = prepared.objectives[i].as_ref();
            if let (Some(objective), Some(loss)) = (objective, &output.loss) {
                let rows = objective.geometry.rows();
                let shares = &mut host.shares[..rows];
                for (row, share) in shares.iter_mut().enumerate() {
                    *share = if weights == 0 { 1.0 } else { host.weights[row * weights / rows] };
                }
                let mut masked = false;
                if let Some(mask) = mask.filter(|m| rows.is_multiple_of(m.size())) {
                    let per = rows / mask.size();
                    device.download(mask, &mut host.mask[..mask.size()]);
                    (0..rows).rev().for_each(|row| host.mask[row] = host.mask[row / per]);
                    masked = true;
                }
                if let Some(class) = loss.ignored_class() {
                    for row in 0..rows {
                        let valid = u8::from(f64::from(host.labels[row]) != class);
                        host.mask[row] = if masked { host.mask[row] & valid } else { valid };
                    }
                    masked = true;
                }
                loss.common().reduction.shares(shares, masked.then_some(&host.mask[..rows]));
                let converted = loss.convert_labels(&host.labels[..labels], &mut host.converted[..labels]);
                let used = if converted { &host.converted[..labels] } else { &host.labels[..labels] };
                device.upload(bytes_of(used), objective.labels);
                device.upload(bytes_of(&host.shares[..rows]), objective.shares);
                let value = objective.run(&device, scale * output.weight);
                output.mean.add(value, batch as f64);
                total += value * output.weight;
            } else if let Some(grad) = program.output_grads[i].filter(|g| training && g.mode == Mode::Write) {
                device.fill(0.0, grad.view);
            }
            if output.metrics.is_empty() && output.weighted.is_empty() {
                continue;
            }
            read_floats(&device, view, &mut host.predictions[..view.size()], &mut self.staging);
            let labels = Values::new(&host.labels[..labels], data.y[i].shape.insert(0, batch));
            let predictions = Values::new(&host.predictions[..view.size()], view.shape());
            // As in Keras a mask alone does not weigh metrics: it only strikes out given weights.
            for metric in &mut output.metrics {
                metric.update(labels, predictions, None);
            }
            if let Some(mask) = mask.filter(|m| weights > 0 && m.size() == weights) {
                device.download(mask, &mut host.mask[..mask.size()]);
                let masked = host.weights.iter_mut().zip(&host.mask);
                masked.take(weights).for_each(|(weight, keep)| *weight *= f32::from(*keep != 0));
            }
            let weights = (weights > 0).then(|| &host.weights[..weights]);
            for metric in &mut output.weighted {
                metric.update(labels, predictions, weights);
            }
        }
        total += penalties.value(&device, network.program(at));
        self.mean.add(total, batch as f64);

        if training {
            network.backward(at, |run| walk.backward(run));
            penalties.add_gradients(&device, scale);
            self.optimizer.step(network);
            penalties.constrain(&device);
            network.weights_changed();
            network.next_step();
        }
    }

    /// Forgets the numbers of the last epoch.
    pub fn reset_metrics(&mut self) {
        self.mean = WeightedMean::default();
        for output in &mut self.outputs {
            output.mean = WeightedMean::default();
            output.metrics.iter_mut().chain(&mut output.weighted).for_each(|m| m.reset());
        }
    }

    /// The numbers so far, in the order of their names, each name with `prefix` before it.
    pub fn logs(&self, prefix: &str, logs: &mut Logs) {
        logs.set_all(prefix, |put| {
            put(&["loss"], self.mean.result());
            let several = self.outputs.len() > 1;
            for output in &self.outputs {
                if several && output.loss.is_some() {
                    put(&[&output.name, "_loss"], output.mean.result());
                }
                for metric in output.metrics.iter().chain(&output.weighted) {
                    if several {
                        put(&[&output.name, "_", metric.name()], metric.result());
                    } else {
                        put(&[metric.name()], metric.result());
                    }
                }
            }
        });
    }
}

/// Gathers the weights of the picked samples into `host.weights`; returns how many there are (0 for none).
fn sample_weights(data: &Samples<'_>, pick: Pick<'_>, output: usize, host: &mut Host) -> usize {
    let batch = pick.len();
    if let Some((all, per)) = data.weights_of(output) {
        for i in 0..batch {
            let at = pick.at(i);
            host.weights[i * per..(i + 1) * per].copy_from_slice(&all[at * per..(at + 1) * per]);
        }
        return batch * per;
    }
    if data.class_weights.is_empty() {
        return 0;
    }
    let width = data.y[output].shape.size().max(1);
    for i in 0..batch {
        let row = &host.labels[i * width..(i + 1) * width];
        let class = if width > 1 { crate::metrics::argmax(row) as f32 } else { row[0].round_ties_even() };
        let found = data.class_weights.iter().find(|(c, _)| *c as f32 == class);
        host.weights[i] = found.map_or(1.0, |(_, weight)| *weight);
    }
    batch
}
