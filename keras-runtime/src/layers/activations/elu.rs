use keras_kernels::activation::Activation;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::elementwise;
use crate::plan::{PlanResult, Spec};
use crate::plan_inputs;

/// Exponential linear unit: `x` if positive, else `alpha * (exp(x) - 1)`.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/activation_layers/elu/>; Clevert et al., <https://arxiv.org/abs/1511.07289>.
///
/// ```
/// use keras_runtime::layers::ELU;
///
/// assert_eq!(ELU::new().alpha, 1.0);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct ELU {
    /// Scale of the negative part (default 1).
    #[config(default = 1.0)]
    pub alpha: f64,
}

impl ELU {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        elementwise::plan(&inputs[0], self.function())
    }

    const fn function(&self) -> Activation {
        Activation::Elu { alpha: self.alpha }
    }
}

impl Layer for ELU {
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
        LayerCheck::new(ELU::new()).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(ELU::new().alpha(0.5)).input(Spec::of(&[5])).run();
    }
}
