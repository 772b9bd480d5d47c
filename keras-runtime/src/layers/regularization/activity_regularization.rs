use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};
use crate::{Regularizer, plan_inputs};

/// Yields its input, and adds a penalty on it to the loss: `(l1 * sum(|x|) + l2 * sum(x^2)) / batch`.
///
/// * Input: floats of any shape.
/// * Output: the same.
///
/// Source: <https://keras.io/api/layers/regularization_layers/activity_regularization/>.
///
/// ```
/// use keras_runtime::layers::ActivityRegularization;
/// use keras_runtime::plan::Spec;
///
/// assert!(ActivityRegularization::new().l1(0.01).plan(&[Spec::of(&[8])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct ActivityRegularization {
    /// Factor of the absolute values (default 0).
    #[config(default = 0.0)]
    pub l1: f64,
    /// Factor of the squares (default 0).
    #[config(default = 0.0)]
    pub l2: f64,
}

impl ActivityRegularization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if !inputs[0].dtype().is_float() {
            return Err(catalogue::float(&inputs[0]));
        }
        if self.l1 < 0.0 || self.l2 < 0.0 {
            return Err(Message::new("`l1` and `l2` must not be negative"));
        }
        Ok(Plan::new(inputs[0]).alias())
    }
}

impl Layer for ActivityRegularization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        walks::forward_alias(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        walks::backward_alias(cx, call);
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        Some(Regularizer::L1L2 { l1: self.l1, l2: self.l2 })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        // The penalty is the engine's: alone, the layer is the identity.
        LayerCheck::new(ActivityRegularization::new().l2(0.1)).input(Spec::of(&[3])).run();
    }

    #[test]
    fn refusals() {
        let layer = ActivityRegularization::new().l1(-1.0);
        assert_eq!(
            layer.plan(&[Spec::of(&[3])]).unwrap_err().to_string(),
            "`l1` and `l2` must not be negative"
        );
    }
}
