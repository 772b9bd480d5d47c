use keras_kernels::Grad;

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::support::{noise, walks};
use crate::plan::{Message, PlanResult, Spec};
use crate::plan_inputs;

/// Multiplies with normal noise of mean 1 and standard deviation `sqrt(rate / (1 - rate))` in training; does nothing in
/// inference.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/regularization_layers/gaussian_dropout/>.
///
/// ```
/// use keras_runtime::layers::GaussianDropout;
/// use keras_runtime::plan::Spec;
///
/// assert!(GaussianDropout::new(0.1).plan(&[Spec::of(&[8])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct GaussianDropout {
    /// Rate of the dropout that has this deviation.
    pub rate: f64,
    /// Own seed (default: the model's).
    #[config(default = None)]
    pub seed: Option<u64>,
}

impl GaussianDropout {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        if self.rate == 1.0 {
            return Err(Message::new("`rate = 1` would need noise of infinite deviation"));
        }
        // Kept for backward: drawing them again would take longer than reading them.
        match noise::plan(&inputs[0], self.rate) {
            Ok(plan) if self.rate > 0.0 => Ok(plan.save(inputs[0])),
            other => other,
        }
    }
}

impl Layer for GaussianDropout {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Identity
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], Grad::write(call.outputs[0]));
        match call.saved.first() {
            Some(factors) if cx.training => {
                let stddev = (self.rate / (1.0 - self.rate)).sqrt();
                noise::Draw::new(cx, call, self.seed).normal(1.0, stddev, *factors);
                cx.device.map(&noise::MUL, &[], &[x, *factors], &[y]);
            }
            _ => walks::copy(cx, x, y),
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        match call.saved.first() {
            Some(factors) if cx.training => {
                cx.device.map(&noise::MUL, &[], &[call.output_grads[0], *factors], &[dx]);
            }
            _ => walks::copy(cx, call.output_grads[0], dx),
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
        LayerCheck::new(GaussianDropout::new(0.5)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(GaussianDropout::new(0.0)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(GaussianDropout::new(0.5)).input(Spec::of(&[3, 4])).inference().run();
    }

    #[test]
    fn has_the_deviation() {
        const N: usize = 10_000;
        let x = (Spec::of(&[N]), vec![2.0; N]);
        let y = run_layer(&GaussianDropout::new(0.2), &[x], &[], DType::F64, true).unwrap().remove(0);
        let mean = y.iter().sum::<f64>() / N as f64;
        let variance = y.iter().map(|v| (v - mean).powi(2)).sum::<f64>() / N as f64;
        // 2 times sqrt(0.2 / 0.8) is 1; five standard errors of a mean and of a variance.
        assert!((mean - 2.0).abs() < 5.0 / (N as f64).sqrt());
        assert!((variance - 1.0).abs() < 5.0 * (2.0 / N as f64).sqrt());
    }

    #[test]
    fn refusals() {
        let message = |rate| GaussianDropout::new(rate).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message(-0.1), "`rate` must be between 0 and 1");
        assert_eq!(message(1.0), "`rate = 1` would need noise of infinite deviation");
    }
}
