use keras_kernels::Grad;

use crate::layer::{Call, Context, Layer};
use crate::layers::support::walks;
use crate::plan::{MaskRule, Plan, PlanResult, Spec, catalogue};
use crate::plan_inputs;

/// The same vector `n` times.
///
/// * Input: `[features]`.
/// * Output: `[n, features]`. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/repeat_vector/>.
///
/// ```
/// use keras_runtime::layers::RepeatVector;
/// use keras_runtime::plan::Spec;
///
/// let plan = RepeatVector::new(3).plan(&[Spec::of(&[32])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[3, 32]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct RepeatVector {
    /// How often.
    pub n: usize,
}

impl RepeatVector {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = inputs[0];
        if x.rank() != 1 {
            return Err(catalogue::rank("[features]", &x));
        }
        if self.n == 0 {
            return Err(catalogue::positive("n"));
        }
        Ok(Plan::new(x.with_shape(x.shape().insert(0, self.n))).mask(MaskRule::Drop))
    }
}

impl Layer for RepeatVector {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let x = call.inputs[0];
        cx.device.walk(
            &walks::repeat(x.shape().insert(1, 1), &[(1, self.n)]),
            x,
            Grad::write(call.outputs[0]),
        );
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dx) = call.input_grads[0] {
            let walk = walks::repeat(dx.view.shape().insert(1, 1), &[(1, self.n)]);
            cx.device.walk(&walks::reverse(walk), call.output_grads[0], dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(RepeatVector::new(1)).input(Spec::of(&[4])).run();
        LayerCheck::new(RepeatVector::new(3)).input(Spec::of(&[4])).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: RepeatVector, input| layer.plan(&[input]).unwrap_err().to_string();
        assert_eq!(
            message(RepeatVector::new(2), Spec::of(&[2, 3])),
            "expects an input `[features]`, found `[2, 3]`; insert `Flatten`?"
        );
        assert_eq!(message(RepeatVector::new(0), Spec::of(&[3])), "`n` must be at least 1, found 0");
    }
}
