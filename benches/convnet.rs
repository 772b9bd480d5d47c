//! A training step of the network of `examples/fashion_mnist.rs` on 128 images of noise, beside a large product in turn with it:
//! `cargo bench --bench convnet` (`THREADS=1` for one thread).

use std::time::Instant;

use keras::prelude::*;

model! {
    Clothes([28, 28, 1]) -> [10] = [
        Conv2D(32, 3, padding = same, activation = relu),
        MaxPooling2D(2),
        Conv2D(64, 3, padding = same, activation = relu),
        MaxPooling2D(2),
        Flatten,
        Dropout(0.3),
        Dense(128, activation = relu),
        Dropout(0.3),
        Dense(10, activation = softmax),
    ]
}

model! { Product([1024]) -> [1024] = [Dense(1024, use_bias = false)] }

/// Multiplications of a step, twice: forward, and to weights and inputs (the images need no gradient).
const STEP: f64 =
    2.0 * 128.0 * (2.0 * 784.0 * 32.0 * 9.0 + 3.0 * 196.0 * 64.0 * 288.0 + 3.0 * 3136.0 * 128.0);
const PRODUCT: f64 = 2.0 * 1024.0 * 1024.0 * 1024.0;

fn main() -> keras::Result<()> {
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok());
    let device = threads.map_or_else(Device::default, Device::cpu_with_threads);
    let noise = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract().abs();
    let x: Batch<D3<28, 28, 1>> = Batch::new((0..128 * 784).map(noise).collect())?;
    let y: Batch<D0, u8> = Batch::new((0..128).map(|i| i % 10).collect())?;
    let loss = SparseCategoricalCrossentropy::new();
    let model = Model::<Clothes>::new(device.clone());
    let mut model = model.compile(Adam::new(1e-3), loss, metrics![Accuracy]);
    let mut product = Model::<Product>::new(device);
    let wide: Batch<D1<1024>> = Batch::new((0..1024 * 1024).map(noise).collect())?;
    let (mut step, mut best) = (f64::MAX, f64::MAX);
    for _ in 0..40 {
        let start = Instant::now();
        model.train_on_batch(&x, &y)?;
        step = step.min(start.elapsed().as_secs_f64());
        let start = Instant::now();
        product.predict_on_batch(&wide)?;
        best = best.min(start.elapsed().as_secs_f64());
    }
    let (speed, most) = (STEP / step / 1e9, PRODUCT / best / 1e9);
    println!(
        "step of 128 images: {:.1} ms, {speed:.0} GFLOP/s; product of 1024: {most:.0} GFLOP/s; share {:.0} %",
        step * 1e3,
        speed / most * 100.0
    );
    Ok(())
}
