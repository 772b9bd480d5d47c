use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, any_poison, catalogue};

/// Its inputs one after the other along an axis.
///
/// * Inputs: any number, whose shapes differ along `axis` alone.
/// * Output: the same shape with the sum of their sizes along `axis`. If an input has a mask, so has an output
///   `[steps, features]`: a step is there if one of its features comes from an input that has it.
///
/// Source: <https://keras.io/api/layers/merging_layers/concatenate/>.
///
/// ```
/// use keras_runtime::layers::Concatenate;
/// use keras_runtime::plan::Spec;
///
/// let plan = Concatenate::new().plan(&[Spec::of(&[4, 3]), Spec::of(&[4, 5])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 8]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Concatenate {
    /// The axis (default -1).
    #[config(default = -1)]
    pub axis: isize,
}

/// One mask or the other.
const OR: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Or, 0, 1)], outputs: &[2] };

impl Concatenate {
    /// What it needs for inputs of these specs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        if any_poison(inputs) {
            return Ok(Plan::POISON);
        }
        if inputs.is_empty() {
            return Err(Message::new("takes at least 1 input, found 0"));
        }
        if let Some(empty) = catalogue::empty(inputs) {
            return Err(empty);
        }
        let first = inputs[0];
        let Some(at) = first.axis(self.axis) else {
            return Err(catalogue::axis(self.axis, &first));
        };
        let mut total = 0;
        let mut i = 0;
        while i < inputs.len() {
            let x = &inputs[i];
            let same =
                x.rank() == first.rank() && x.with_shape(x.shape().with_dim(at, first.dim(at))).same(&first);
            if !same {
                let message = Message::new("cannot join ").spec(&first).text(" and ").spec(x);
                return Err(message
                    .text(" along axis ")
                    .signed(self.axis)
                    .text(": all other dimensions must be equal"));
            }
            total += x.dim(at);
            i += 1;
        }
        let output = first.with_shape(first.shape().with_dim(at, total));
        // The mask of a sequence of vectors.
        let mask =
            if output.rank() == 2 { MaskRule::Any(Shape::of(&[output.dim(0)])) } else { MaskRule::Drop };
        Ok(Plan::new(output).mask(mask))
    }

    /// The walk that takes an input's place out of the output.
    fn walk(&self, axis: usize, start: usize, whole: Shape, piece: Shape) -> Walk {
        let mut offsets = [0; MAX_RANK];
        offsets[axis] = start;
        walks::extract(whole, &offsets, piece)
    }

    /// The axis in full shapes.
    fn axis_of(&self, y: Shape) -> usize {
        let rank = y.rank() as isize;
        (if self.axis < 0 { self.axis + rank } else { self.axis }) as usize
    }

    /// Joins masks along the steps, or takes a step that any input has.
    fn write_mask(&self, cx: &Context<'_>, call: &Call, mask: View) {
        let along_steps = self.axis_of(call.outputs[0].shape()) == 1;
        let mut start = 0;
        for (x, from) in call.inputs.iter().zip(&call.input_masks) {
            let steps = x.shape().dim(1);
            if along_steps {
                let piece = Shape::of(&[x.shape().dim(0), steps]);
                // Where an input has no mask nothing is masked: that was written before.
                if let Some(from) = from {
                    let walk = self.walk(1, start, mask.shape(), piece);
                    cx.device.walk(&walks::reverse(walk), *from, Grad::write(mask));
                }
                start += steps;
            } else if let Some(from) = from {
                cx.device.map(&OR, &[], &[mask, *from], &[Grad::write(mask)]);
            } else {
                cx.device.fill(1.0, mask);
            }
        }
    }
}

impl Layer for Concatenate {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let y = call.outputs[0];
        let axis = self.axis_of(y.shape());
        let mut start = 0;
        for x in &call.inputs {
            let walk = self.walk(axis, start, y.shape(), x.shape());
            cx.device.walk(&walks::reverse(walk), *x, Grad::write(y));
            start += x.shape().dim(axis);
        }
        if let Some(mask) = call.output_mask {
            cx.device.fill(if axis == 1 { 1.0 } else { 0.0 }, mask);
            self.write_mask(cx, call, mask);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let dy = call.output_grads[0];
        let axis = self.axis_of(dy.shape());
        let mut start = 0;
        for (x, dx) in call.inputs.iter().zip(&call.input_grads) {
            if let Some(dx) = dx {
                cx.device.walk(&self.walk(axis, start, dy.shape(), x.shape()), dy, *dx);
            }
            start += x.shape().dim(axis);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Concatenate::new()).input(Spec::of(&[4, 3])).input(Spec::of(&[4, 2])).run();
        let first = Concatenate::new().axis(1);
        LayerCheck::new(first)
            .input(Spec::of(&[1, 3]))
            .input(Spec::of(&[4, 3]))
            .input(Spec::of(&[2, 3]))
            .run();
        LayerCheck::new(Concatenate::new()).input(Spec::of(&[4])).run();
        LayerCheck::new(Concatenate::new().axis(-2))
            .input(Spec::of(&[2, 4, 1]))
            .input(Spec::of(&[2, 3, 1]))
            .run();
    }

    #[test]
    fn refusals() {
        let message = |layer: Concatenate, a: &[usize], b: &[usize]| {
            layer.plan(&[Spec::of(a), Spec::of(b)]).unwrap_err().to_string()
        };
        assert_eq!(
            message(Concatenate::new(), &[4, 3], &[5, 3]),
            "cannot join `[4, 3]` and `[5, 3]` along axis -1: all other dimensions must be equal"
        );
        assert_eq!(
            message(Concatenate::new(), &[4, 3], &[3]),
            "cannot join `[4, 3]` and `[3]` along axis -1: all other dimensions must be equal"
        );
        assert_eq!(
            message(Concatenate::new().axis(0), &[3], &[3]),
            "axis 0 is out of range for `[3]` (axis 0 is the batch)"
        );
    }
}
