use keras_kernels::optimizer::{self as kernels, Rule};

use super::{Optimizer, StepInfo, rule, rule_basics};
use crate::optimizers::{MAX_SCALARS, Settings};
use crate::training::options::options;

options! {
    /// Adam (learning rate 0.001): steps scaled by running moments of the gradient.
    ///
    /// Source: Kingma and Ba, "Adam: A Method for Stochastic Optimization", 2014; with `amsgrad` Reddi et al., "On the
    /// Convergence of Adam and Beyond", 2018. As in Keras, `epsilon` is the paper's "epsilon hat".
    Adam [settings: Settings] {
        /// Decay of the first moment (0.9).
        beta_1: f64 = 0.9,
        /// Decay of the second moment (0.999).
        beta_2: f64 = 0.999,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
        /// Whether the second moment's maximum is used (false).
        amsgrad: bool = false,
    }
}
rule!(Adam, 0.001);

options! {
    /// Adam with decoupled weight decay (learning rate 0.001, weight decay 0.004).
    ///
    /// Source: Loshchilov and Hutter, "Decoupled Weight Decay Regularization", 2019.
    AdamW [settings: Settings] {
        /// Decay of the first moment (0.9).
        beta_1: f64 = 0.9,
        /// Decay of the second moment (0.999).
        beta_2: f64 = 0.999,
        /// Keeps the denominator from zero (1e-7).
        epsilon: f64 = 1e-7,
        /// Whether the second moment's maximum is used (false).
        amsgrad: bool = false,
    }
}

impl AdamW {
    /// With this learning rate and a weight decay of 0.004.
    pub fn new(learning_rate: impl Into<super::LearningRate>) -> Self {
        let mut settings = Settings::new("adamw", learning_rate.into());
        settings.weight_decay = Some(0.004);
        AdamW::with_common(settings)
    }
}
impl Default for AdamW {
    fn default() -> Self {
        AdamW::new(0.001)
    }
}
super::settings::common_setters!(AdamW);

fn slots(amsgrad: bool) -> Vec<Vec<&'static str>> {
    let mut slots = vec![vec!["momentum", "velocity"]];
    if amsgrad {
        slots.push(vec!["velocity_hat"]);
    }
    slots
}

/// `lr * sqrt(1 - beta_2^t) / (1 - beta_1^t)`, once a step.
fn alpha(step: &StepInfo, beta_1: f64, beta_2: f64) -> f64 {
    let t = (step.iterations + 1) as f64;
    step.learning_rate * (1.0 - beta_2.powf(t)).sqrt() / (1.0 - beta_1.powf(t))
}

macro_rules! adam {
    ($name:ident) => {
        impl Optimizer for $name {
            rule_basics!($name);

            fn slots(&self) -> Vec<Vec<&'static str>> {
                slots(self.amsgrad)
            }

            fn scalars(&self, step: &StepInfo, _: &mut [f64], scalars: &mut [f64; MAX_SCALARS]) {
                scalars[1] = alpha(step, self.beta_1, self.beta_2);
            }

            fn rule(&self) -> Option<Rule> {
                let $name { beta_1, beta_2, epsilon, amsgrad, .. } = *self;
                Some(kernels::Adam { beta_1, beta_2, epsilon, amsgrad }.into())
            }
        }
    };
}
adam!(Adam);
adam!(AdamW);
