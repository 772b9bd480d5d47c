//! What the layers that add noise in training share.

use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::random::Stream;
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use super::walks;
use crate::layer::{Call, Context};
use crate::layers::options::PartialShape;
use crate::plan::{Message, Plan, PlanResult, Spec, catalogue};

/// `a + b`.
pub(crate) const ADD: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Add, 0, 1)], outputs: &[2] };
/// `a * b`.
pub(crate) const MUL: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Mul, 0, 1)], outputs: &[2] };

/// The plan of a layer whose output has its input's shape, with this rate.
pub(crate) const fn plan(x: &Spec, rate: f64) -> PlanResult {
    if !x.dtype().is_float() {
        return Err(catalogue::float(x));
    }
    if !(rate >= 0.0 && rate <= 1.0) {
        return Err(Message::new("`rate` must be between 0 and 1"));
    }
    Ok(Plan::new(*x))
}

/// Refuses a noise shape that the input cannot take: full, batch first; -1 takes the input's dimension.
pub(crate) const fn check_shape(noise: &PartialShape, x: &Spec) -> Result<(), Message> {
    let mut fits = noise.len() == x.rank() + 1;
    let mut i = 0;
    while fits && i < noise.len() {
        fits = match noise.get(i) {
            None | Some(1) => true,
            // The batch's size is not known here.
            Some(n) => i > 0 && n == x.dim(i - 1),
        };
        i += 1;
    }
    if fits {
        return Ok(());
    }
    let message = Message::new(
        "`noise_shape` must have 1 or -1 for the batch, and 1 or the input's size for each dimension of ",
    );
    Err(message.spec(x))
}

/// The noise's shape for an input of this shape.
pub(crate) fn shape(noise: Option<PartialShape>, x: Shape) -> Shape {
    let Some(noise) = noise else { return x };
    let mut dims = [1; MAX_RANK];
    for (i, dim) in dims[..noise.len()].iter_mut().enumerate() {
        *dim = noise.get(i).unwrap_or(x.dim(i));
    }
    Shape::of(&dims[..noise.len()])
}

/// Where a layer's random numbers come from.
pub(crate) struct Draw<'a> {
    cx: &'a Context<'a>,
    stream: Stream,
}

impl<'a> Draw<'a> {
    /// Of the model's seed, or of the layer's own, which then takes its place.
    pub(crate) fn new(cx: &'a Context<'a>, call: &Call, seed: Option<u64>) -> Draw<'a> {
        let stream = call.stream(cx, 0);
        Draw { cx, stream: Stream { seed: seed.unwrap_or(stream.seed), ..stream } }
    }

    /// Drops numbers: `x / (1 - rate)` or 0. Elements share their fate where `noise` is 1. The gradient is the same function
    /// of the output's gradient.
    pub(crate) fn drop(&self, rate: f64, noise: Shape, from: View, to: Grad) {
        if !self.cx.training || rate == 0.0 {
            walks::copy(self.cx, from, to);
        } else if rate < 1.0 {
            self.cx.device.dropout(self.stream, rate, noise, from, to);
        } else if !to.adds() {
            self.cx.device.fill(0.0, to.view);
        }
    }

    /// Normal numbers.
    pub(crate) fn normal(&self, mean: f64, stddev: f64, to: View) {
        self.cx.device.normal(self.stream, mean, stddev, false, to);
    }

    /// Uniform numbers in 0..1.
    pub(crate) fn uniform(&self, to: View) {
        self.cx.device.uniform(self.stream, 0.0, 1.0, to);
    }
}
