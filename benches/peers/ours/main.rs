//! Our program of the side-by-side benchmark, see `../README.md`. Without a folder it makes up weights and data:
//!
//! ```sh
//! echo 100 | cargo bench --bench peers -- perceptron train 32 2
//! ```

#![allow(missing_docs)]

#[path = "../protocol.rs"]
mod protocol;

mod convolutional;
mod sequences;
mod small;

use keras::Element;
use keras::losses::Loss;
use keras::model::{Architecture, Dims, Holds};
use keras::optimizers::Optimizer;
use keras::prelude::*;
use protocol::{BATCHES, Failure, Outcome, Task, serve};

fn main() -> Result<(), Failure> {
    let task = Task::read()?;
    let momentum = |rate| SGD::new(rate).momentum(0.9);
    let classes = || Box::new(SparseCategoricalCrossentropy::new());
    let either = || Box::new(BinaryCrossentropy::new());
    match task.name.as_str() {
        "perceptron" => measure::<small::Perceptron, _, _, _>(&task, SGD::new(0.01), classes()),
        "mlp" => measure::<small::Mlp, _, _, _>(&task, Adam::new(1e-3), classes()),
        "mnist" => measure::<small::Mnist, _, _, _>(&task, Adam::new(1e-3), classes()),
        "resnet20" => measure::<convolutional::ResNet20, _, _, _>(&task, momentum(0.01), classes()),
        "resnet50" => measure::<convolutional::ResNet50, _, _, _>(&task, momentum(1e-3), classes()),
        "mobilenetv2" => measure::<convolutional::MobileNetV2, _, _, _>(&task, momentum(1e-3), classes()),
        "lstm" => measure::<sequences::Lstm, _, _, _>(&task, Adam::new(1e-3), either()),
        "gru" => measure::<sequences::Gru, _, _, _>(&task, Adam::new(1e-3), either()),
        "transformer" => measure::<sequences::Transformer, _, _, _>(&task, Adam::new(1e-4), either()),
        "vit" => measure::<sequences::Vit, _, _, _>(&task, Adam::new(1e-4), classes()),
        other => Err(format!("there is no workload {other}").into()),
    }
}

/// Numbers of which samples are made.
trait Number: Element {
    fn read(bytes: [u8; 4]) -> Self;
    fn noise(i: usize) -> Self;
}

impl Number for f32 {
    fn read(bytes: [u8; 4]) -> f32 {
        f32::from_le_bytes(bytes)
    }
    fn noise(i: usize) -> f32 {
        ((i as f32 * 12.9898).sin() * 43758.547).fract()
    }
}

impl Number for i32 {
    fn read(bytes: [u8; 4]) -> i32 {
        i32::from_le_bytes(bytes)
    }
    fn noise(i: usize) -> i32 {
        (i * 7919 % 2) as i32
    }
}

/// Serves the steps of one model, whose samples have the shape `D` and whose results are `N` numbers.
fn measure<M, D, T, const N: usize>(
    task: &Task,
    optimizer: impl Optimizer + 'static,
    loss: Box<dyn Loss>,
) -> Result<(), Failure>
where
    D: Dims,
    T: Number + Holds<T>,
    M: Architecture<Input = Batch<D, T>, Output = Batch<D1<N>>>,
{
    let version = concat!("keras-rs ", env!("CARGO_PKG_VERSION"));
    let device = Device::cpu_with_threads(task.threads);
    let mut model = match &task.folder {
        Some(folder) => Model::<M>::load(folder.join("model.keras"), device)?,
        None => Model::<M>::new(device),
    };
    let x = task.numbers("x.bin", D::SHAPE.size(), T::read, T::noise)?;
    let x: Vec<Batch<D, T>> = x.into_iter().map(Batch::new).collect::<keras::Result<_>>()?;
    if !task.trains {
        return serve(version, |steps| {
            let mut last = None;
            for at in (0..BATCHES).cycle().take(steps) {
                last = Some(model.predict_on_batch(&x[at])?);
            }
            Ok(Outcome::output(last.ok_or("no steps")?.as_slice()))
        });
    }
    // One probability has labels that are floats in the file.
    let label: fn([u8; 4]) -> i32 = if N == 1 { |bytes| f32::read(bytes) as i32 } else { i32::read };
    let y = task.numbers("y.bin", 1, label, i32::noise)?;
    let y: Vec<Batch<D0, i32>> = y.into_iter().map(Batch::new).collect::<keras::Result<_>>()?;
    let mut model = model.compile(optimizer, loss, metrics![]);
    let mut batches = (0..BATCHES).cycle();
    serve(version, |steps| {
        let mut sum = 0.0;
        for at in batches.by_ref().take(steps) {
            sum += model.train_on_batch(&x[at], &y[at])?["loss"];
        }
        Ok(Outcome::Loss(sum / steps as f64))
    })
}
