use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{Ints, MaskRule, Message, Plan, PlanResult, Spec};
use crate::plan_inputs;

/// Dimensions in another order.
///
/// * Input: any.
/// * Output: dimension `i` of it is dimension `dims[i]` of the input, counted from 1. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/permute/>.
///
/// ```
/// use keras_runtime::layers::Permute;
/// use keras_runtime::plan::Spec;
///
/// let plan = Permute::new([2, 1]).plan(&[Spec::of(&[10, 64])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[64, 10]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Permute {
    /// The order: 1 is the first dimension of a sample.
    pub dims: Ints,
}

impl Permute {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = inputs[0];
        let (mut seen, mut out) = ([false; MAX_RANK], [1; MAX_RANK]);
        let mut valid = self.dims.len() == x.rank();
        let mut i = 0;
        while valid && i < x.rank() {
            let from = self.dims.get(i);
            valid = from >= 1 && from <= x.rank() as isize && !seen[from as usize - 1];
            if valid {
                seen[from as usize - 1] = true;
                out[i] = x.dim(from as usize - 1);
            }
            i += 1;
        }
        if !valid {
            let message =
                Message::new("`dims` must name each dimension of ").spec(&x).text(" once, from 1 to ");
            return Err(message.number(x.rank()));
        }
        Ok(Plan::new(x.with_shape(Shape::of(out.split_at(x.rank()).0))).mask(MaskRule::Drop))
    }

    fn walk(&self, x: Shape) -> Walk {
        let mut axes = [0; MAX_RANK];
        for (axis, from) in axes[1..].iter_mut().zip(self.dims.as_slice()) {
            *axis = *from as usize;
        }
        walks::transpose(x, &axes[..x.rank()])
    }
}

impl Layer for Permute {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0];
        cx.device.walk(&self.walk(x.shape()), x, Grad::write(call.outputs[0]));
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dx) = call.input_grads[0] {
            cx.device.walk(&walks::reverse(self.walk(dx.view.shape())), call.output_grads[0], dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Permute::new([2, 1])).input(Spec::of(&[2, 3])).run();
        LayerCheck::new(Permute::new([3, 1, 2])).input(Spec::of(&[2, 3, 4])).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: Permute| layer.plan(&[Spec::of(&[4, 3])]).unwrap_err().to_string();
        let expected = "`dims` must name each dimension of `[4, 3]` once, from 1 to 2";
        assert_eq!(message(Permute::new([0, 1])), expected);
        assert_eq!(message(Permute::new([1, 1])), expected);
        assert_eq!(message(Permute::new([1, 2, 3])), expected);
    }
}
