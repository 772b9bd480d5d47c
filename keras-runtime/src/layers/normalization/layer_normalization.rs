use crate::layer::{Call, Context, Layer};
use crate::layers::normalization::standardize::{Standardize, masked_shape, sample_axes, weight_shape};
use crate::plan::{Ints, Message, Plan, PlanResult, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// Layer normalization: every sample (and position) has mean 0 and variance 1 along `axis`, then is scaled and shifted.
///
/// `(x - mean(x)) / sqrt(var(x) + epsilon) * gamma + beta`, with the biased variance.
///
/// * Input and output: any shape of at least one dimension.
/// * Weights: `gamma` (if `scale`) and `beta` (if `center`), both of the shape of the axes, in ascending order.
///
/// Source: Ba et al., "Layer Normalization", 2016; <https://keras.io/api/layers/normalization_layers/layer_normalization/>.
///
/// ```
/// use keras_runtime::layers::LayerNormalization;
/// use keras_runtime::plan::Spec;
///
/// let plan = LayerNormalization::new().plan(&[Spec::of(&[12, 64])]).unwrap();
/// assert_eq!(plan.params(), 128);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
#[layer(weights(gamma?, beta?))]
pub struct LayerNormalization {
    /// Axes along which a sample is normalized (default the last).
    #[config(default = Ints::of([-1]))]
    pub axis: Ints,
    /// Added to the variance (default 1e-3).
    #[config(default = 1e-3)]
    pub epsilon: f64,
    /// Whether `beta` is added (default true).
    #[config(default = true)]
    pub center: bool,
    /// Whether the result is multiplied by `gamma` (default true).
    #[config(default = true)]
    pub scale: bool,
    /// Keras' deprecated variant, which is refused: use [`crate::layers::RMSNormalization`] (default false).
    #[config(default = false)]
    pub rms_scaling: bool,
    /// How `beta` starts (default `zeros`).
    #[config(default = Initializer::Zeros)]
    pub beta_initializer: Initializer,
    /// How `gamma` starts (default `ones`).
    #[config(default = Initializer::Ones)]
    pub gamma_initializer: Initializer,
    /// Penalty on `beta` (default none).
    #[config(default = None)]
    pub beta_regularizer: Option<Regularizer>,
    /// Penalty on `gamma` (default none).
    #[config(default = None)]
    pub gamma_regularizer: Option<Regularizer>,
    /// What `beta` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub beta_constraint: Option<Constraint>,
    /// What `gamma` is projected onto after each step (default nothing).
    #[config(default = None)]
    pub gamma_constraint: Option<Constraint>,
}

impl LayerNormalization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if self.rms_scaling {
            return Err(Message::new("`rms_scaling` is deprecated in Keras: use `RMSNormalization`"));
        }
        let axes = plan_try!(sample_axes(&self.axis, x));
        let shape = weight_shape(&x.shape(), &axes);
        let statistics = Spec::sample(masked_shape(&x.shape(), &axes, false));
        let mut plan = Plan::new(*x).save(statistics).save(statistics);
        plan = plan.backward_scratch(statistics).backward_scratch(statistics);
        if self.scale {
            let gamma = WeightSpec::new("gamma", shape, self.gamma_initializer);
            plan = plan.weight(gamma.regularizer(self.gamma_regularizer).constraint(self.gamma_constraint));
        }
        if self.center {
            let beta = WeightSpec::new("beta", shape, self.beta_initializer);
            plan = plan.weight(beta.regularizer(self.beta_regularizer).constraint(self.beta_constraint));
        }
        Ok(plan)
    }

    fn standardize(&self, call: &Call) -> Option<Standardize> {
        let shape = call.inputs[0].shape();
        let sample = shape.remove(0);
        // The plan refused what has no axes.
        let axes = sample_axes(&self.axis, &Spec::sample(sample)).ok()?;
        Some(Standardize {
            shape,
            statistics: masked_shape(&sample, &axes, false).insert(0, shape.dim(0)),
            weights: masked_shape(&sample, &axes, true).insert(0, 1),
            centered: true,
            averaged: true,
            epsilon: self.epsilon,
            limit: f64::INFINITY,
            gamma: self.scale.then_some(0),
            beta: self.center.then_some(self.scale as usize),
        })
    }
}

impl Layer for LayerNormalization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(standardize) = self.standardize(call) {
            standardize.forward(cx, call);
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(standardize) = self.standardize(call) {
            standardize.backward(cx, call);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer, dims: &[usize]| LayerCheck::new(layer).input(Spec::of(dims)).run();
        check(LayerNormalization::new(), &[5]);
        check(LayerNormalization::new().epsilon(0.1), &[3, 4]);
        check(LayerNormalization::new().axis([1, 2]), &[3, 4]);
        check(LayerNormalization::new().axis([-1, 1]).scale(false), &[2, 3, 4]);
        check(LayerNormalization::new().axis([1]).center(false), &[4, 3]);
        check(LayerNormalization::new().center(false).scale(false), &[4]);
    }

    #[test]
    fn refusals() {
        let message = |layer: LayerNormalization| layer.plan(&[Spec::of(&[4, 3])]).unwrap_err().to_string();
        assert_eq!(message(LayerNormalization::new().axis([3])), "axis 3 is out of range for `[4, 3]`");
        assert_eq!(message(LayerNormalization::new().axis([-1, 2])), "`axis` names one axis twice");
    }
}
