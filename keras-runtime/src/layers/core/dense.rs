use keras_kernels::activation::Activation;
use keras_kernels::matmul::Gemm;
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Shape, View};

use crate::engine::Fuses;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::{activated, chain};
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};
use crate::{Constraint, Initializer, Regularizer, Weight, plan_inputs};

/// A fully connected layer: `activation(x W + b)`, along the last axis of its input.
///
/// * Input: `[.., features]`, at least one dimension a sample.
/// * Output: `[.., units]`.
/// * Weights: `kernel [features, units]`, `bias [units]`.
///
/// Source: <https://keras.io/api/layers/core_layers/dense/>.
///
/// ```
/// use keras_runtime::layers::Dense;
/// use keras_runtime::plan::Spec;
///
/// const HEAD: Dense = Dense::new(10);
/// let plan = HEAD.plan(&[Spec::of(&[128])]).unwrap();
/// assert_eq!(plan.params(), 1290);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Dense {
    /// Size of the output.
    pub units: usize,
    /// Applied to the result (default `linear`).
    #[config(default = Activation::Linear)]
    pub activation: Activation,
    /// Whether a bias is added (default true).
    #[config(default = true)]
    pub use_bias: bool,
    /// How the kernel starts (default `glorot_uniform`).
    #[config(default = Initializer::GLOROT_UNIFORM)]
    pub kernel_initializer: Initializer,
    /// How the bias starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub bias_initializer: Initializer,
    /// Penalty on the kernel (default none).
    #[config(default = None)]
    pub kernel_regularizer: Option<Regularizer>,
    /// Penalty on the bias (default none).
    #[config(default = None)]
    pub bias_regularizer: Option<Regularizer>,
    /// What the kernel is projected onto after each step (default nothing).
    #[config(default = None)]
    pub kernel_constraint: Option<Constraint>,
    /// What the bias is projected onto after each step (default nothing).
    #[config(default = None)]
    pub bias_constraint: Option<Constraint>,
    #[weight([input.last(), units], init = kernel_initializer, regularizer = kernel_regularizer,
             constraint = kernel_constraint)]
    kernel: Weight,
    #[weight([units], init = bias_initializer, regularizer = bias_regularizer, constraint = bias_constraint,
             when = use_bias)]
    bias: Weight,
}

impl Dense {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if self.units == 0 {
            return Err(catalogue::positive("units"));
        }
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if x.rank() == 0 {
            return Err(Message::new("needs an input of at least 1 dimension, found ").spec(x));
        }
        let output = x.with_last(self.units);
        activated::plan(self.__weights(Plan::new(output), inputs), self.activation, output)
    }

    /// The product as rows times columns: all dimensions but the last are rows.
    fn gemm(&self, x: View) -> Gemm {
        let features = x.shape().last();
        Gemm::new(x.size() / features.max(1), self.units, features)
    }
}

impl Layer for Dense {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn takes(&self, _inputs: &[Spec]) -> Fuses {
        Fuses { ending: self.activation.is_linear(), ..Fuses::default() }
    }

    fn compose(&self, cx: &Context<'_>, call: &Call, _scale: View, shift: View) {
        chain::add(cx.device, call.weights.get(1).copied(), shift);
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, bias) = (call.inputs[0], call.weights.get(1).copied());
        let (to, f) = activated::target(call, self.activation);
        cx.device.gemm_fused(&self.gemm(x), x, call.weights[0], &call.epilogue(bias, f), to);
        activated::finish(cx, call, self.activation);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let (x, kernel) = (call.inputs[0], call.weights[0]);
        let Gemm { m: rows, n: units, k: features, .. } = self.gemm(x);
        let dz = activated::gradient(cx, call, self.activation);
        if let Some(dkernel) = call.weight_grads[0] {
            let product = Gemm::new(features, units, rows).a_transposed();
            cx.device.gemm(&product, x, dz, None, Activation::Linear, dkernel);
        }
        if let Some(Some(dbias)) = call.weight_grads.get(1) {
            let rows = dz.reshape(Shape::of(&[rows, units]));
            cx.device.reduce(Reduce::Sum, Axes::NONE.with(0), rows, *dbias);
        }
        if let Some(dx) = call.input_grads[0] {
            let product = Gemm::new(rows, features, units).b_transposed();
            cx.device.gemm(&product, dz, kernel, None, Activation::Linear, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Dense::new(4)).input(Spec::of(&[3])).run();
        LayerCheck::new(Dense::new(2).use_bias(false)).input(Spec::of(&[5, 3])).run();
        LayerCheck::new(Dense::new(4).activation(Activation::Gelu { approximate: false }))
            .input(Spec::of(&[3]))
            .run();
        LayerCheck::new(Dense::new(4).activation(Activation::SOFTMAX)).input(Spec::of(&[3])).run();
    }

    #[test]
    fn frozen_weights_get_no_gradient() {
        LayerCheck::new(Dense::new(4)).input(Spec::of(&[3])).frozen().run();
    }

    #[test]
    fn refusals() {
        let message = |layer: Dense, input| layer.plan(&[input]).unwrap_err().to_string();
        assert_eq!(message(Dense::new(0), Spec::of(&[3])), "`units` must be at least 1, found 0");
        assert_eq!(
            message(Dense::new(1), Spec::of(&[])),
            "needs an input of at least 1 dimension, found `[]`"
        );
    }
}
