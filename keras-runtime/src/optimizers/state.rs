//! An optimizer at work: its slots as flat buffers beside the weights, one pass a step.

use keras_kernels::optimizer::Before;
use keras_kernels::{DType, Grad};

use super::built::Built;
use super::{LearningRate, MAX_SCALARS, Optimizer, StepInfo};
use crate::engine::Network;
use crate::{Error, Result};

/// An optimizer with its state: iterations, learning rate, slots.
pub struct OptimizerState {
    pub(super) optimizer: Box<dyn Optimizer>,
    pub(super) iterations: u64,
    pub(super) learning_rate: f64,
    pub(super) extras: Vec<f64>,
    pub(super) built: Option<Built>,
}

impl OptimizerState {
    /// An optimizer that has taken no step.
    pub fn new(optimizer: Box<dyn Optimizer>) -> OptimizerState {
        let extras = optimizer.extras().into_iter().map(|(_, value)| value).collect();
        let learning_rate = match optimizer.settings().learning_rate {
            LearningRate::Constant(value) => value,
            LearningRate::Schedule(_) => f64::NAN,
        };
        OptimizerState { optimizer, iterations: 0, learning_rate, extras, built: None }
    }

    /// The rule.
    pub fn optimizer(&self) -> &dyn Optimizer {
        &*self.optimizer
    }

    /// Steps taken.
    pub fn iterations(&self) -> u64 {
        self.iterations
    }

    /// The learning rate of the next step.
    pub fn learning_rate(&self) -> f64 {
        match &self.optimizer.settings().learning_rate {
            LearningRate::Constant(_) => self.learning_rate,
            LearningRate::Schedule(schedule) => schedule.at(self.iterations),
        }
    }

    /// Sets the learning rate.
    ///
    /// # Errors
    /// If it follows a schedule.
    pub fn set_learning_rate(&mut self, learning_rate: f64) -> Result<()> {
        let settings = self.optimizer.settings_mut();
        if let LearningRate::Schedule(schedule) = &settings.learning_rate {
            return Err(Error::Argument(format!(
                "the learning rate follows {}, so it cannot be set; give the optimizer a number to change it",
                schedule.class_name()
            )));
        }
        settings.learning_rate = LearningRate::Constant(learning_rate);
        self.learning_rate = learning_rate;
        Ok(())
    }

    /// Whether the slots exist.
    pub fn is_built(&self) -> bool {
        self.built.is_some()
    }

    /// What the loss is multiplied by before its gradient is taken.
    pub fn loss_scale(&self) -> f64 {
        self.optimizer.settings().loss_scale_factor.unwrap_or(1.0)
    }

    /// Slots before those of the rule: the average, the accumulator.
    pub(super) fn own_slots(&self) -> Vec<&'static str> {
        let settings = self.optimizer.settings();
        let average = settings.use_ema.then_some("average");
        let accumulator = settings.gradient_accumulation_steps.map(|_| "gradient_accumulator");
        average.into_iter().chain(accumulator).collect()
    }

    /// Groups of slots in the order of a file.
    pub(super) fn groups(&self) -> Vec<Vec<&'static str>> {
        let own = self.own_slots().into_iter().map(|name| vec![name]);
        own.chain(self.optimizer.slots()).collect()
    }

    /// Makes the slots for a network's trainable weights, unless they exist. A training pass was prepared before.
    ///
    /// # Errors
    /// If options contradict each other, or the device has too little memory.
    pub fn build(&mut self, network: &Network) -> Result<()> {
        if self.built.is_none() {
            self.optimizer.settings().check(self.optimizer.class_name())?;
            let names: Vec<&str> = self.groups().into_iter().flatten().collect();
            self.built = Some(Built::new(network, &*self.optimizer, &names, self.own_slots().len())?);
        }
        Ok(())
    }

    /// Moves the weights along the gradients, which it may change. Allocates nothing.
    ///
    /// # Panics
    /// If it was not built.
    pub fn step(&mut self, network: &mut Network) {
        let mut learning_rate = self.learning_rate();
        if network.float() == DType::F32 {
            // Keras keeps it in 32 bits, and so do files: training that goes on from one takes the same steps.
            learning_rate = f64::from(learning_rate as f32);
        }
        let settings = self.optimizer.settings();
        let built = self.built.as_ref().expect("an optimizer is built before its first step");
        // As in Keras: where nothing is trained, no step is taken.
        if built.stretches.is_empty() {
            return;
        }
        let device = network.device();
        // Keras counts updates, not steps, where gradients accumulate.
        let updates = self.iterations / settings.gradient_accumulation_steps.unwrap_or(1);
        let mut scale = 1.0 / settings.loss_scale_factor.unwrap_or(1.0);
        let mut moves = true;
        if let Some(steps) = settings.gradient_accumulation_steps {
            moves = (self.iterations + 1).is_multiple_of(steps);
            built.accumulate(device, scale, moves);
            scale = 1.0 / steps as f64;
        }
        if moves {
            let mut scalars = [0.0; MAX_SCALARS];
            scalars[0] = learning_rate;
            let step = StepInfo { iterations: updates, learning_rate };
            self.optimizer.scalars(&step, &mut self.extras, &mut scalars);
            let positive = |bound: Option<f64>| bound.filter(|b| *b > 0.0);
            let clip = positive(settings.clipvalue).unwrap_or(f64::INFINITY);
            let decay = settings.weight_decay.unwrap_or(0.0) * learning_rate;
            if let Some(most) = positive(settings.global_clipnorm) {
                device.fill(0.0, built.norm);
                let all = built.stretches.iter();
                all.for_each(|stretch| stretch.add_squares(device, Grad::add(built.norm)));
                scale *= shrink(built.read_norm(device) * scale.abs(), most);
            }
            for (at, stretch) in built.stretches.iter().enumerate() {
                let mut before = Before { scale, clip, decay: if stretch.decays { decay } else { 0.0 } };
                if let Some(most) = positive(settings.clipnorm) {
                    stretch.add_squares(device, Grad::write(built.norm));
                    before.scale *= shrink(built.read_norm(device) * scale.abs(), most);
                }
                built.pass(device, at, &before, &scalars);
            }
        }
        if settings.use_ema {
            built.average(device, if updates == 0 { 0.0 } else { settings.ema_momentum });
            let due = |every: u64| (updates + 1).is_multiple_of(every);
            if settings.ema_overwrite_frequency.is_some_and(due) {
                built.overwrite(device);
            }
        }
        self.iterations += 1;
        network.weights_changed();
    }

    /// At the end of training: with `use_ema` the weights become their average.
    pub fn finalize(&mut self, network: &mut Network) {
        if let (true, Some(built)) = (self.optimizer.settings().use_ema, &self.built) {
            built.overwrite(network.device());
            network.weights_changed();
        }
    }
}

/// What a gradient of this norm is multiplied by, so that the norm is at most `most`. A norm that is not a number stays one.
fn shrink(norm: f64, most: f64) -> f64 {
    if norm <= most { 1.0 } else { most / norm }
}
