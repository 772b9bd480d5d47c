//! How the cost of a training step grows: with depth, width, batch, length of a sequence, size of an image, and the number of models in the
//! process. Each line doubles what the line before it had; beside time and memory stand their ratios to that line, and that of the
//! work: the multiplications of the layers.
//!
//! `cargo bench --bench growth` (`THREADS=2` for two threads).

use std::hint::black_box;
use std::time::Instant;

use keras::graph::{LoadedModel, Sequential, TrainingBatch};
use keras::layers::{Conv2D, Dense, GlobalAveragePooling2D, LSTM};
use keras::losses::MeanSquaredError;
use keras::prelude::*;
use keras::saving::Array;
use keras::{Activation, DType};

/// A model with what it is trained on.
struct Case {
    models: Vec<LoadedModel>,
    x: [Array; 1],
    y: [Array; 1],
    /// Multiplications of a sample's way forward.
    work: f64,
}

impl Case {
    fn new(models: usize, batch: usize, input: &[usize], work: f64, make: impl Fn() -> Sequential) -> Case {
        let device = device();
        let models = (0..models)
            .map(|seed| {
                let mut model = make().build_with(device.clone(), seed as u64).expect("a model");
                model.compile(SGD::new(1e-4), MeanSquaredError::new(), []).expect("compiles");
                model
            })
            .collect();
        let array = |dims: &[usize]| {
            let shape = [&[batch], dims].concat();
            let numbers = (0..shape.iter().product()).map(|i: usize| (i * 7919 % 1000) as f64 / 1000.0 - 0.5);
            let numbers: Vec<f64> = numbers.collect();
            Array::of(shape, DType::F32, &numbers)
        };
        Case { models, x: [array(input)], y: [array(&[1])], work: work * batch as f64 }
    }

    /// Bytes that a step's values, the variables and their gradients take.
    fn bytes(&self) -> usize {
        let of = |model: &LoadedModel| {
            let network = model.network().expect("it has trained");
            network.arena_bytes(self.x[0].shape[0], true) + 8 * model.count_params().expect("it is bound")
        };
        self.models.iter().map(of).sum()
    }

    fn step(&mut self) {
        let batch = TrainingBatch { x: &self.x, y: &self.y, sample_weight: None, class_weight: &[] };
        for model in &mut self.models {
            black_box(model.train_on_batch(&batch).expect("trains"));
        }
    }
}

fn device() -> Device {
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    Device::cpu_with_threads(threads)
}

/// Measures doubled cases, the sizes in turn.
fn grow(what: &str, sizes: &[usize], case: impl Fn(usize) -> Case) {
    let mut cases: Vec<Case> = sizes.iter().map(|&size| case(size)).collect();
    let turns: Vec<usize> =
        cases.iter_mut().map(|case| (0.02 / time(1, case)).ceil().max(1.0) as usize).collect();
    let mut times = vec![Vec::new(); cases.len()];
    for _ in 0..15 {
        for ((case, times), turns) in cases.iter_mut().zip(&mut times).zip(&turns) {
            times.push(time(*turns, case));
        }
    }
    println!(
        "\n| {what} | time, µs | memory, KiB | time x | memory x | work x |\n|---:|---:|---:|---:|---:|---:|"
    );
    let mut before: Option<[f64; 3]> = None;
    for ((case, times), size) in cases.iter().zip(&mut times).zip(sizes) {
        times.sort_by(f64::total_cmp);
        let now = [
            times[times.len() / 2] * 1e6,
            case.bytes() as f64 / 1024.0,
            case.work * case.models.len() as f64,
        ];
        let ratios = match before {
            Some(before) => [0, 1, 2].map(|i| format!("{:.2}", now[i] / before[i])).join(" | "),
            None => "| |".into(),
        };
        println!("| {size} | {:.0} | {:.0} | {ratios} |", now[0], now[1]);
        before = Some(now);
    }
}

/// Seconds of a step.
fn time(steps: usize, case: &mut Case) -> f64 {
    case.step();
    let start = Instant::now();
    (0..steps).for_each(|_| case.step());
    start.elapsed().as_secs_f64() / steps as f64
}

/// So many layers of so many units.
fn stack(depth: usize, width: usize) -> Sequential {
    let layer = |model: Sequential, _| model.add(Dense::new(width).activation(Activation::RELU));
    (0..depth).fold(Sequential::new([width]), layer).add(Dense::new(1))
}

fn main() {
    let dense = |depth: usize, width: usize| (depth * width * width + width) as f64;
    grow("depth: layers of 128 units, batch 32", &[4, 8, 16, 32, 64], |n| {
        Case::new(1, 32, &[128], dense(n, 128), move || stack(n, 128))
    });
    grow("width: 4 layers of so many units, batch 32", &[64, 128, 256, 512, 1024], |n| {
        Case::new(1, 32, &[n], dense(4, n), move || stack(4, n))
    });
    grow("batch: 4 layers of 256 units", &[16, 32, 64, 128, 256], |n| {
        Case::new(1, n, &[256], dense(4, 256), || stack(4, 256))
    });
    grow("length of a sequence: LSTM of 64 units, batch 16", &[20, 40, 80, 160], |n| {
        let model = move || Sequential::new([n, 32]).add(LSTM::new(64)).add(Dense::new(1));
        Case::new(1, 16, &[n, 32], (n * 4 * 64 * (32 + 64)) as f64, model)
    });
    grow("side of an image: convolutions of 16 and 32 filters, batch 8", &[16, 32, 64, 128], |n| {
        let model = move || {
            let convolutions = Sequential::new([n, n, 3]).add(Conv2D::new(16, 3)).add(Conv2D::new(32, 3));
            convolutions.add(GlobalAveragePooling2D::new()).add(Dense::new(1))
        };
        let work = (n - 2) * (n - 2) * 9 * 3 * 16 + (n - 4) * (n - 4) * 9 * 16 * 32;
        Case::new(1, 8, &[n, n, 3], work as f64, model)
    });
    grow("models in the process: 4 layers of 128 units, batch 32", &[1, 2, 4, 8, 16], |n| {
        Case::new(n, 32, &[128], dense(4, 128), || stack(4, 128))
    });
}
