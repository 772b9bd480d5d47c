//! Matrix products: `cargo bench -p keras-kernels --bench gemm`. The throughput column is floating-point operations a second.

use divan::Bencher;
use divan::counter::ItemsCount;
use keras_kernels::activation::Activation;
use keras_kernels::matmul::Gemm;
use keras_kernels::{Device, Grad, Shape, View};

fn main() {
    // What runs outside of a device's own pool stays on one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    divan::main();
}

/// Rows, columns, common dimension.
const SIZES: &[(usize, usize, usize)] = &[
    (16, 16, 16),
    (256, 256, 256),
    (512, 512, 512),
    (1024, 1024, 1024),
    (32, 128, 784),
    (32, 10, 128),
    (1, 128, 784),
    (1, 1024, 1024),
    (32, 4096, 1024),
    (128, 512, 784),
    (3136, 64, 576),
];

fn run(bencher: Bencher<'_, '_>, gemm: Gemm, threads: usize) {
    let device = if threads == 1 { Device::cpu() } else { Device::cpu_with_threads(threads) };
    let (mut a, mut b) = (vec![0.5f32; gemm.m * gemm.k], vec![0.25f32; gemm.k * gemm.n]);
    let mut c = vec![0f32; gemm.m * gemm.n];
    let view = |v: &mut Vec<f32>| {
        let shape = Shape::of(&[v.len()]);
        // SAFETY: the vectors outlive the views.
        unsafe { View::of(v, shape) }
    };
    let (a, b, c) = (view(&mut a), view(&mut b), view(&mut c));
    let mut product = || device.gemm(&gemm, a, b, None, Activation::Linear, Grad::write(c));
    let bencher = bencher.counter(ItemsCount::new(2 * gemm.m * gemm.n * gemm.k));
    if threads == 1 {
        bencher.bench_local(product);
    } else {
        bencher.bench_local(|| device.install(usize::MAX, &mut product));
    }
}

#[divan::bench(args = SIZES)]
fn one_thread(bencher: Bencher<'_, '_>, &(m, n, k): &(usize, usize, usize)) {
    run(bencher, Gemm::new(m, n, k), 1);
}

#[divan::bench(args = SIZES)]
fn two_threads(bencher: Bencher<'_, '_>, &(m, n, k): &(usize, usize, usize)) {
    run(bencher, Gemm::new(m, n, k), 2);
}

#[divan::bench(args = SIZES)]
fn weight_gradient(bencher: Bencher<'_, '_>, &(m, n, k): &(usize, usize, usize)) {
    run(bencher, Gemm::new(m, n, k).a_transposed(), 1);
}

#[divan::bench(args = SIZES)]
fn data_gradient(bencher: Bencher<'_, '_>, &(m, n, k): &(usize, usize, usize)) {
    run(bencher, Gemm::new(m, n, k).b_transposed(), 1);
}
