//! Optimizers: how weights follow their gradients.
//!
//! Source: <https://keras.io/api/optimizers/>. An optimizer is a rule over a weight, its gradient and the optimizer's slots:
//! one of the kernels' [`Rule`]s, or a formula of one's own. [`OptimizerState`] holds the slots as flat buffers beside the weights
//! and runs the rule in one pass over each stretch of trainable weights.

mod adadelta;
mod adagrad;
mod adam;
mod adamax;
mod built;
mod config;
mod ftrl;
mod lion;
mod nadam;
mod rmsprop;
pub mod schedules;
mod settings;
mod sgd;
mod state;
mod symbols;
#[cfg(test)]
mod tests;
mod variables;

pub use adadelta::Adadelta;
pub use adagrad::Adagrad;
pub use adam::{Adam, AdamW};
pub use adamax::Adamax;
pub use config::from_config;
pub use ftrl::Ftrl;
pub use keras_kernels::optimizer::{MAX_SCALARS, Rule};
pub use lion::Lion;
pub use nadam::Nadam;
pub use rmsprop::RMSprop;
pub use schedules::LearningRateSchedule;
pub use settings::{LearningRate, Settings};
pub use sgd::SGD;
pub use state::OptimizerState;
pub use symbols::{Symbols, Update};
pub use variables::OptimizerVariable;

use crate::layer::Config;

/// What a rule is told at each step.
#[derive(Clone, Copy, Debug)]
pub struct StepInfo {
    /// Updates before this one: steps, or groups of them where gradients accumulate.
    pub iterations: u64,
    /// The learning rate.
    pub learning_rate: f64,
}

/// A rule that moves weights along their gradients.
///
/// One's own is written like this, and then works with clipping, weight decay, schedules, averages and files:
/// ```
/// use keras_runtime::optimizers::{Optimizer, Settings, Symbols, Update};
///
/// #[derive(Clone)]
/// struct SignSGD(Settings);
///
/// impl Optimizer for SignSGD {
///     fn class_name(&self) -> &'static str {
///         "SignSGD"
///     }
///     fn settings(&self) -> &Settings {
///         &self.0
///     }
///     fn settings_mut(&mut self) -> &mut Settings {
///         &mut self.0
///     }
///     fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
///         Update { weight: at.weight - at.learning_rate() * at.gradient.sign(), slots: vec![] }
///     }
///     fn boxed(&self) -> Box<dyn Optimizer> {
///         Box::new(self.clone())
///     }
/// }
/// ```
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not an optimizer",
    label = "expected an optimizer, such as `Adam::new(1e-3)`",
    note = "`compile` takes an optimizer, a loss and metrics, in this order"
)]
pub trait Optimizer: Send + Sync {
    /// The class name, as Keras knows it.
    fn class_name(&self) -> &'static str;

    /// What all optimizers have: learning rate, clipping, weight decay, averages.
    fn settings(&self) -> &Settings;

    /// The same, to change.
    fn settings_mut(&mut self) -> &mut Settings;

    /// The rule's own options, under Keras' names.
    fn options(&self) -> Config {
        Config::new()
    }

    /// Names of the slots: numbers that the optimizer keeps for each weight. Slots of one group lie in turns, variable by
    /// variable, in a file; groups follow each other. That is Keras' order.
    fn slots(&self) -> Vec<Vec<&'static str>> {
        Vec::new()
    }

    /// What a slot starts as.
    fn initial(&self, _slot: &str) -> f64 {
        0.0
    }

    /// Names and initial values of numbers that the optimizer keeps once.
    fn extras(&self) -> Vec<(&'static str, f64)> {
        Vec::new()
    }

    /// Fills in the numbers of a step that are the same for all weights (`scalars[0]` is the learning rate already), and
    /// moves the numbers that are kept once.
    fn scalars(&self, _step: &StepInfo, _extras: &mut [f64], _scalars: &mut [f64; MAX_SCALARS]) {}

    /// The rule as a kernel, where there is one for it; then the formula is the kernel's own.
    fn rule(&self) -> Option<Rule> {
        None
    }

    /// The rule as a formula, for optimizers of one's own.
    ///
    /// # Panics
    /// If the optimizer wrote neither this nor [`Optimizer::rule`].
    fn update<'t>(&self, at: &Symbols<'t>) -> Update<'t> {
        let rule = self.rule().unwrap_or_else(|| panic!("{} has no rule", self.class_name()));
        symbols::formula(&rule, at)
    }

    /// A copy.
    fn boxed(&self) -> Box<dyn Optimizer>;

    /// The configuration, as Keras writes it.
    fn config(&self) -> Config {
        let mut config = self.settings().to_config();
        config.extend(self.options());
        config
    }
}

impl<O: Optimizer + 'static> From<O> for Box<dyn Optimizer> {
    fn from(optimizer: O) -> Self {
        Box::new(optimizer)
    }
}

/// The parts of [`Optimizer`] that every rule of this crate writes alike, and the setters that they share.
macro_rules! rule {
    ($name:ident, $learning_rate:expr) => {
        impl $name {
            /// With this learning rate: a number or a schedule.
            pub fn new(learning_rate: impl Into<$crate::optimizers::LearningRate>) -> Self {
                $name::with_common($crate::optimizers::Settings::new(
                    $crate::optimizers::settings::snake_case(stringify!($name)),
                    learning_rate.into(),
                ))
            }
        }
        impl Default for $name {
            fn default() -> Self {
                $name::new($learning_rate)
            }
        }
        $crate::optimizers::settings::common_setters!($name);
    };
}
pub(crate) use rule;

/// The methods of [`Optimizer`] that only pass on.
macro_rules! rule_basics {
    ($name:ident) => {
        fn class_name(&self) -> &'static str {
            stringify!($name)
        }
        fn settings(&self) -> &$crate::optimizers::Settings {
            &self.settings
        }
        fn settings_mut(&mut self) -> &mut $crate::optimizers::Settings {
            &mut self.settings
        }
        fn options(&self) -> $crate::Config {
            let mut config = $crate::Config::new();
            $crate::training::options::Options::write(self, &mut config);
            config
        }
        fn boxed(&self) -> Box<dyn $crate::optimizers::Optimizer> {
            Box::new(self.clone())
        }
    };
}
pub(crate) use rule_basics;
