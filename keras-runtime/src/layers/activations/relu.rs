use keras_kernels::activation::Activation;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::elementwise;
use crate::plan::{Message, PlanResult, Spec};
use crate::plan_inputs;

/// Rectified linear unit: `x` above `threshold` and at most `max_value`, `negative_slope * (x - threshold)` below.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/activation_layers/relu/>.
///
/// ```
/// use keras_runtime::layers::ReLU;
/// use keras_runtime::plan::Spec;
///
/// const CLIPPED: ReLU = ReLU::new().max_value(6.0);
/// assert!(CLIPPED.plan(&[Spec::of(&[3])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct ReLU {
    /// Largest result (default: none).
    #[config(default = None)]
    pub max_value: Option<f64>,
    /// Slope below the threshold (default 0).
    #[config(default = 0.0)]
    pub negative_slope: f64,
    /// Where it starts (default 0).
    #[config(default = 0.0)]
    pub threshold: f64,
}

impl ReLU {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if self.negative_slope < 0.0
            || self.threshold < 0.0
            || matches!(self.max_value, Some(most) if most < 0.0)
        {
            return Err(Message::new("`max_value`, `negative_slope` and `threshold` must not be negative"));
        }
        elementwise::plan(&inputs[0], self.function())
    }

    const fn function(&self) -> Activation {
        let max_value = match self.max_value {
            Some(most) => most,
            None => f64::INFINITY,
        };
        Activation::Relu { max_value, negative_slope: self.negative_slope, threshold: self.threshold }
    }
}

impl Layer for ReLU {
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
        let layers =
            [ReLU::new(), ReLU::new().max_value(0.5), ReLU::new().negative_slope(0.1).threshold(0.3)];
        for layer in layers {
            LayerCheck::new(layer).input(Spec::of(&[3, 4])).run();
        }
    }

    #[test]
    fn refusals() {
        let message = ReLU::new().negative_slope(-1.0).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message, "`max_value`, `negative_slope` and `threshold` must not be negative");
    }
}
