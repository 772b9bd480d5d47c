//! Resizing along one axis after the other: each is a product with a matrix of interpolation weights.
//!
//! Source: `jax.image.resize`, which Keras calls: centres of pixels at halves, weights that sum to 1 at the borders.

use std::f64::consts::PI;

use keras_kernels::activation::Activation;
use keras_kernels::matmul::{Gemm, Strides};
use keras_kernels::{Grad, Shape, View};

use crate::layer::Context;
use crate::layers::options::Interpolation;

/// Weight of a pixel at this distance.
fn kernel(interpolation: Interpolation, x: f64) -> f64 {
    let lanczos = |radius: f64| match x {
        x if x > radius => 0.0,
        x if x > 1e-3 => radius * (PI * x).sin() * (PI * x / radius).sin() / (PI * PI * x * x),
        _ => 1.0,
    };
    match interpolation {
        Interpolation::Nearest => f64::from(x <= 0.5),
        Interpolation::Bilinear => (1.0 - x).max(0.0),
        Interpolation::Bicubic if x < 1.0 => (1.5 * x - 2.5) * x * x + 1.0,
        Interpolation::Bicubic if x < 2.0 => ((-0.5 * x + 2.5) * x - 4.0) * x + 2.0,
        Interpolation::Bicubic => 0.0,
        Interpolation::Lanczos3 => lanczos(3.0),
        Interpolation::Lanczos5 => lanczos(5.0),
    }
}

/// Fills the matrix `[output, input]` of weights for an output at least as large as the input.
pub(crate) fn weights(cx: &Context<'_>, interpolation: Interpolation, to: View) {
    let (output, input) = (to.shape().dim(0), to.shape().dim(1));
    cx.device.fill(0.0, to);
    for row in 0..output {
        let at = (row as f64 + 0.5) * input as f64 / output as f64 - 0.5;
        let weight = |i: usize| kernel(interpolation, (at - i as f64).abs());
        let sum: f64 = (0..input).map(weight).sum();
        for i in 0..input {
            let weight = weight(i);
            if weight != 0.0 {
                cx.device.fill(weight / sum, to.cut(row * input + i, Shape::of(&[1])));
            }
        }
    }
}

/// `to = weights * from` along an axis; with `back`, the transposed weights, which is the gradient.
pub(crate) fn along(cx: &Context<'_>, axis: usize, weights: View, back: bool, from: View, to: Grad) {
    let shape = from.shape();
    let (outer, inner) = (shape.size_between(0, axis), shape.size_between(axis + 1, shape.rank()));
    let (k, m) = (shape.dim(axis), to.view.shape().dim(axis));
    let gemm = Gemm {
        batch: [outer, 1],
        a: if back { Strides::transposed(m) } else { Strides::rows(k) },
        b: Strides::rows(inner).batched(k * inner, 0),
        c: Strides::rows(inner).batched(m * inner, 0),
        ..Gemm::new(m, inner, k)
    };
    cx.device.gemm(&gemm, weights, from, None, Activation::Linear, to);
}
