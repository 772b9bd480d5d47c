//! `one_hot`: numbers of classes as rows of zeros and ones.

use keras_kernels::{DType, View};

use super::shapes::{full, spec_of};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Message, Spec};

/// `one_hot(ids, classes)`: a new last axis, zero but for a one at the number; zeros alone for a number that is no class.
#[derive(Clone, Copy)]
pub struct OneHot {
    /// How many classes there are.
    pub classes: usize,
}

impl OneHot {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        if self.classes == 0 {
            return Err(Message::new("needs one class at least"));
        }
        let shape = full(&inputs[0]);
        if shape.rank() == keras_kernels::MAX_RANK {
            return Err(Message::new("the result would have more than 8 dimensions: found ").spec(&inputs[0]));
        }
        spec_of(shape.insert(shape.rank(), self.classes), DType::F32)
    }
}

impl Op for OneHot {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        cx.device.one_hot(inputs[0], y);
    }

    fn backward(&self, _: &Context<'_>, _: &Backward<'_>) {}
}
