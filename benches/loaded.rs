//! Models in source beside the same ones from their files, in turn in one process: predictions and training steps.
//!
//! `cargo bench --bench loaded` (`THREADS=2` for two threads). A ratio is that of the times of two neighbouring rounds, of which
//! each does the same; what is printed is the median of all. The last column is the same for two models in source: the noise.

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use keras::graph::{LoadedModel, TrainingBatch};
use keras::layers::Registry;
use keras::model::Ports;
use keras::prelude::*;
use keras::saving::Array;

model! {
    /// 1,002 parameters.
    pub Perceptron([20]) -> [10] = [Dense(32, activation = relu), Dense(10, activation = softmax)]
}

model! {
    pub Mlp([784]) -> [10] = [Dense(512, activation = relu), Dense(512, activation = relu), Dense(10, activation = softmax)]
}

model! {
    pub Convnet([28, 28, 1]) -> [10] = [
        Conv2D(32, 3, activation = relu),
        MaxPooling2D(2),
        Conv2D(64, 3, activation = relu),
        MaxPooling2D(2),
        Flatten,
        Dropout(0.5),
        Dense(10, activation = softmax),
    ]
}

model! {
    pub Sentences([i32; 80]) -> [10] = [Embedding(5000, 32), LSTM(32), Dense(10, activation = softmax)]
}

model! {
    pub Residual(x: [16, 16, 3]) -> [10] {
        let block = |x| {
            let y = Activation(relu)(BatchNormalization()(Conv2D(16, 3, padding = same)(x)));
            let y = BatchNormalization()(Conv2D(16, 3, padding = same)(y));
            Activation(relu)(x + y)
        };
        let mut h = Conv2D(16, 3, padding = same, activation = relu)(x);
        for _ in 0..3 { h = block(h); }
        Dense(10, activation = softmax)(GlobalAveragePooling2D()(h))
    }
}

/// How long a round should take, and how many there are.
const ROUND: Duration = Duration::from_millis(4);
const ROUNDS: usize = 301;

fn time(calls: usize, work: &mut dyn FnMut()) -> f64 {
    let start = Instant::now();
    (0..calls).for_each(|_| work());
    start.elapsed().as_secs_f64()
}

/// Median time of a call of the first, in microseconds, and the median ratio of each other one to it.
fn compare<const N: usize>(mut works: [&mut dyn FnMut(); N]) -> (f64, [f64; N]) {
    works.iter_mut().for_each(|work| work());
    let once = time(3, works[0]) / 3.0;
    let calls = (ROUND.as_secs_f64() / once).ceil().max(1.0) as usize;
    let rounds =
        if calls == 1 { (ROUNDS as f64 * ROUND.as_secs_f64() / once).max(41.0) as usize } else { ROUNDS };
    let (mut first, mut ratios) = (Vec::new(), [const { Vec::new() }; N]);
    for round in 0..rounds {
        // Each is as often before the others as after them.
        let mut times = [0.0; N];
        for at in 0..N {
            let at = (at + round) % N;
            times[at] = time(calls, works[at]);
        }
        first.push(times[0] / calls as f64 * 1e6);
        ratios.iter_mut().zip(times).for_each(|(ratios, time)| ratios.push(time / times[0]));
    }
    let median = |mut all: Vec<f64>| {
        all.sort_by(f64::total_cmp);
        all[all.len() / 2]
    };
    (median(first), ratios.map(median))
}

/// A batch as an array of a file.
fn array(batch: &impl Ports) -> Array {
    let port = batch.port(0);
    let shape = std::iter::once(port.len).chain(port.shape.dims()).collect();
    Array::new(shape, port.dtype.into(), port.bytes.to_vec()).expect("sizes agree")
}

fn open(path: &Path, device: &Device) -> LoadedModel {
    LoadedModel::open(path, &Registry::new(), device.clone()).expect("opens")
}

fn row(name: &str, what: &str, (median, [_, loaded, other]): (f64, [f64; 3])) {
    println!("{name:<24} {what:<10} {median:>10.2} us {loaded:>8.3} {other:>8.3}");
}

macro_rules! case {
    ($folder:expr, $device:expr, $name:literal, $model:ident, $batch:literal, $x:expr) => {{
        let (device, x) = (&$device, $x);
        let y: Batch<D0, u8> =
            Batch::new((0..$batch).map(|i| (i % 10) as u8).collect()).expect("whole samples");
        let path: PathBuf = $folder.join(concat!(stringify!($model), ".keras"));
        let make = || {
            let loss = SparseCategoricalCrossentropy::new();
            Model::<$model>::new(device.clone()).compile(SGD::new(0.001), loss, metrics![])
        };
        let (mut model, mut other) = (make(), make());
        model.save(&path).expect("saves");
        let mut loaded = open(&path, device);
        let (xs, ys) = ([array(&x)], [array(&y)]);
        let batch = TrainingBatch { x: &xs, y: &ys, sample_weight: None, class_weight: &[] };
        assert_eq!(array(&model.predict(&x).expect("predicts")), loaded.predict(&xs).expect("predicts")[0]);
        if $batch <= 32 {
            let (mut out, mut out_other) =
                (model.predict(&x).expect("predicts"), other.predict(&x).expect("predicts"));
            let mut outs = loaded.predict(&xs).expect("predicts");
            let times = compare([
                &mut || model.predict_into(black_box(&x), &mut out).expect("predicts"),
                &mut || loaded.predict_into(black_box(&xs), &mut outs).expect("predicts"),
                &mut || other.predict_into(black_box(&x), &mut out_other).expect("predicts"),
            ]);
            row($name, "in place", times);
            let mut outs: Vec<f32> = outs[0].to_f64().iter().map(|y| *y as f32).collect();
            let shape: Vec<usize> = xs[0].shape.clone();
            let mut function = loaded.make_predict_function(&[&shape]).expect("takes the shape");
            let times = compare([
                &mut || model.predict_into(black_box(&x), &mut out).expect("predicts"),
                &mut || {
                    function.set_input(0, black_box(x.as_slice())).expect("fits");
                    function.run().expect("runs");
                    function.output(0, &mut outs).expect("fits");
                },
                &mut || other.predict_into(black_box(&x), &mut out_other).expect("predicts"),
            ]);
            row($name, "function", times);
        }
        let times = compare([
            &mut || drop(black_box(model.predict_batched(black_box(&x), $batch).expect("predicts"))),
            &mut || drop(black_box(loaded.predict_in_batches(black_box(&xs), $batch).expect("predicts"))),
            &mut || drop(black_box(other.predict_batched(black_box(&x), $batch).expect("predicts"))),
        ]);
        row($name, "predict", times);
        let times = compare([
            &mut || drop(black_box(model.train_on_batch(black_box(&x), &y).expect("trains"))),
            &mut || drop(black_box(loaded.train_on_batch(black_box(&batch)).expect("trains"))),
            &mut || drop(black_box(other.train_on_batch(black_box(&x), &y).expect("trains"))),
        ]);
        row($name, "train", times);
    }};
}

fn floats<D: keras::model::Dims>(samples: usize) -> Batch<D> {
    let mut batch = Batch::zeros(samples);
    let number = |i: usize| ((i as f32 * 12.9898).sin() * 43758.547).fract();
    batch.as_mut_slice().iter_mut().enumerate().for_each(|(i, x)| *x = number(i));
    batch
}

fn main() {
    let threads = std::env::var("THREADS").ok().and_then(|n| n.parse().ok()).unwrap_or(1);
    let device = Device::cpu_with_threads(threads);
    let folder = Path::new(env!("CARGO_TARGET_TMPDIR")).join("loaded");
    std::fs::create_dir_all(&folder).expect("a folder for the files");
    println!("{:<24} {:<10} {:>13} {:>8} {:>8}", "model, batch", "", "in source", "file", "again");
    case!(folder, device, "perceptron, 1", Perceptron, 1, floats::<D1<20>>(1));
    case!(folder, device, "perceptron, 32", Perceptron, 32, floats::<D1<20>>(32));
    case!(folder, device, "784-512-512-10, 128", Mlp, 128, floats::<D1<784>>(128));
    case!(folder, device, "MNIST convnet, 128", Convnet, 128, floats::<D3<28, 28, 1>>(128));
    let words = |n: usize| Batch::<D1<80>, i32>::new((0..n * 80).map(|i| (i * 7919 % 5000) as i32).collect());
    case!(folder, device, "LSTM classifier, 32", Sentences, 32, words(32).expect("whole samples"));
    case!(folder, device, "residual net, 32", Residual, 32, floats::<D3<16, 16, 3>>(32));
}
