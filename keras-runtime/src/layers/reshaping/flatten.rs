use keras_kernels::{Grad, Shape};

use crate::layer::{Call, Context, Layer};
use crate::layers::options::DataFormat;
use crate::layers::support::walks;
use crate::plan::{MaskRule, Plan, PlanResult, Spec};
use crate::plan_inputs;

/// All dimensions of a sample as one. It takes no memory and no time (unless channels come first: they go to the end).
///
/// * Input: any.
/// * Output: `[n]`, where `n` is the number of elements of a sample. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/flatten/>.
///
/// ```
/// use keras_runtime::layers::Flatten;
/// use keras_runtime::plan::Spec;
///
/// let plan = Flatten::new().plan(&[Spec::of(&[28, 28, 1])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[784]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Flatten {
    /// Where the channels are (default `channels_last`).
    #[config(default = DataFormat::ChannelsLast)]
    pub data_format: DataFormat,
}

impl Flatten {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = inputs[0];
        let plan = Plan::new(x.with_shape(Shape::of(&[x.size()]))).mask(MaskRule::Drop);
        Ok(if self.moves(x.rank()) { plan } else { plan.alias() })
    }

    /// Whether elements change their places.
    const fn moves(&self, rank: usize) -> bool {
        self.data_format.is_first() && rank > 1
    }
}

impl Layer for Flatten {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0];
        if self.moves(x.shape().rank() - 1) {
            cx.device.walk(&walks::channels_to_last(x.shape()), x, Grad::write(call.outputs[0]));
        } else {
            walks::forward_alias(cx, call);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0].shape();
        if !self.moves(x.rank() - 1) {
            walks::backward_alias(cx, call);
        } else if let Some(dx) = call.input_grads[0] {
            cx.device.walk(&walks::reverse(walks::channels_to_last(x)), call.output_grads[0], dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Flatten::new()).input(Spec::of(&[2, 3])).run();
        LayerCheck::new(Flatten::new()).input(Spec::of(&[])).run();
        let first = Flatten::new().data_format(DataFormat::ChannelsFirst);
        LayerCheck::new(first).input(Spec::of(&[3, 2, 2])).run();
        LayerCheck::new(first).input(Spec::of(&[3])).run();
    }
}
