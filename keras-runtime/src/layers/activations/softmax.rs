use keras_kernels::elementwise::{Instr, Program};
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context, Layer};
use crate::layers::options::Axes;
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};
use crate::{DType, plan_inputs};

/// Softmax: `exp(x) / sum(exp(x))` along one axis, or along several that lie side by side.
///
/// * Input: floats of any shape; with `mask_input` also booleans of the same shape (or integers, 0 for false). They, or a mask that comes with the input,
///   leave out what they say: the others sum to 1, masked outputs are 0.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/activation_layers/softmax/>.
///
/// ```
/// use keras_runtime::layers::Softmax;
/// use keras_runtime::plan::Spec;
///
/// assert!(Softmax::new().plan(&[Spec::of(&[10])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Softmax {
    /// The axis, or axes (default -1).
    #[config(default = Axes::of(-1))]
    pub axis: Axes,
    /// Option of a call: the last input is the mask (default false).
    #[config(call, default = false)]
    pub mask_input: bool,
}

/// Logits, with a number that `exp` takes to 0 where the mask says so.
const MASK_IN: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Input(1), Instr::Const(-1e9), Instr::Select(1, 0, 2)],
    outputs: &[3],
};
/// 0 where the mask says so, even if all of a row is.
const MASK_OUT: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Input(1), Instr::Const(0.0), Instr::Select(1, 0, 2)],
    outputs: &[3],
};

impl Softmax {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1 + self.mask_input as usize);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        // A model in source takes masks as integers.
        if self.mask_input
            && !((inputs[1].dtype().same(DType::Bool) || inputs[1].dtype().same(DType::I32))
                && inputs[1].shape().same(&x.shape()))
        {
            return Err(
                Message::new("expects a mask of booleans of the input's shape, found ").spec(&inputs[1])
            );
        }
        match self.range(x) {
            Ok(_) => Ok(Plan::new(*x)),
            Err(message) => Err(message),
        }
    }

    /// First and last of the dimensions of a sample that it works along.
    const fn range(&self, x: &Spec) -> Result<(usize, usize), Message> {
        let (mut first, mut last) = (usize::MAX, 0);
        let mut i = 0;
        while i < self.axis.len() {
            let Some(at) = x.axis(self.axis.get(i)) else {
                return Err(catalogue::axis(self.axis.get(i), x));
            };
            if at < first {
                first = at;
            }
            if at > last {
                last = at;
            }
            i += 1;
        }
        if self.axis.is_empty() || last + 1 - first != self.axis.len() {
            return Err(Message::new("the axes of `axis` must lie side by side; put a `Permute` in front"));
        }
        Ok((first, last))
    }

    /// `[before, along, after]`: axes side by side are one.
    fn flat(&self, x: View) -> Shape {
        let shape = x.shape();
        let range = self.range(&Spec::sample(shape.remove(0)));
        let (first, last) = range.map(|(first, last)| (first + 1, last + 1)).unwrap_or((1, 1));
        let rank = shape.rank();
        Shape::of(&[
            shape.size_between(0, first),
            shape.size_between(first, last + 1),
            shape.size_between(last + 1, rank),
        ])
    }

    /// The mask, if it says something of single elements.
    fn mask(&self, call: &Call) -> Option<View> {
        if self.mask_input {
            return call.inputs.get(1).copied();
        }
        call.input_masks.first().copied().flatten().filter(|mask| mask.shape() == call.inputs[0].shape())
    }
}

impl Layer for Softmax {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        match &masks[0] {
            // The mask of the call takes its place.
            _ if self.mask_input => Ok(()),
            Some(mask) if !mask.same(&inputs[0].shape()) => {
                Err(catalogue::mask(&inputs[0], mask, &inputs[0].shape()))
            }
            _ => Ok(()),
        }
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        let flat = self.flat(x);
        let Some(mask) = self.mask(call) else {
            return cx.device.softmax(x.reshape(flat), 1, y.reshape(flat));
        };
        cx.device.map(&MASK_IN, &[], &[x, mask], &[Grad::write(y)]);
        cx.device.softmax(y.reshape(flat), 1, y.reshape(flat));
        cx.device.map(&MASK_OUT, &[], &[y, mask], &[Grad::write(y)]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let (y, dy) = (call.outputs[0], call.output_grads[0]);
        let flat = self.flat(y);
        // Where the output was masked it is 0, and so is this gradient.
        if let Some(dx) = call.input_grads[0] {
            cx.device.softmax_grad(y.reshape(flat), dy.reshape(flat), 1, dx.reshape(flat));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Softmax::new()).input(Spec::of(&[4])).run();
        LayerCheck::new(Softmax::new().axis(1)).input(Spec::of(&[3, 2])).run();
        LayerCheck::new(Softmax::new().axis([2, 1])).input(Spec::of(&[3, 2, 2])).run();
    }

    #[test]
    fn masked() {
        // The last sample is masked as a whole.
        LayerCheck::new(Softmax::new())
            .input(Spec::of(&[4]))
            .mask(&[1, 1, 0, 1, 1, 1, 1, 1, 0, 0, 0, 0])
            .run();
    }

    #[test]
    fn a_mask_of_the_call() {
        let mask = Spec::of(&[3, 2]).with_dtype(DType::Bool);
        LayerCheck::new(Softmax::new().axis(1).mask_input(true)).input(Spec::of(&[3, 2])).input(mask).run();
        let integers = mask.with_dtype(DType::I32);
        let check = LayerCheck::new(Softmax::new().mask_input(true)).input(Spec::of(&[3, 2])).input(integers);
        check.integers_below(2).run();
        let error = Softmax::new().mask_input(true).plan(&[Spec::of(&[3]), mask]).unwrap_err().to_string();
        assert!(error.starts_with("expects a mask of booleans of the input's shape, found "), "{error}");
    }

    #[test]
    fn refusals() {
        let message = |layer: Softmax| layer.plan(&[Spec::of(&[3, 2, 2])]).unwrap_err().to_string();
        assert_eq!(message(Softmax::new().axis(4)), "axis 4 is out of range for `[3, 2, 2]`");
        assert_eq!(
            message(Softmax::new().axis([1, 3])),
            "the axes of `axis` must lie side by side; put a `Permute` in front"
        );
    }
}
