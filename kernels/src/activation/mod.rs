//! Activation functions, as `keras.activations` defines them.

mod cpu;
mod functions;
mod glu;
mod sparsemax;
#[cfg(test)]
mod tests;

use crate::shape::axis_split;
use crate::{Grad, Shape, View};

/// An activation function with its parameters.
///
/// Source: <https://keras.io/api/layers/activations/>.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Activation {
    /// `x`.
    Linear,
    /// `x` above `threshold`, at most `max_value`; `negative_slope * (x - threshold)` below.
    Relu {
        /// Largest result; infinite for none.
        max_value: f64,
        /// Slope below the threshold.
        negative_slope: f64,
        /// Where it starts.
        threshold: f64,
    },
    /// `x` if positive, else `negative_slope * x`.
    LeakyRelu {
        /// Slope below zero (0.2 in Keras' function).
        negative_slope: f64,
    },
    /// `min(max(x, 0), 6)`.
    Relu6,
    /// `1 / (1 + exp(-x))`.
    Sigmoid,
    /// Hyperbolic tangent.
    Tanh,
    /// `exp(x) / sum(exp(x))` over an axis, numbered as Keras does (batch is 0, negative from the end).
    Softmax {
        /// The axis.
        axis: isize,
    },
    /// `log(softmax(x))`.
    LogSoftmax {
        /// The axis.
        axis: isize,
    },
    /// `x` if positive, else `alpha * (exp(x) - 1)`.
    Elu {
        /// Scale of the negative part.
        alpha: f64,
    },
    /// Scaled exponential linear unit.
    Selu,
    /// `max(0, x) + min(0, alpha * (exp(x / alpha) - 1))`.
    Celu {
        /// Scale of the negative part.
        alpha: f64,
    },
    /// `log(1 + exp(x))`.
    Softplus,
    /// `x / (1 + |x|)`.
    Softsign,
    /// `x * sigmoid(x)`.
    Silu,
    /// Gaussian error linear unit.
    Gelu {
        /// By `tanh` instead of `erf`.
        approximate: bool,
    },
    /// `exp(x)`.
    Exponential,
    /// `relu6(x + 3) / 6`.
    HardSigmoid,
    /// `x * hard_sigmoid(x)`.
    HardSilu,
    /// `x` clipped to -1..1.
    HardTanh,
    /// `x * tanh(softplus(x))`.
    Mish,
    /// `log(sigmoid(x))`.
    LogSigmoid,
    /// First half of the axis times the sigmoid of the second.
    Glu {
        /// The axis.
        axis: isize,
    },
    /// `x` where `|x| > threshold`, else 0.
    HardShrink {
        /// The threshold.
        threshold: f64,
    },
    /// `x` moved towards 0 by `threshold`, 0 if that crosses it.
    SoftShrink {
        /// The threshold.
        threshold: f64,
    },
    /// `x - tanh(x)`.
    TanhShrink,
    /// `(x + sqrt(x^2 + b)) / 2`.
    Squareplus {
        /// Smoothness.
        b: f64,
    },
    /// 0 below -1, `x` above 1, `(x + 1)^2 / 4` between.
    SparsePlus,
    /// 0 below -1, 1 above 1, `(x + 1) / 2` between.
    SparseSigmoid,
    /// A sparse softmax: `max(x - tau, 0)`, with Keras' threshold (which is not that of the paper; outputs do not sum to one).
    Sparsemax {
        /// The axis.
        axis: isize,
    },
    /// `x` if above `threshold`, else `default_value`.
    Threshold {
        /// The threshold.
        threshold: f64,
        /// The value at and below it.
        default_value: f64,
    },
    /// A function of the user's own, elementwise, with its derivative.
    Custom(&'static CustomActivation),
}

/// An elementwise activation of the user's own; written by `#[activation]`.
#[derive(Debug, PartialEq)]
pub struct CustomActivation {
    /// Its name, as it is saved.
    pub name: &'static str,
    /// Computes `y` (output 0) from `x` (input 0).
    pub forward: crate::elementwise::Program<'static>,
    /// Computes `dx` (output 0) from `x` (input 0) and `dy` (input 1).
    pub backward: crate::elementwise::Program<'static>,
}

impl Activation {
    /// Plain `relu`.
    pub const RELU: Activation =
        Activation::Relu { max_value: f64::INFINITY, negative_slope: 0.0, threshold: 0.0 };
    /// `softmax` over the last axis.
    pub const SOFTMAX: Activation = Activation::Softmax { axis: -1 };

    /// Whether it is the identity.
    pub const fn is_linear(&self) -> bool {
        matches!(self, Activation::Linear)
    }

    /// The ends of the interval that it clips to, if that is all it does.
    ///
    /// ```
    /// use keras_kernels::activation::Activation;
    ///
    /// assert_eq!(Activation::Relu6.bounds(), Some([0.0, 6.0]));
    /// assert_eq!(Activation::Tanh.bounds(), None);
    /// ```
    pub const fn bounds(&self) -> Option<[f64; 2]> {
        match self {
            Activation::Linear => Some([f64::NEG_INFINITY, f64::INFINITY]),
            Activation::Relu { max_value, negative_slope: 0.0, threshold: 0.0 } => Some([0.0, *max_value]),
            Activation::Relu6 => Some([0.0, 6.0]),
            Activation::HardTanh => Some([-1.0, 1.0]),
            _ => None,
        }
    }

    /// The axis that Keras' number means for a tensor of this shape.
    ///
    /// # Panics
    /// If it is out of range; the plan of a layer rules that out.
    #[track_caller]
    pub const fn axis_of(&self, axis: isize, shape: Shape) -> usize {
        let rank = shape.rank() as isize;
        let axis = if axis < 0 { axis + rank } else { axis };
        assert!(axis >= 0 && axis < rank, "the axis of an activation is out of range");
        axis as usize
    }

    /// Whether it works on each element alone (not along an axis).
    pub const fn is_elementwise(&self) -> bool {
        !matches!(
            self,
            Activation::Softmax { .. }
                | Activation::LogSoftmax { .. }
                | Activation::Glu { .. }
                | Activation::Sparsemax { .. }
        )
    }

    /// Whether its gradient can be computed from its output alone, so that the input need not be kept and it may
    /// run in place.
    pub const fn grad_from_output(&self) -> bool {
        match self {
            Activation::Linear
            | Activation::Sigmoid
            | Activation::Tanh
            | Activation::Softmax { .. }
            | Activation::LogSoftmax { .. }
            | Activation::Exponential
            | Activation::Relu6
            | Activation::HardTanh => true,
            // Above the threshold the output is positive; below it is not (slope zero gives zero).
            Activation::Relu { negative_slope, threshold, .. } => *negative_slope == 0.0 && *threshold == 0.0,
            Activation::LeakyRelu { negative_slope } => *negative_slope > 0.0,
            _ => false,
        }
    }
}

/// Activation functions.
pub trait Activations {
    /// `y = f(x)`; in place if `x` and `y` are the same memory. Axes count the batch dimension as 0.
    fn activation(&self, f: Activation, x: View, y: View);

    /// `dx = f'(x) * dy`. `x` is needed only where [`Activation::grad_from_output`] is false; given anyway, it
    /// settles the slope at the very ends of a clipped range, which `y` alone cannot tell from beyond them (there
    /// it is taken as 0; JAX has 1/2 or 1). `dx` may be the same memory as `dy` if it is written.
    fn activation_grad(&self, f: Activation, x: Option<View>, y: View, dy: View, dx: Grad);
}
