//! Elementwise chains, activations, softmax, reductions and normalization on one thread:
//! `cargo bench -p keras-kernels --bench elementwise`. The throughput column is elements a second.

use divan::Bencher;
use divan::counter::ItemsCount;
use keras_kernels::activation::Activation;
use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::norm::{Affine, Kind, Moments, Norm, Rectifier};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Device, Grad, Shape, View};

fn main() {
    // What runs outside of a device's own pool stays on one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    divan::main();
}

/// A vector and a view of it.
struct Tensor(#[allow(dead_code)] Vec<f32>, View);

fn tensor(dims: &[usize]) -> Tensor {
    let shape = Shape::of(dims);
    let mut data: Vec<f32> = (0..shape.size()).map(|i| (i % 1000) as f32 / 250.0 - 2.0).collect();
    // SAFETY: the vector lies beside the view, and its elements do not move.
    let view = unsafe { View::of(&mut data, shape) };
    Tensor(data, view)
}

#[divan::bench(args = ["relu", "exp", "sigmoid", "tanh", "gelu", "silu"])]
fn activation(bencher: Bencher<'_, '_>, name: &str) {
    let f = match name {
        "relu" => Activation::RELU,
        "exp" => Activation::Exponential,
        "sigmoid" => Activation::Sigmoid,
        "tanh" => Activation::Tanh,
        "gelu" => Activation::Gelu { approximate: false },
        _ => Activation::Silu,
    };
    let (device, n) = (Device::cpu(), 65_536);
    let (x, y) = (tensor(&[n]), tensor(&[n]));
    bencher.counter(ItemsCount::new(n)).bench_local(|| device.activation(f, x.1, y.1));
}

/// `y = a * b + c`, with `c` whole, a row, or a column.
#[divan::bench(args = ["whole", "row", "column"])]
fn map(bencher: Bencher<'_, '_>, third: &str) {
    let device = Device::cpu();
    let dims = [256, 256];
    let (a, b, y) = (tensor(&dims), tensor(&dims), tensor(&dims));
    let c = tensor(match third {
        "whole" => &dims,
        "row" => &[256],
        _ => &[256, 1],
    });
    let instrs = [
        Instr::Input(0),
        Instr::Input(1),
        Instr::Input(2),
        Instr::Binary(Binary::Mul, 0, 1),
        Instr::Binary(Binary::Add, 3, 2),
    ];
    let program = Program { instrs: &instrs, outputs: &[4] };
    bencher
        .counter(ItemsCount::new(65_536usize))
        .bench_local(|| device.map(&program, &[], &[a.1, b.1, c.1], &[Grad::write(y.1)]));
}

/// Rows and columns.
const TABLES: &[(usize, usize)] = &[(4096, 10), (1024, 64), (512, 512), (64, 4096)];

#[divan::bench(args = TABLES)]
fn softmax(bencher: Bencher<'_, '_>, (rows, columns): (usize, usize)) {
    let (device, x, y) = (Device::cpu(), tensor(&[rows, columns]), tensor(&[rows, columns]));
    bencher.counter(ItemsCount::new(rows * columns)).bench_local(|| device.softmax(x.1, 1, y.1));
}

#[divan::bench(args = TABLES)]
fn sum_of_rows(bencher: Bencher<'_, '_>, (rows, columns): (usize, usize)) {
    sum(bencher, rows, columns, 1);
}

#[divan::bench(args = TABLES)]
fn sum_of_columns(bencher: Bencher<'_, '_>, (rows, columns): (usize, usize)) {
    sum(bencher, rows, columns, 0);
}

fn sum(bencher: Bencher<'_, '_>, rows: usize, columns: usize, axis: usize) {
    let (device, x) = (Device::cpu(), tensor(&[rows, columns]));
    let y = tensor(&[if axis == 0 { columns } else { rows }]);
    let axes = Axes::NONE.with(axis);
    bencher
        .counter(ItemsCount::new(rows * columns))
        .bench_local(|| device.reduce(Reduce::Sum, axes, x.1, Grad::write(y.1)));
}

#[divan::bench(args = TABLES)]
fn layer_norm(bencher: Bencher<'_, '_>, (rows, columns): (usize, usize)) {
    norm(bencher, Norm::rows(rows, columns, Kind::Standard, 1e-3));
}

#[divan::bench(args = TABLES)]
fn batch_norm(bencher: Bencher<'_, '_>, (rows, columns): (usize, usize)) {
    norm(bencher, Norm::batch(rows, columns, 1e-3));
}

fn norm(bencher: Bencher<'_, '_>, norm: Norm) {
    let (n, weights, statistics) = (norm.size(), norm.weights(), norm.statistics());
    let (device, x, y) = (Device::cpu(), tensor(&[n]), tensor(&[n]));
    let (gamma, beta) = (tensor(&[weights]), tensor(&[weights]));
    let (mean, inverse) = (tensor(&[statistics]), tensor(&[statistics]));
    let affine = Affine { gamma: Some(gamma.1), beta: Some(beta.1), rectifier: Rectifier::Linear };
    let moments = Moments { mean: mean.1, inverse: inverse.1 };
    bencher
        .counter(ItemsCount::new(n))
        .bench_local(|| device.norm(&norm, x.1, None, affine, moments, None, y.1));
}
