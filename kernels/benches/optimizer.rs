//! Optimizer passes on one thread, as a share of the copy bandwidth measured in turn with them:
//! `cargo bench -p keras-kernels --bench optimizer`.

use std::hint::black_box;
use std::time::Instant;

use keras_kernels::optimizer::{Adam, Before, MAX_SCALARS, Rule, Sgd};
use keras_kernels::{Device, Shape, View};

struct Tensor(#[allow(dead_code)] Vec<f32>, View);

fn tensor(n: usize) -> Tensor {
    let mut data: Vec<f32> = (0..n).map(|i| (i % 1000) as f32 / 250.0 + 0.1).collect();
    // SAFETY: the vector lies beside the view, and its elements do not move.
    let view = unsafe { View::of(&mut data, Shape::of(&[n])) };
    Tensor(data, view)
}

fn main() {
    // What runs outside of a device's own pool stays on one thread.
    rayon::ThreadPoolBuilder::new().num_threads(1).build_global().expect("the pool is built first");
    let device = Device::cpu();
    let rules: [(&str, Rule); 3] = [
        ("sgd", Sgd { momentum: 0.0, nesterov: false }.into()),
        ("momentum", Sgd { momentum: 0.9, nesterov: false }.into()),
        ("adam", Adam { beta_1: 0.9, beta_2: 0.999, epsilon: 1e-7, amsgrad: false }.into()),
    ];
    for n in [10_000, 500_000, 20_000_000] {
        let [weights, grads] = [0; 2].map(|_| tensor(n));
        let slots = [0; 2].map(|_| tensor(n));
        let views = [slots[0].1, slots[1].1];
        let (from, mut to) = (vec![1f32; 4 * n], vec![0f32; 4 * n]);
        let repeats = (2_000_000 / n).max(1);
        let mut copy = f64::MAX;
        let mut best = [f64::MAX; 3];
        for _ in 0..15 {
            let start = Instant::now();
            for _ in 0..repeats {
                to.copy_from_slice(black_box(&from));
                black_box(&mut to);
            }
            copy = copy.min(start.elapsed().as_secs_f64());
            for (best, (_, rule)) in best.iter_mut().zip(&rules) {
                let start = Instant::now();
                for _ in 0..repeats {
                    let (scalars, slots) = ([1e-3; MAX_SCALARS], &views[..rule.slots()]);
                    device.update(rule, &Before::NOTHING, &scalars, weights.1, grads.1, slots);
                }
                *best = best.min(start.elapsed().as_secs_f64());
            }
        }
        let gigabytes = |floats: usize, seconds: f64| (4 * floats * n * repeats) as f64 / seconds / 1e9;
        let copy = gigabytes(8, copy);
        print!("{n} weights: copy {copy:.1} GB/s");
        for (best, (name, rule)) in best.iter().zip(&rules) {
            // Read: weight, gradient, slots; written: weight, slots.
            let speed = gigabytes(3 + 2 * rule.slots(), *best);
            print!(", {name} {speed:.1} ({:.0} %)", speed / copy * 100.0);
        }
        println!();
    }
}
