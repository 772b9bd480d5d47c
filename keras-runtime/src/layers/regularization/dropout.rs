use keras_kernels::Grad;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::PartialShape;
use crate::layers::support::noise;
use crate::plan::{PlanResult, Spec};
use crate::{plan_inputs, plan_try};

/// Sets a random `rate` of its input to 0 in training and scales the rest by `1 / (1 - rate)`; does nothing in inference.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/regularization_layers/dropout/>; Srivastava et al., JMLR 15, 2014.
///
/// ```
/// use keras_runtime::layers::Dropout;
/// use keras_runtime::plan::Spec;
///
/// // All steps of a sequence lose the same features.
/// let layer = Dropout::new(0.2).noise_shape([-1, 1, 8]);
/// assert!(layer.plan(&[Spec::of(&[10, 8])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct Dropout {
    /// Share of what is dropped.
    pub rate: f64,
    /// Shape of the draw, batch first: 1 where elements share their fate, -1 (`None` in Keras) for the input's size
    /// (default: each element on its own).
    #[config(default = None)]
    pub noise_shape: Option<PartialShape>,
    /// Own seed (default: the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
}

impl Dropout {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if let Some(shape) = &self.noise_shape {
            plan_try!(noise::check_shape(shape, &inputs[0]));
        }
        noise::plan(&inputs[0], self.rate)
    }
}

impl Layer for Dropout {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Identity
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], Grad::write(call.outputs[0]));
        let draw = noise::Draw::new(cx, call, self.seed);
        draw.drop(self.rate, noise::shape(self.noise_shape, x.shape()), x, y);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dx) = call.input_grads[0] {
            let dy = call.output_grads[0];
            let draw = noise::Draw::new(cx, call, self.seed);
            draw.drop(self.rate, noise::shape(self.noise_shape, dy.shape()), dy, dx);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::testing::{LayerCheck, run_layer};

    #[test]
    fn gradients() {
        LayerCheck::new(Dropout::new(0.5)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(Dropout::new(0.3).noise_shape([-1, 1, 4])).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(Dropout::new(0.0)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(Dropout::new(1.0)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(Dropout::new(0.5)).input(Spec::of(&[3, 4])).inference().run();
    }

    #[test]
    fn drops_the_rate_and_scales_the_rest() {
        const N: usize = 10_000;
        let run = |layer: Dropout, training| {
            let x = (Spec::of(&[N]), vec![1.0; N]);
            run_layer(&layer, &[x], &[], DType::F32, training).unwrap().remove(0)
        };
        let y = run(Dropout::new(0.2), true);
        let kept = y.iter().filter(|v| **v != 0.0).count() as f64;
        assert!(y.iter().all(|v| *v == 0.0 || (*v - 1.25).abs() < 1e-6));
        // Five standard deviations of a binomial distribution.
        assert!((kept / N as f64 - 0.8).abs() < 5.0 * (0.2f64 * 0.8 / N as f64).sqrt(), "{kept} of {N} kept");
        assert_eq!(y, run(Dropout::new(0.2), true), "the same seed must drop the same");
        assert_ne!(y, run(Dropout::new(0.2).seed(1), true), "another seed must drop others");
        assert!(run(Dropout::new(0.2), false).iter().all(|v| *v == 1.0));
    }

    #[test]
    fn refusals() {
        let message = |layer: Dropout| layer.plan(&[Spec::of(&[3, 4])]).unwrap_err().to_string();
        assert_eq!(message(Dropout::new(1.5)), "`rate` must be between 0 and 1");
        assert_eq!(message(Dropout::new(f64::NAN)), "`rate` must be between 0 and 1");
        assert_eq!(
            message(Dropout::new(0.5).noise_shape([-1, 2, 4])),
            "`noise_shape` must have 1 or -1 for the batch, and 1 or the input's size for each dimension of `[3, 4]`"
        );
    }
}
