//! `softmax` and `log_softmax`.

use keras_kernels::View;

use super::shapes::{axis_of, check_float, resolve};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Message, Spec};
use crate::plan_try;

/// `softmax(x, axis)`, or its logarithm.
#[derive(Clone, Copy)]
pub struct Softmax {
    /// The axis.
    pub axis: isize,
    /// Whether the logarithm is computed.
    pub log: bool,
}

impl Softmax {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        plan_try!(check_float(&inputs[0]));
        plan_try!(axis_of(&inputs[0], self.axis));
        Ok(inputs[0])
    }

    fn axis(&self, x: View) -> usize {
        resolve(x.shape().rank(), self.axis).expect("planned")
    }
}

impl Op for Softmax {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        let axis = self.axis(y);
        if self.log {
            cx.device.log_softmax(inputs[0], axis, y);
        } else {
            cx.device.softmax(inputs[0], axis, y);
        }
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let axis = self.axis(pass.y);
        let Some(dx) = pass.grads[0] else { return };
        if self.log {
            cx.device.log_softmax_grad(pass.y, pass.dy, axis, dx);
        } else {
            cx.device.softmax_grad(pass.y, pass.dy, axis, dx);
        }
    }
}
