use keras_kernels::activation;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::elementwise;
use crate::plan::{PlanResult, Spec};
use crate::plan_inputs;

/// An activation function as a layer of its own.
///
/// * Input: floats of any shape.
/// * Output: the same shape (`glu` halves its axis).
///
/// Source: <https://keras.io/api/layers/core_layers/activation/>.
///
/// ```
/// use keras_runtime::layers::Activation;
/// use keras_runtime::plan::Spec;
///
/// let layer = Activation::new(keras_runtime::Activation::RELU);
/// assert_eq!(layer.plan(&[Spec::of(&[3])]).unwrap().outputs.as_slice()[0], Spec::of(&[3]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Activation {
    /// The function.
    pub activation: activation::Activation,
}

impl Activation {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        elementwise::plan(&inputs[0], self.activation)
    }
}

impl Layer for Activation {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        elementwise::role(self.activation)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::forward(cx, call, self.activation);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::backward(cx, call, self.activation);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;
    use activation::Activation::*;

    #[test]
    fn gradients() {
        let functions = [
            Linear,
            Relu { max_value: 0.8, negative_slope: 0.1, threshold: 0.2 },
            LeakyRelu { negative_slope: 0.2 },
            Relu6,
            Sigmoid,
            Tanh,
            Softmax { axis: 1 },
            LogSoftmax { axis: -1 },
            Elu { alpha: 0.7 },
            Selu,
            Celu { alpha: 0.7 },
            Softplus,
            Softsign,
            Silu,
            Gelu { approximate: false },
            Gelu { approximate: true },
            Exponential,
            HardSigmoid,
            HardSilu,
            HardTanh,
            Mish,
            LogSigmoid,
            Glu { axis: -1 },
            HardShrink { threshold: 0.5 },
            SoftShrink { threshold: 0.5 },
            TanhShrink,
            Squareplus { b: 4.0 },
            SparsePlus,
            SparseSigmoid,
            Sparsemax { axis: -1 },
            Threshold { threshold: 0.1, default_value: 0.3 },
        ];
        for f in functions {
            LayerCheck::new(Activation::new(f)).input(Spec::of(&[3, 4])).range(-2.0, 2.0).run();
        }
    }

    #[test]
    fn refusals() {
        let message = |f, input| Activation::new(f).plan(&[input]).unwrap_err().to_string();
        assert_eq!(message(Softmax { axis: 3 }, Spec::of(&[4])), "axis 3 is out of range for `[4]`");
        assert_eq!(
            message(Glu { axis: -1 }, Spec::of(&[3])),
            "`glu` needs an even dimension to halve, found `[3]`"
        );
        let ids = Spec::of(&[4]).with_dtype(crate::DType::I32);
        assert_eq!(
            message(Tanh, ids),
            "expects a float input, found `[i32; 4]`; insert `Embedding`, or declare floats?"
        );
    }
}
