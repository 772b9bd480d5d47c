//! A perceptron of about a thousand parameters predicts one sample, beside the same loops written by hand.
//!
//! `cargo bench --bench perceptron`

use divan::{Bencher, black_box};
use keras::prelude::*;

model! {
    /// 1,002 parameters.
    pub Perceptron([20]) -> [10] = [Dense(32, activation = relu), Dense(10)]
}

fn main() {
    divan::main();
}

fn sample() -> Batch<D1<20>> {
    let mut x = Batch::zeros(1);
    x.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = i as f32 / 20.0 - 0.5);
    x
}

#[divan::bench]
fn predict_into(bencher: Bencher<'_, '_>) {
    let mut model = Model::<Perceptron>::new(Device::default());
    let (x, mut y) = (sample(), Batch::zeros(1));
    bencher.bench_local(|| model.predict_into(black_box(&x), &mut y));
}

/// What a programmer would write for these sizes.
#[divan::bench]
fn by_hand(bencher: Bencher<'_, '_>) {
    let model = Model::<Perceptron>::new(Device::default());
    let network = model.network();
    let weights: Vec<Vec<f32>> =
        network.variables().iter().map(|v| network.read(v).iter().map(|w| *w as f32).collect()).collect();
    let (x, mut y) = (sample(), [0f32; 10]);
    bencher.bench_local(|| {
        let x: &[f32; 20] = black_box(x.as_slice().try_into().expect("20 numbers"));
        let mut hidden = [0f32; 32];
        hidden.copy_from_slice(&weights[1]);
        for (x, row) in x.iter().zip(weights[0].chunks_exact(32)) {
            hidden.iter_mut().zip(row).for_each(|(h, w)| *h += x * w);
        }
        hidden.iter_mut().for_each(|h| *h = h.max(0.0));
        y.copy_from_slice(&weights[3]);
        for (h, row) in hidden.iter().zip(weights[2].chunks_exact(10)) {
            y.iter_mut().zip(row).for_each(|(y, w)| *y += h * w);
        }
        black_box(&y);
    });
}

#[divan::bench]
fn train_on_batch_of_32(bencher: Bencher<'_, '_>) {
    let model = Model::<Perceptron>::new(Device::default());
    let mut model = model.compile(SGD::new(0.01), MeanSquaredError::new(), metrics![]);
    let (x, y): (Batch<D1<20>>, Batch<D1<10>>) = (Batch::zeros(32), Batch::zeros(32));
    bencher.bench_local(|| model.train_on_batch(black_box(&x), &y));
}
