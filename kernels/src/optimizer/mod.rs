//! Optimizer updates: one pass over a stretch of the flat buffers.
//!
//! A pass reads the gradient, the weight and the slots, and writes the weight and the slots; decay, clipping by value and scaling are part
//! of it. The formulas are those of Keras 3, term by term: <https://keras.io/api/optimizers/>.

mod cpu;

use crate::View;

/// An algorithm and its constants.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Rule {
    /// `w -= lr * g`, with the slot `momentum` if `momentum` is not zero: `m = momentum * m - lr * g`.
    Sgd {
        /// Share of the last step that is kept.
        momentum: f64,
        /// Looks ahead: `w += momentum * m - lr * g`.
        nesterov: bool,
    },
    /// Adam (Kingma and Ba, 2014); slots `momentum`, `velocity`, with `amsgrad` also `velocity_hat`.
    Adam {
        /// Decay of the first moment.
        beta_1: f64,
        /// Decay of the second.
        beta_2: f64,
        /// Added to the root.
        epsilon: f64,
        /// Divides by the largest velocity so far (Reddi et al., 2018).
        amsgrad: bool,
    },
    /// RMSprop (Hinton, 2012); slots `velocity`, then `momentum` if it is not zero, then `average_gradient` if centered.
    RmsProp {
        /// Decay of the squares.
        rho: f64,
        /// Share of the last step that is kept.
        momentum: f64,
        /// Added under the root.
        epsilon: f64,
        /// Divides by the variance instead of the square.
        centered: bool,
    },
    /// Adagrad (Duchi et al., 2011); slot `accumulator`.
    Adagrad {
        /// Added under the root.
        epsilon: f64,
    },
    /// Adadelta (Zeiler, 2012); slots `accumulated_grad`, `accumulated_delta_var`.
    Adadelta {
        /// Decay of both.
        rho: f64,
        /// Added under the roots.
        epsilon: f64,
    },
    /// Adamax (Kingma and Ba, 2014); slots `momentum`, `norm`.
    Adamax {
        /// Decay of the first moment.
        beta_1: f64,
        /// Decay of the norm.
        beta_2: f64,
        /// Added to the norm.
        epsilon: f64,
    },
    /// Nadam (Dozat, 2015); slots `momentum`, `velocity`.
    Nadam {
        /// Decay of the first moment.
        beta_1: f64,
        /// Decay of the second.
        beta_2: f64,
        /// Added to the root.
        epsilon: f64,
        /// Product of the momentum schedule up to and with this step: the caller keeps it, see [`nadam_schedule`].
        product: f64,
    },
    /// Lion (Chen et al., 2023); slot `momentum`.
    Lion {
        /// Weight of the momentum in the step.
        beta_1: f64,
        /// Decay of the momentum.
        beta_2: f64,
    },
    /// FTRL (McMahan et al., 2013); slots `accumulator`, `linear`.
    Ftrl {
        /// Power of the accumulator, at most 0.
        learning_rate_power: f64,
        /// L1 strength.
        l1: f64,
        /// L2 strength.
        l2: f64,
        /// L2 shrinkage.
        l2_shrinkage: f64,
        /// Beta of the paper.
        beta: f64,
    },
}

impl Rule {
    /// Names of the slots, in Keras' order.
    pub const fn slots(&self) -> &'static [&'static str] {
        match *self {
            Rule::Sgd { momentum, .. } => {
                if momentum == 0.0 {
                    &[]
                } else {
                    &["momentum"]
                }
            }
            Rule::Adam { amsgrad: false, .. } | Rule::Nadam { .. } => &["momentum", "velocity"],
            Rule::Adam { amsgrad: true, .. } => &["momentum", "velocity", "velocity_hat"],
            Rule::RmsProp { momentum, centered, .. } => match (momentum > 0.0, centered) {
                (false, false) => &["velocity"],
                (true, false) => &["velocity", "momentum"],
                (false, true) => &["velocity", "average_gradient"],
                (true, true) => &["velocity", "momentum", "average_gradient"],
            },
            Rule::Adagrad { .. } => &["accumulator"],
            Rule::Adadelta { .. } => &["accumulated_grad", "accumulated_delta_var"],
            Rule::Adamax { .. } => &["momentum", "norm"],
            Rule::Lion { .. } => &["momentum"],
            Rule::Ftrl { .. } => &["accumulator", "linear"],
        }
    }
}

/// Nadam's momentum schedule at a step (from 1): `beta_1 * (1 - 0.96^step / 2)`.
pub fn nadam_schedule(beta_1: f64, step: u64) -> f64 {
    beta_1 * (1.0 - 0.5 * 0.96f64.powf(step as f64))
}

/// One step of an algorithm.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Update {
    /// The algorithm.
    pub rule: Rule,
    /// The learning rate of this step.
    pub learning_rate: f64,
    /// The number of this step, from 1.
    pub step: u64,
    /// The gradient is multiplied by this first: clipping by norm, averaging of accumulated gradients.
    pub scale: f64,
    /// Then clipped to this (infinite for not at all).
    pub clip: f64,
    /// Decoupled weight decay: `w -= w * weight_decay * lr` before the step (0 for none).
    pub weight_decay: f64,
}

/// Optimizer passes. All views are flat and of the same length and float type.
pub trait Optimizers {
    /// Updates `weights` and `slots` in place ([`Rule::slots`] says which, in that order).
    fn update(&self, update: &Update, weights: View, grads: View, slots: &[View]);

    /// The sum of squares, accumulated in 64 bits in an order that does not depend on the number of threads.
    fn sum_of_squares(&self, x: View) -> f64;

    /// An exponential moving average: `average = momentum * average + (1 - momentum) * x`.
    fn moving_average(&self, momentum: f64, x: View, average: View);
}
