use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::{Grad, Shape};

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::PartialShape;
use crate::layers::support::{noise, walks};
use crate::plan::{Message, PlanResult, Spec};
use crate::{plan_inputs, plan_try};

/// Dropout that keeps the mean and variance of its input, for networks of `selu`: what is dropped gets the most negative value
/// of `selu`, then all is scaled and shifted. Does nothing in inference.
///
/// * Input: floats of any shape.
/// * Output: the same shape.
///
/// Source: <https://keras.io/api/layers/regularization_layers/alpha_dropout/>; Klambauer et al.,
/// <https://arxiv.org/abs/1706.02515>.
///
/// ```
/// use keras_runtime::layers::AlphaDropout;
/// use keras_runtime::plan::Spec;
///
/// assert!(AlphaDropout::new(0.1).plan(&[Spec::of(&[8])]).is_ok());
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct AlphaDropout {
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

/// `-alpha * scale` of `selu`: its limit at negative infinity.
const LOWEST: f64 = -1.673_263_242_354_377_2 * 1.050_700_987_355_480_5;

/// `a * (drawn >= rate ? x : lowest) + b`; scalars: rate, lowest, a, b.
const DROP: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Scalar(0),
        Instr::Scalar(1),
        Instr::Scalar(2),
        Instr::Scalar(3),
        Instr::Binary(Binary::GreaterEqual, 1, 2),
        Instr::Select(6, 0, 3),
        Instr::Binary(Binary::Mul, 7, 4),
        Instr::Binary(Binary::Add, 8, 5),
    ],
    outputs: &[9],
};
/// `drawn >= rate ? a * dy : 0`; scalars: rate, a.
const GRAD: Program<'static> = Program {
    instrs: &[
        Instr::Input(0),
        Instr::Input(1),
        Instr::Scalar(0),
        Instr::Scalar(1),
        Instr::Const(0.0),
        Instr::Binary(Binary::GreaterEqual, 1, 2),
        Instr::Binary(Binary::Mul, 0, 3),
        Instr::Select(5, 6, 4),
    ],
    outputs: &[7],
};

impl AlphaDropout {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = &inputs[0];
        if self.rate == 1.0 {
            return Err(Message::new(
                "`rate = 1` would drop everything: nothing could be scaled to keep the variance",
            ));
        }
        let plan = plan_try!(noise::plan(x, self.rate));
        if self.rate == 0.0 {
            return Ok(plan);
        }
        let Some(shape) = &self.noise_shape else { return Ok(plan.save(*x)) };
        plan_try!(noise::check_shape(shape, x));
        let mut sample = Shape::SCALAR;
        let mut i = 1;
        while i < shape.len() {
            sample = sample.insert(
                i - 1,
                match shape.get(i) {
                    Some(n) => n,
                    None => x.dim(i - 1),
                },
            );
            i += 1;
        }
        Ok(plan.save(match shape.get(0) {
            None => Spec::sample(sample),
            Some(batch) => Spec::fixed(sample.insert(0, batch)),
        }))
    }

    /// Factor and summand that restore variance and mean.
    fn affine(&self) -> (f64, f64) {
        let a = ((1.0 - self.rate) * (1.0 + self.rate * LOWEST * LOWEST)).powf(-0.5);
        (a, -a * LOWEST * self.rate)
    }
}

impl Layer for AlphaDropout {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Identity
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        let (x, y) = (call.inputs[0], Grad::write(call.outputs[0]));
        match call.saved.first() {
            Some(drawn) if cx.training => {
                noise::Draw::new(cx, call, self.seed).uniform(*drawn);
                let (a, b) = self.affine();
                cx.device.map(&DROP, &[self.rate, LOWEST, a, b], &[x, *drawn], &[y]);
            }
            _ => walks::copy(cx, x, y),
        }
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        let Some(dx) = call.input_grads[0] else { return };
        match call.saved.first() {
            Some(drawn) if cx.training => {
                cx.device.map(&GRAD, &[self.rate, self.affine().0], &[call.output_grads[0], *drawn], &[dx]);
            }
            _ => walks::copy(cx, call.output_grads[0], dx),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(AlphaDropout::new(0.5)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(AlphaDropout::new(0.5).noise_shape([1, 3, -1])).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(AlphaDropout::new(0.5).noise_shape([-1, 1, 4])).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(AlphaDropout::new(0.0)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(AlphaDropout::new(0.5)).input(Spec::of(&[3, 4])).inference().run();
    }

    #[test]
    fn keeps_mean_and_variance() {
        // The mixture of `a * x + b` and `a * lowest + b` for x of mean 0 and variance 1.
        for rate in [0.1, 0.5, 0.9] {
            let (a, b) = AlphaDropout::new(rate).affine();
            let low = a * LOWEST + b;
            let mean = (1.0 - rate) * b + rate * low;
            let square = (1.0 - rate) * (a * a + b * b) + rate * low * low;
            assert!(mean.abs() < 1e-12 && (square - 1.0).abs() < 1e-12);
        }
    }

    #[test]
    fn refusals() {
        let message = |layer: AlphaDropout| layer.plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(message(AlphaDropout::new(2.0)), "`rate` must be between 0 and 1");
    }
}
