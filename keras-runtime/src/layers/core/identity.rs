use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{Plan, PlanResult, Spec};
use crate::plan_inputs;

/// Yields its input. It takes no memory and no time: output and input are the same numbers.
///
/// * Input: any.
/// * Output: the same.
///
/// Source: <https://keras.io/api/layers/core_layers/identity/>.
///
/// ```
/// use keras_runtime::layers::Identity;
/// use keras_runtime::plan::Spec;
///
/// assert!(Identity::new().plan(&[Spec::of(&[3])]).unwrap().alias);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Identity {}

impl Identity {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        Ok(Plan::new(inputs[0]).alias())
    }
}

impl Layer for Identity {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        walks::forward_alias(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        walks::backward_alias(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Identity::new()).input(Spec::of(&[2, 3])).run();
    }
}
