//! What all optimizers have in common.

use serde_json::{Value, json};

use super::schedules::{self, LearningRateSchedule};
use crate::config::config_or;
use crate::layer::Config;
use crate::{Error, Registry, Result};

/// A learning rate: a number, or a schedule over the steps.
#[derive(Clone, Debug)]
pub enum LearningRate {
    /// The same for all steps, until a callback sets another.
    Constant(f64),
    /// A function of the step.
    Schedule(Box<dyn LearningRateSchedule>),
}

impl From<f64> for LearningRate {
    fn from(value: f64) -> Self {
        LearningRate::Constant(value)
    }
}

impl<S: LearningRateSchedule + 'static> From<S> for LearningRate {
    fn from(schedule: S) -> Self {
        LearningRate::Schedule(Box::new(schedule))
    }
}

/// What all optimizers have in common, with Keras' names and defaults.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Name of the optimizer.
    pub name: String,
    /// Learning rate.
    pub learning_rate: LearningRate,
    /// Each step first shrinks weights by this times the learning rate (none).
    pub weight_decay: Option<f64>,
    /// Largest norm of a variable's gradient (none).
    pub clipnorm: Option<f64>,
    /// Largest norm of all gradients together (none).
    pub global_clipnorm: Option<f64>,
    /// Largest absolute value of a gradient's numbers (none).
    pub clipvalue: Option<f64>,
    /// Whether a moving average of the weights is kept (false).
    pub use_ema: bool,
    /// Its momentum (0.99).
    pub ema_momentum: f64,
    /// After how many steps the weights become their average; without a number, at the end of training.
    pub ema_overwrite_frequency: Option<u64>,
    /// The loss is multiplied by this before its gradient is taken, and gradients divided (none).
    pub loss_scale_factor: Option<f64>,
    /// Weights move once in so many steps, along the mean of the gradients (none).
    pub gradient_accumulation_steps: Option<u64>,
    /// Variables with one of these in their name do not decay. Keras does not save this.
    pub exclude_from_weight_decay: Vec<String>,
}

impl Settings {
    /// Keras' defaults.
    pub fn new(name: impl Into<String>, learning_rate: LearningRate) -> Settings {
        Settings {
            name: name.into(),
            learning_rate,
            weight_decay: None,
            clipnorm: None,
            global_clipnorm: None,
            clipvalue: None,
            use_ema: false,
            ema_momentum: 0.99,
            ema_overwrite_frequency: None,
            loss_scale_factor: None,
            gradient_accumulation_steps: None,
            exclude_from_weight_decay: Vec::new(),
        }
    }

    /// As Keras writes them.
    pub fn to_config(&self) -> Config {
        let learning_rate = match &self.learning_rate {
            // Keras keeps it as a 32-bit float.
            LearningRate::Constant(value) => json!(f64::from(*value as f32)),
            LearningRate::Schedule(schedule) => schedules::to_json(&**schedule),
        };
        let config = json!({
            "name": self.name,
            "learning_rate": learning_rate,
            "weight_decay": self.weight_decay,
            "clipnorm": self.clipnorm,
            "global_clipnorm": self.global_clipnorm,
            "clipvalue": self.clipvalue,
            "use_ema": self.use_ema,
            "ema_momentum": self.ema_momentum,
            "ema_overwrite_frequency": self.ema_overwrite_frequency,
            "loss_scale_factor": self.loss_scale_factor,
            "gradient_accumulation_steps": self.gradient_accumulation_steps,
        });
        match config {
            Value::Object(map) => map,
            _ => Config::new(),
        }
    }

    /// Takes what a configuration says; `class` is for errors, the registry for schedules of one's own.
    ///
    /// # Errors
    /// If a value has the wrong type, or contradicts another.
    pub fn read(&mut self, class: &str, config: &Config, registry: &Registry) -> Result<()> {
        self.name = config.get("name").and_then(Value::as_str).unwrap_or(&self.name).into();
        match config.get("learning_rate") {
            None => {}
            Some(Value::Number(n)) => {
                self.learning_rate = LearningRate::Constant(n.as_f64().unwrap_or(f64::NAN));
            }
            Some(schedule) => {
                self.learning_rate = LearningRate::Schedule(schedules::from_json(schedule, registry)?);
            }
        }
        macro_rules! take {
            ($($field:ident),*) => { $(
                self.$field = config_or(config, class, stringify!($field), self.$field)?;
            )* };
        }
        take!(
            weight_decay,
            clipnorm,
            global_clipnorm,
            clipvalue,
            use_ema,
            ema_momentum,
            ema_overwrite_frequency,
            loss_scale_factor,
            gradient_accumulation_steps
        );
        self.check(class)
    }

    /// Refuses what Keras refuses.
    ///
    /// # Errors
    /// If options contradict each other or are out of range.
    pub fn check(&self, class: &str) -> Result<()> {
        let clips = [self.clipnorm, self.global_clipnorm, self.clipvalue];
        let refuse = |key: &str, message: String| Err(Error::config(format!("{class}: `{key}`"), message));
        if clips.iter().flatten().count() > 1 {
            let message = "only one of `clipnorm`, `clipvalue` and `global_clipnorm` can be set";
            return Err(Error::config(class, message));
        }
        if self.use_ema && !(0.0..=1.0).contains(&self.ema_momentum) {
            return refuse("ema_momentum", format!("must be between 0 and 1, is {}", self.ema_momentum));
        }
        if self.ema_overwrite_frequency == Some(0) {
            return refuse("ema_overwrite_frequency", "must be at least 1".into());
        }
        match self.gradient_accumulation_steps {
            Some(steps) if steps < 2 => {
                refuse("gradient_accumulation_steps", format!("must be at least 2, is {steps}"))
            }
            _ => Ok(()),
        }
    }
}

/// `RMSprop` to `rmsprop`, `SGD` to `SGD`: the name that Keras gives an optimizer.
pub(crate) fn snake_case(class: &str) -> String {
    match class {
        "SGD" => "SGD".into(),
        other => other.to_lowercase(),
    }
}

/// Setters for [`Settings`] on an optimizer.
macro_rules! common_setters {
    ($name:ident) => {
        $crate::optimizers::settings::common_setters! { @ $name
            /// Each step first shrinks weights by this times the learning rate.
            weight_decay: Option<f64>,
            /// Largest norm of a variable's gradient.
            clipnorm: Option<f64>,
            /// Largest norm of all gradients together.
            global_clipnorm: Option<f64>,
            /// Largest absolute value of a gradient's numbers.
            clipvalue: Option<f64>,
            /// Whether a moving average of the weights is kept; at the end of training they become it.
            use_ema: bool,
            /// Momentum of the average (0.99).
            ema_momentum: f64,
            /// After how many steps the weights become their average.
            ema_overwrite_frequency: Option<u64>,
            /// The loss is multiplied by this before its gradient is taken, and gradients divided.
            loss_scale_factor: Option<f64>,
            /// Weights move once in so many steps, along the mean of the gradients.
            gradient_accumulation_steps: Option<u64>,
            /// Name of the optimizer.
            name: String,
        }
        impl $name {
            /// Variables with one of these in their name do not decay. Keras does not save this.
            #[must_use]
            pub fn exclude_from_weight_decay(mut self, names: &[&str]) -> Self {
                self.settings.exclude_from_weight_decay = names.iter().map(|n| n.to_string()).collect();
                self
            }
        }
    };
    (@ $name:ident $($(#[$doc:meta])* $field:ident: $t:ty),* $(,)?) => {
        impl $name { $(
            $(#[$doc])*
            #[must_use]
            pub fn $field(mut self, $field: impl Into<$t>) -> Self {
                self.settings.$field = $field.into();
                self
            }
        )* }
    };
}
pub(crate) use common_setters;
