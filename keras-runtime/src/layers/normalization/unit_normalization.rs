use crate::layer::{Call, Context, Layer};
use crate::layers::normalization::standardize::{Standardize, masked_shape, sample_axes};
use crate::plan::{Ints, Plan, PlanResult, Spec, catalogue};
use crate::{plan_inputs, plan_try};

/// Vectors of length 1: `x / |x|` along `axis`.
///
/// * Input and output: any shape of at least one dimension. A zero vector stays zero: the inverse length is at most 1e12.
///
/// Source: <https://keras.io/api/layers/normalization_layers/unit_normalization/>.
///
/// ```
/// use keras_runtime::layers::UnitNormalization;
/// use keras_runtime::plan::Spec;
///
/// let plan = UnitNormalization::new().plan(&[Spec::of(&[12, 64])]).unwrap();
/// assert_eq!(plan.params(), 0);
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct UnitNormalization {
    /// Axes along which the length is taken (default the last).
    #[config(default = Ints::of([-1]))]
    pub axis: Ints,
}

/// Most that the inverse length can be: Keras' epsilon for this layer is 1e-12.
const LIMIT: f64 = 1e12;

impl UnitNormalization {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        self.unit_length().plan(inputs)
    }

    const fn unit_length(&self) -> UnitLength {
        UnitLength { axis: self.axis, limit: LIMIT }
    }
}

impl Layer for UnitNormalization {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.unit_length().forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.unit_length().backward(cx, call);
    }
}

/// `x` times its inverse length along axes: the layer, and `normalize` of `keras.ops`.
#[derive(Clone, Copy)]
pub(crate) struct UnitLength {
    /// The axes.
    pub axis: Ints,
    /// Most that the inverse length can be.
    pub limit: f64,
}

impl UnitLength {
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        let axes = plan_try!(sample_axes(&self.axis, x));
        let statistics = Spec::sample(masked_shape(&x.shape(), &axes, false));
        Ok(Plan::new(*x).save(statistics).backward_scratch(statistics))
    }

    fn standardize(&self, call: &Call) -> Standardize {
        Standardize {
            shape: call.inputs[0].shape(),
            statistics: call.saved[0].shape(),
            weights: call.saved[0].shape(),
            centered: false,
            averaged: false,
            epsilon: 0.0,
            limit: self.limit,
            gamma: None,
            beta: None,
        }
    }

    pub fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).forward(cx, call);
    }

    pub fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.standardize(call).backward(cx, call);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::testing::{LayerCheck, run_layer};

    #[test]
    fn gradients() {
        let check = |layer, dims: &[usize]| LayerCheck::new(layer).input(Spec::of(dims)).run();
        check(UnitNormalization::new(), &[5]);
        check(UnitNormalization::new().axis([1]), &[3, 4]);
        check(UnitNormalization::new().axis([1, -1]), &[2, 3, 2]);
    }

    #[test]
    fn zero_stays_zero() {
        let input = (Spec::of(&[2]), vec![0.0, 0.0, 3.0, -4.0]);
        let y = run_layer(&UnitNormalization::new(), &[input], &[], DType::F64, false).unwrap();
        assert_eq!(y[0][..2], [0.0, 0.0]);
        assert!((y[0][2] - 0.6).abs() < 1e-15 && (y[0][3] + 0.8).abs() < 1e-15);
    }
}
