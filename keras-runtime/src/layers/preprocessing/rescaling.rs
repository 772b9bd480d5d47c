use keras_kernels::Grad;
use keras_kernels::elementwise::{Binary, Instr, Program};

use crate::layer::{Call, Context, Layer};
use crate::plan::{Plan, PlanResult, Spec, catalogue};
use crate::plan_inputs;

/// `x * scale + offset`. In `model!` it is what `x * 0.5`, `x - 1`, `-x` and `x / 255` stand for.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/preprocessing_layers/image_preprocessing/rescaling/>.
///
/// ```
/// use keras_runtime::layers::Rescaling;
/// use keras_runtime::plan::Spec;
///
/// const PIXELS: Rescaling = Rescaling::new(1.0 / 127.5).offset(-1.0);
/// assert!(PIXELS.plan(&[Spec::of(&[28, 28, 1])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Rescaling {
    /// Factor.
    pub scale: f64,
    /// Added after that (default 0).
    #[config(default = 0.0)]
    pub offset: f64,
}

/// `input * scalar 0 + scalar 1`.
const FORWARD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Scalar(0),
        Instr::Binary(Binary::Mul, 0, 1),
        Instr::Scalar(1),
        Instr::Binary(Binary::Add, 2, 3),
    ],
    outputs: &[4],
};
/// `gradient * scalar 0`.
const BACKWARD: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Scalar(0), Instr::Binary(Binary::Mul, 0, 1)], outputs: &[2] };

impl Rescaling {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if !inputs[0].dtype().is_float() {
            return Err(catalogue::float(&inputs[0]));
        }
        Ok(Plan::new(inputs[0]))
    }
}

impl Layer for Rescaling {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let to = Grad::write(call.outputs[0]);
        cx.device.map(&FORWARD, &[self.scale, self.offset], &[call.inputs[0]], &[to]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dx) = call.input_grads[0] {
            cx.device.map(&BACKWARD, &[self.scale], &[call.output_grads[0]], &[dx]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::{LayerCheck, run_layer};

    #[test]
    fn gradients() {
        LayerCheck::new(Rescaling::new(0.5).offset(2.0)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(Rescaling::new(-3.0)).input(Spec::of(&[])).run();
    }

    #[test]
    fn values() {
        let inputs = [(Spec::of(&[3]), vec![2.0, 0.0, -4.0])];
        let outputs =
            run_layer(&Rescaling::new(0.5).offset(-1.0), &inputs, &[], crate::DType::F32, false).unwrap();
        assert_eq!(outputs[0], [0.0, -1.0, -3.0]);
    }

    #[test]
    fn refusals() {
        let words = Spec::of(&[3]).with_dtype(crate::DType::I32);
        let message = Rescaling::new(1.0).plan(&[words]).unwrap_err().to_string();
        assert_eq!(
            message,
            "expects a float input, found `[i32; 3]`; insert `Embedding`, or declare floats?"
        );
    }
}
