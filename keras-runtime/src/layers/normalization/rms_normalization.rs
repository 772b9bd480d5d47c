use crate::layer::{Call, Context, Layer};
use crate::layers::normalization::standardize::{Standardize, masked_shape, sample_axes, weight_shape};
use crate::plan::{Ints, MaskRule, Message, Plan, PlanResult, Spec, WeightSpec, catalogue};
use crate::{Initializer, plan_inputs, plan_try};

/// Root mean square normalization: `x / sqrt(mean(x^2) + epsilon) * scale`.
///
/// * Input and output: any shape of at least one dimension. The axes must be the last ones: Keras broadcasts `scale` against
///   the end of the shape.
/// * Weights: `scale`, of the shape of the axes, which starts at one.
///
/// Source: Zhang and Sennrich, "Root Mean Square Layer Normalization", 2019;
/// <https://keras.io/api/layers/normalization_layers/rms_normalization/>.
///
/// ```
/// use keras_runtime::layers::RMSNormalization;
/// use keras_runtime::plan::Spec;
///
/// let plan = RMSNormalization::new().plan(&[Spec::of(&[12, 64])]).unwrap();
/// assert_eq!(plan.params(), 64);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(scale))]
pub struct RMSNormalization {
    /// Axes along which a sample is normalized (default the last).
    #[config(default = Ints::of([-1]))]
    pub axis: Ints,
    /// Added to the mean square (default 1e-6).
    #[config(default = 1e-6)]
    pub epsilon: f64,
}

impl RMSNormalization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let axes = plan_try!(sample_axes(&self.axis, x));
        if axes.as_slice()[0] + axes.len() != x.rank() {
            return Err(Message::new("`axis` must name the last axes of ").spec(x));
        }
        let statistics = Spec::sample(masked_shape(&x.shape(), &axes, false));
        let scale = WeightSpec::new("scale", weight_shape(&x.shape(), &axes), Initializer::Ones);
        let mut plan = Plan::new(*x).weight(scale).save(statistics).save(statistics);
        plan = plan.backward_scratch(statistics).backward_scratch(statistics);
        Ok(plan.mask(MaskRule::Drop))
    }

    fn standardize(&self, call: &Call) -> Standardize {
        let (shape, weight) = (call.inputs[0].shape(), call.weights[0].shape());
        let mut statistics = shape;
        for axis in shape.rank() - weight.rank()..shape.rank() {
            statistics = statistics.with_dim(axis, 1);
        }
        Standardize {
            shape,
            statistics,
            weights: weight,
            centered: false,
            averaged: true,
            epsilon: self.epsilon,
            limit: f64::INFINITY,
            gamma: Some(0),
            beta: None,
        }
    }
}

impl Layer for RMSNormalization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer, dims: &[usize]| LayerCheck::new(layer).input(Spec::of(dims)).run();
        check(RMSNormalization::new(), &[5]);
        check(RMSNormalization::new().epsilon(0.1), &[3, 4]);
        check(RMSNormalization::new().axis([1, 2]), &[3, 4]);
    }

    #[test]
    fn refusals() {
        let plan = RMSNormalization::new().axis([1]).plan(&[Spec::of(&[4, 3])]);
        assert_eq!(plan.unwrap_err().to_string(), "`axis` must name the last axes of `[4, 3]`");
    }
}
