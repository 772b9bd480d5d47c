use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::{Grad, View};

use crate::layer::{Call, Context, Layer};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec, catalogue};
use crate::plan_inputs;

/// Masks the steps whose features all equal `mask_value`: later layers skip them, and they become 0.
///
/// * Input: `[steps, features]`.
/// * Output: the same shape, with a mask `[steps]`.
///
/// Source: <https://keras.io/api/layers/core_layers/masking/>.
///
/// ```
/// use keras_runtime::layers::Masking;
/// use keras_runtime::plan::{MaskRule, Spec};
///
/// let plan = Masking::new().plan(&[Spec::of(&[10, 8])]).unwrap();
/// assert!(matches!(plan.mask, MaskRule::Compute(_)));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Masking {
    /// The value of what is masked (default 0).
    #[config(default = 0.0)]
    pub mask_value: f64,
}

/// 1 where the element differs from the value; summed over the features.
const DIFFERS: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Scalar(0), Instr::Binary(Binary::NotEqual, 0, 1)],
    outputs: &[2],
};
/// Whether any did.
const ANY: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Const(0.0), Instr::Binary(Binary::Greater, 0, 1)],
    outputs: &[2],
};
/// The value where the mask says so, else 0.
const KEEP: Program<'static> = Program {
    instrs: &[Instr::Input(0), Instr::Input(1), Instr::Const(0.0), Instr::Select(1, 0, 2)],
    outputs: &[3],
};

impl Masking {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if x.rank() < 2 {
            return Err(Message::new("expects an input `[steps, features]`, found ").spec(x));
        }
        let steps = x.shape().remove(x.rank() - 1);
        Ok(Plan::new(*x).scratch(Spec::sample(steps)).mask(MaskRule::Compute(steps)))
    }

    /// The mask beside the features: with a last dimension of 1.
    fn column(mask: View) -> View {
        let shape = mask.shape();
        mask.reshape(shape.insert(shape.rank(), 1))
    }
}

impl Layer for Masking {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y, differing) = (call.inputs[0], call.outputs[0], call.scratch[0]);
        let mask = call.output_mask.expect("a mask was planned");
        cx.device.map(&DIFFERS, &[self.mask_value], &[x], &[Grad::write(Masking::column(differing))]);
        cx.device.map(&ANY, &[], &[differing], &[Grad::write(mask)]);
        cx.device.map(&KEEP, &[], &[x, Masking::column(mask)], &[Grad::write(y)]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let mask = call.output_mask.expect("a mask was planned");
        if let Some(dx) = call.input_grads[0] {
            cx.device.map(&KEEP, &[], &[call.output_grads[0], Masking::column(mask)], &[dx]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Masking::new()).input(Spec::of(&[4, 3])).run();
        LayerCheck::new(Masking::new().mask_value(-1.0)).input(Spec::of(&[2, 4, 3])).run();
    }

    #[test]
    fn refusals() {
        let message = |input| Masking::new().plan(&[input]).unwrap_err().to_string();
        assert_eq!(message(Spec::of(&[3])), "expects an input `[steps, features]`, found `[3]`");
    }
}
