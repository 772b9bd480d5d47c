//! Learning rates as functions of the step.
//!
//! Source: <https://keras.io/api/optimizers/learning_rate_schedules/>.

use std::f64::consts::PI;

use serde_json::{Value, json};

use crate::config::{ConfigValue, config_or, config_required, envelope};
use crate::layer::Config;
use crate::losses::unknown_class;
use crate::registry::Origin;
use crate::{Error, Registry, Result};

/// A learning rate for each step.
///
/// ```
/// use keras_runtime::optimizers::schedules::{ExponentialDecay, LearningRateSchedule};
/// let schedule = ExponentialDecay::new(0.1, 100.0, 0.5);
/// assert_eq!(schedule.at(0), 0.1);
/// assert_eq!(schedule.at(100), 0.05);
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a learning rate",
    label = "expected a float, such as `1e-3`, or a schedule"
)]
pub trait LearningRateSchedule: Send + Sync + std::fmt::Debug {
    /// The learning rate of a step, counted from 0.
    fn at(&self, step: u64) -> f64;
    /// The class name, as Keras knows it.
    fn class_name(&self) -> &'static str;
    /// The configuration, as Keras writes it.
    fn config(&self) -> Config;
    /// A copy.
    fn boxed(&self) -> Box<dyn LearningRateSchedule>;
}

impl Clone for Box<dyn LearningRateSchedule> {
    fn clone(&self) -> Self {
        self.boxed()
    }
}

macro_rules! schedule {
    (
        $(#[$meta:meta])*
        $name:ident($($(#[$doc:meta])* $required:ident: $rt:ty),*) {
            $($(#[$odoc:meta])* $field:ident: $t:ty = $default:expr),* $(,)?
        }
        |$this:ident, $step:ident| $body:expr
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        pub struct $name { $($required: $rt,)* $($field: $t,)* }

        impl $name {
            /// With Keras' defaults for all options.
            pub fn new($($required: impl Into<$rt>),*) -> Self {
                $name { $($required: $required.into(),)* $($field: $default,)* }
            }
            $(
                $(#[$odoc])*
                #[must_use]
                pub fn $field(mut self, $field: impl Into<$t>) -> Self {
                    self.$field = $field.into();
                    self
                }
            )*
            fn from_config(config: &Config) -> Result<Self> {
                Ok($name {
                    $($required: config_required(config, stringify!($name), stringify!($required))?,)*
                    $($field: config_or(config, stringify!($name), stringify!($field), $default)?,)*
                })
            }
        }

        impl LearningRateSchedule for $name {
            fn at(&self, step: u64) -> f64 {
                let ($this, $step) = (self, step as f64);
                $body
            }
            fn class_name(&self) -> &'static str {
                stringify!($name)
            }
            fn config(&self) -> Config {
                let mut config = Config::new();
                $(config.insert(stringify!($required).into(), self.$required.to_json());)*
                $(config.insert(stringify!($field).into(), self.$field.to_json());)*
                config.insert("name".into(), json!(stringify!($name)));
                config
            }
            fn boxed(&self) -> Box<dyn LearningRateSchedule> {
                Box::new(self.clone())
            }
        }
    };
}

impl ConfigValue for Vec<f64> {
    fn to_json(&self) -> Value {
        json!(self)
    }
    fn from_json(json: &Value) -> Result<Self, String> {
        let list = json.as_array().and_then(|l| l.iter().map(Value::as_f64).collect());
        list.ok_or_else(|| "a list of numbers".into())
    }
}

schedule! {
    /// `initial * decay_rate ^ (step / decay_steps)`.
    ExponentialDecay(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) {
        /// Whether the exponent is rounded down (false).
        staircase: bool = false,
    }
    |this, step| {
        let p = step / this.decay_steps;
        this.initial_learning_rate * this.decay_rate.powf(if this.staircase { p.floor() } else { p })
    }
}

schedule! {
    /// `initial / (1 + decay_rate * step / decay_steps)`.
    InverseTimeDecay(initial_learning_rate: f64, decay_steps: f64, decay_rate: f64) {
        /// Whether the quotient is rounded down (false).
        staircase: bool = false,
    }
    |this, step| {
        let p = step / this.decay_steps;
        this.initial_learning_rate / (1.0 + this.decay_rate * if this.staircase { p.floor() } else { p })
    }
}

schedule! {
    /// `values[i]` up to and including step `boundaries[i]`, the last value after all of them.
    PiecewiseConstantDecay(boundaries: Vec<f64>, values: Vec<f64>) {}
    |this, step| {
        let at = this.boundaries.iter().take_while(|b| step > **b).count();
        this.values.get(at).or(this.values.last()).copied().unwrap_or(0.0)
    }
}

schedule! {
    /// From the initial rate to `end_learning_rate` along `(1 - step / decay_steps) ^ power`.
    PolynomialDecay(initial_learning_rate: f64, decay_steps: f64) {
        /// Where it ends (0.0001).
        end_learning_rate: f64 = 0.0001,
        /// Exponent (1).
        power: f64 = 1.0,
        /// Whether it starts again with a longer period (false).
        cycle: bool = false,
    }
    |this, step| {
        let (mut step, mut steps) = (step, this.decay_steps);
        if this.cycle {
            steps *= if step == 0.0 { 1.0 } else { (step / this.decay_steps).ceil() };
        } else {
            step = step.min(steps);
        }
        let range = this.initial_learning_rate - this.end_learning_rate;
        range * (1.0 - step / steps).powf(this.power) + this.end_learning_rate
    }
}

schedule! {
    /// Half a cosine down to `alpha` times the initial rate; before that, with a `warmup_target`, a line up to it.
    ///
    /// Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016.
    CosineDecay(initial_learning_rate: f64, decay_steps: f64) {
        /// Where it ends, as a share of where the cosine starts (0).
        alpha: f64 = 0.0,
        /// Where the warm-up leads (none).
        warmup_target: Option<f64> = None,
        /// How many steps the warm-up takes (0).
        warmup_steps: f64 = 0.0,
    }
    |this, step| {
        let decay = |step: f64, from: f64| {
            let cosine = 0.5 * (1.0 + (PI * step / this.decay_steps).cos());
            from * ((1.0 - this.alpha) * cosine + this.alpha)
        };
        match this.warmup_target {
            None => decay(step.min(this.decay_steps), this.initial_learning_rate),
            Some(target) => {
                let step = step.min(this.decay_steps + this.warmup_steps);
                if step < this.warmup_steps {
                    (target - this.initial_learning_rate) * (step / this.warmup_steps) + this.initial_learning_rate
                } else {
                    decay(step - this.warmup_steps, target)
                }
            }
        }
    }
}

schedule! {
    /// Half cosines again and again, each `t_mul` times as long and `m_mul` times as high as the one before.
    ///
    /// Source: Loshchilov and Hutter, "SGDR: Stochastic Gradient Descent with Warm Restarts", 2016.
    CosineDecayRestarts(initial_learning_rate: f64, first_decay_steps: f64) {
        /// Factor of the length (2).
        t_mul: f64 = 2.0,
        /// Factor of the height (1).
        m_mul: f64 = 1.0,
        /// Where each ends, as a share of the initial rate (0).
        alpha: f64 = 0.0,
    }
    |this, step| {
        let done = step / this.first_decay_steps;
        let (restarts, fraction) = if this.t_mul == 1.0 {
            (done.floor(), done - done.floor())
        } else {
            let restarts = ((1.0 - done * (1.0 - this.t_mul)).ln() / this.t_mul.ln()).floor();
            let before = (1.0 - this.t_mul.powf(restarts)) / (1.0 - this.t_mul);
            (restarts, (done - before) / this.t_mul.powf(restarts))
        };
        let cosine = 0.5 * this.m_mul.powf(restarts) * (1.0 + (PI * fraction).cos());
        this.initial_learning_rate * ((1.0 - this.alpha) * cosine + this.alpha)
    }
}

/// A schedule as Keras writes it.
pub fn to_json(schedule: &dyn LearningRateSchedule) -> Value {
    envelope("keras.optimizers.schedules", schedule.class_name(), Value::Object(schedule.config()))
}

/// The schedule that a file describes.
///
/// # Errors
/// If there is no such schedule, or an option cannot be honoured.
pub fn from_json(json: &Value, registry: &Registry) -> Result<Box<dyn LearningRateSchedule>> {
    let Some(origin) = Origin::of(json) else {
        return Err(Error::config("learning rate", "expected a number or a schedule"));
    };
    let empty = Config::new();
    let config = json.get("config").and_then(Value::as_object).unwrap_or(&empty);
    if let Some(make) = registry.schedule(&origin) {
        return make(config, registry);
    }
    if !origin.is_keras() {
        let message = unknown_class("register_schedule", "impl LearningRateSchedule");
        return Err(Error::config(format!("learning rate: {origin}"), message));
    }
    let class = origin.class;
    macro_rules! by_name {
        ($($name:ident),*) => {
            match class {
                $(stringify!($name) => Ok($name::from_config(config)?.boxed()),)*
                _ => Err(Error::config("learning rate", format!("there is no schedule `{class}` here"))),
            }
        };
    }
    by_name!(
        ExponentialDecay,
        InverseTimeDecay,
        PiecewiseConstantDecay,
        PolynomialDecay,
        CosineDecay,
        CosineDecayRestarts
    )
}
