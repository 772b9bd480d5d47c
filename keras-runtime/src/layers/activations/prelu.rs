use keras_kernels::Shape;
use keras_kernels::elementwise::{Binary, Instr, Program, Unary};

use crate::layer::{Call, Context, Layer};
use crate::plan::{Ints, Message, Plan, PlanResult, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// Rectified linear unit with a trained slope: `x` if positive, else `alpha * x`.
///
/// * Input: floats, at least one dimension a sample.
/// * Output: the same shape.
/// * Weights: `alpha`, of the input's shape with 1 along `shared_axes`.
///
/// Source: <https://keras.io/api/layers/activation_layers/prelu/>; He et al., <https://arxiv.org/abs/1502.01852>.
///
/// ```
/// use keras_runtime::layers::PReLU;
/// use keras_runtime::plan::Spec;
///
/// // One slope a channel.
/// let plan = PReLU::new().shared_axes([1, 2]).plan(&[Spec::of(&[32, 32, 16])]).unwrap();
/// assert_eq!(plan.params(), 16);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(alpha))]
pub struct PReLU {
    /// How the slope starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub alpha_initializer: Initializer,
    /// Penalty on the slope (default none).
    #[config(default = None)]
    pub alpha_regularizer: Option<Regularizer>,
    /// What the slope is projected onto after each step (default nothing).
    #[config(default = None)]
    pub alpha_constraint: Option<Constraint>,
    /// Axes along which the slope is the same, 1 being the first of a sample (default none).
    #[config(default = None)]
    pub shared_axes: Option<Ints>,
}

const FORWARD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Const(0.0),
        Instr::Unary(Unary::Relu, 0),
        Instr::Binary(Binary::Min, 0, 2),
        Instr::Binary(Binary::Mul, 1, 4),
        Instr::Binary(Binary::Add, 3, 5),
    ],
    outputs: &[6],
};
/// `dy * (x > 0 ? 1 : x < 0 ? alpha : 0)`.
const GRAD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Const(0.0),
        Instr::Const(1.0),
        Instr::Binary(Binary::Less, 0, 3),
        Instr::Binary(Binary::Greater, 0, 3),
        Instr::Select(5, 1, 3),
        Instr::Select(6, 4, 7),
        Instr::Binary(Binary::Mul, 2, 8),
    ],
    outputs: &[9],
};
/// `dy * min(x, 0)`.
const ALPHA_GRAD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Const(0.0),
        Instr::Binary(Binary::Min, 0, 2),
        Instr::Binary(Binary::Mul, 1, 3),
    ],
    outputs: &[4],
};

impl PReLU {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if x.rank() == 0 {
            return Err(Message::new("needs an input of at least 1 dimension, found ").spec(x));
        }
        let shape = plan_try!(self.alpha_shape(x));
        let alpha = WeightSpec::new("alpha", shape, self.alpha_initializer);
        let alpha = alpha.regularizer(self.alpha_regularizer).constraint(self.alpha_constraint);
        Ok(Plan::new(*x).weight(alpha))
    }

    const fn alpha_shape(&self, x: &Spec) -> Result<Shape, Message> {
        let mut shape = x.shape();
        if let Some(axes) = &self.shared_axes {
            let mut i = 0;
            while i < axes.len() {
                // Keras counts them from 1 and takes no negative ones.
                let axis = axes.get(i);
                if axis < 1 || axis > x.rank() as isize {
                    return Err(catalogue::axis(axis, x));
                }
                shape = shape.with_dim(axis as usize - 1, 1);
                i += 1;
            }
        }
        Ok(shape)
    }
}

impl Layer for PReLU {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let y = keras_kernels::Grad::write(call.outputs[0]);
        cx.device.map(&FORWARD, &[], &[call.inputs[0], call.weights[0]], &[y]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let (x, alpha, dy) = (call.inputs[0], call.weights[0], call.output_grads[0]);
        if let Some(dx) = call.input_grads[0] {
            cx.device.map(&GRAD, &[], &[x, alpha, dy], &[dx]);
        }
        if let Some(dalpha) = call.weight_grads[0] {
            cx.device.map(&ALPHA_GRAD, &[], &[x, dy], &[dalpha]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(PReLU::new()).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(PReLU::new().shared_axes([1])).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(PReLU::new().shared_axes([2, 1])).input(Spec::of(&[3, 2, 2])).run();
    }

    #[test]
    fn refusals() {
        let layer = PReLU::new().shared_axes([0]);
        let message = layer.plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message, "axis 0 is out of range for `[3]` (axis 0 is the batch)");
    }
}
