use keras_kernels::activation::Activation;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::elementwise;
use crate::plan::{Message, PlanResult, Spec};
use crate::plan_inputs;

/// Leaky rectified linear unit: `x` if positive, else `negative_slope * x`.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/activation_layers/leaky_relu/>.
///
/// ```
/// use keras_runtime::layers::LeakyReLU;
///
/// // The layer's default differs from that of the function `leaky_relu`, which is 0.2.
/// assert_eq!(LeakyReLU::new().negative_slope, 0.3);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct LeakyReLU {
    /// Slope below zero (default 0.3).
    #[config(default = 0.3)]
    pub negative_slope: f64,
}

impl LeakyReLU {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if self.negative_slope < 0.0 {
            return Err(Message::new("`negative_slope` must not be negative"));
        }
        elementwise::plan(&inputs[0], self.function())
    }

    const fn function(&self) -> Activation {
        Activation::LeakyRelu { negative_slope: self.negative_slope }
    }
}

impl Layer for LeakyReLU {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        elementwise::role(self.function())
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::forward(cx, call, self.function());
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::backward(cx, call, self.function());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(LeakyReLU::new()).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(LeakyReLU::new().negative_slope(0.0)).input(Spec::of(&[5])).run();
    }

    #[test]
    fn refusals() {
        let message = LeakyReLU::new().negative_slope(-1.0).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message, "`negative_slope` must not be negative");
    }
}
