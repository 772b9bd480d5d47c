//! What calls can do together in one pass over memory ([`super::fusion`]).

use keras_kernels::View;
use keras_kernels::activation::Activation;
use keras_kernels::conv::{Epilogue, MAX_SPATIAL};

/// What a call does in inference, as far as it can be a part of another call's pass.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Role {
    /// A pass of its own.
    Alone,
    /// Its input unchanged (dropout).
    Identity,
    /// Multiplies each channel, along the last axis, by a number and adds another one: [`Layer::compose`](crate::Layer::compose) says which.
    Affine,
    /// The sum of two values of one shape.
    Sum,
    /// A function of each element.
    Activation(Activation),
    /// Zeros around an image with channels last: so many in front of each spatial dimension.
    Frame([usize; MAX_SPATIAL]),
}

/// What a call can do beside its own part.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Fuses {
    /// In inference it ends with [`Call::epilogue`](crate::Call::epilogue): with what calls after it do to each number.
    pub ending: bool,
    /// In inference it reads zeros around its input: [`Call::frame`](crate::Call::frame) of them in front.
    pub frame: bool,
    /// It ends with the activation of [`Call::ending`](crate::Call::ending) if that is [`rectifies`], in training too: backward starts with its slope.
    pub rectifier: bool,
}

/// Whether a function is `relu`, or `relu6`: its slope is that of its output, and 0 at the ends.
pub fn rectifies(f: Activation) -> bool {
    matches!(f.bounds(), Some([0.0, high]) if high == 6.0 || high == f64::INFINITY)
}

/// What calls after a call do to its sums.
#[derive(Clone, Copy, Debug)]
pub struct Ending {
    /// Factor of each channel, and what is added to it: the bias of the call itself is in it.
    pub affine: Option<[View; 2]>,
    /// Added.
    pub residual: Option<View>,
    /// Applied to that.
    pub activation: Activation,
}

impl Default for Ending {
    /// Nothing.
    fn default() -> Ending {
        Ending { affine: None, residual: None, activation: Activation::Linear }
    }
}

impl Ending {
    /// All of it, after a bias; `own` is the activation of the call itself, which takes an ending only if it has none.
    pub(crate) fn epilogue(&self, bias: Option<View>, own: Activation) -> Epilogue {
        let (scale, bias) = match self.affine {
            Some([scale, shift]) => (Some(scale), Some(shift)),
            None => (None, bias),
        };
        let activation = if own.is_linear() { self.activation } else { own };
        Epilogue { scale, bias, residual: self.residual, activation }
    }
}
