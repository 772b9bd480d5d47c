use keras_kernels::Grad;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::{noise, walks};
use crate::plan::{Message, PlanResult, Spec};
use crate::plan_inputs;

/// Adds normal noise of standard deviation `stddev` in training; does nothing in inference.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/regularization_layers/gaussian_noise/>.
///
/// ```
/// use keras_runtime::layers::GaussianNoise;
/// use keras_runtime::plan::Spec;
///
/// assert!(GaussianNoise::new(0.1).plan(&[Spec::of(&[8])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct GaussianNoise {
    /// Standard deviation.
    pub stddev: f64,
    /// Own seed (default: the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
}

impl GaussianNoise {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if !(self.stddev >= 0.0 && self.stddev <= 1.0) {
            return Err(Message::new("`stddev` must be between 0 and 1"));
        }
        noise::plan(&inputs[0], 0.0)
    }
}

impl Layer for GaussianNoise {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Identity
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], call.outputs[0]);
        if !cx.training || self.stddev == 0.0 {
            return walks::copy(cx, x, Grad::write(y));
        }
        noise::Draw::new(cx, call, self.seed).normal(0.0, self.stddev, y);
        cx.device.map(&noise::ADD, &[], &[x, y], &[Grad::write(y)]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if let Some(dx) = call.input_grads[0] {
            walks::copy(cx, call.output_grads[0], dx);
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
        LayerCheck::new(GaussianNoise::new(0.5)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(GaussianNoise::new(0.5)).input(Spec::of(&[3, 4])).inference().run();
    }

    #[test]
    fn has_the_deviation() {
        const N: usize = 10_000;
        let x = (Spec::of(&[N]), vec![2.0; N]);
        let y = run_layer(&GaussianNoise::new(0.5), &[x], &[], DType::F64, true).unwrap().remove(0);
        let mean = y.iter().sum::<f64>() / N as f64;
        let variance = y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / N as f64;
        // Five standard errors of a mean and of a variance.
        assert!((mean - 2.0).abs() < 5.0 * 0.5 / (N as f64).sqrt());
        assert!((variance - 0.25).abs() < 5.0 * 0.25 * (2.0 / N as f64).sqrt());
    }

    #[test]
    fn refusals() {
        let message = GaussianNoise::new(2.0).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message, "`stddev` must be between 0 and 1");
    }
}
