//! Burn on its back end Flex, for the side-by-side benchmark: see `../../README.md`.

#[path = "../../../protocol.rs"]
mod protocol;

mod models;
mod weights;

use burn::nn::loss::{BinaryCrossEntropyLossConfig, CrossEntropyLossConfig};
use burn::optim::{AdamConfig, GradientsParams, ModuleOptimizer, SgdConfig, momentum::MomentumConfig};
use burn::prelude::*;
use burn::tensor::activation::{sigmoid, softmax};
use models::{Dense, Mnist, Net, ResNet20, Text};
use protocol::{BATCHES, Failure, Outcome, Task, serve};
use weights::Weights;

const VERSION: &str = "Burn 0.22 (Flex)";

fn main() -> Result<(), Failure> {
    let task = Task::read()?;
    let folder = task.folder.as_ref().ok_or("a folder is needed")?;
    let device = if task.trains { Device::flex().autodiff() } else { Device::flex() };
    let weights = Weights::load(&folder.join("weights.safetensors"), &device)?;
    match &task.name[..] {
        "perceptron" => {
            images(&task, Dense::new(&weights, &["hidden", "head"])?, [20], SgdConfig::new().init(), 0.01)
        }
        "mlp" => images(&task, Dense::new(&weights, &["hidden1", "hidden2", "head"])?, [784], adam(), 1e-3),
        "mnist" => images(&task, Mnist::new(&weights)?, [28, 28, 1], adam(), 1e-3),
        "resnet20" => {
            let momentum = MomentumConfig { momentum: 0.9, dampening: 0.0, nesterov: false };
            let sgd = SgdConfig::new().with_momentum(Some(momentum)).init();
            images(&task, ResNet20::new(&weights)?, [32, 32, 3], sgd, 0.01)
        }
        "lstm" | "gru" => text(&task, Text::new(&weights, &task.name)?, adam(), 1e-3),
        other => Err(format!("there is no workload {other}").into()),
    }
}

fn adam() -> ModuleOptimizer {
    AdamConfig::new().with_epsilon(1e-7).init()
}

/// Serves a model of floats that tells classes apart.
fn images<const R: usize, N: Net<R>, const S: usize>(
    task: &Task,
    net: N,
    shape: [usize; S],
    optimizer: ModuleOptimizer,
    rate: f64,
) -> Result<(), Failure> {
    let device = net.device();
    let all = task.numbers("x.bin", shape.iter().product(), f32::from_le_bytes, |i| i as f32)?;
    let whole: Vec<usize> = std::iter::once(task.batch).chain(shape).collect();
    let x: Vec<N::Input> =
        all.into_iter().map(|x| N::input(TensorData::new(x, whole.clone()), &device)).collect();
    if !task.trains {
        return infer(&net, &x, |out| softmax(out, 1));
    }
    let y = task.numbers("y.bin", 1, i32::from_le_bytes, |_| 0)?;
    let y: Vec<Tensor<1, Int>> = y.into_iter().map(|y| Tensor::from_data(y.as_slice(), &device)).collect();
    let loss = CrossEntropyLossConfig::new().init(&device);
    train(net, optimizer, rate, &x, |out, at| loss.forward(out, y[at].clone()))
}

/// Serves a model of words that tells one probability.
fn text(task: &Task, net: Text, optimizer: ModuleOptimizer, rate: f64) -> Result<(), Failure> {
    let device = net.device();
    let all = task.numbers("x.bin", 80, i32::from_le_bytes, |i| i as i32)?;
    let input = |x| Text::input(TensorData::new(x, [task.batch, 80]), &device);
    let x: Vec<Tensor<2, Int>> = all.into_iter().map(input).collect();
    if !task.trains {
        return infer(&net, &x, sigmoid);
    }
    let y = task.numbers("y.bin", 1, |b| f32::from_le_bytes(b) as i32, |_| 0)?;
    let y: Vec<Tensor<2, Int>> =
        y.into_iter().map(|y| Tensor::from_data(TensorData::new(y, [task.batch, 1]), &device)).collect();
    let loss = BinaryCrossEntropyLossConfig::new().with_logits(true).init(&device);
    train(net, optimizer, rate, &x, |out, at| loss.forward(out, y[at].clone()))
}

fn infer<const R: usize, N: Net<R>>(
    net: &N,
    x: &[N::Input],
    last: impl Fn(Tensor<2>) -> Tensor<2>,
) -> Result<(), Failure> {
    serve(VERSION, |steps| {
        let mut out = Vec::new();
        for at in (0..BATCHES).cycle().take(steps) {
            out = last(net.forward(x[at].clone()))
                .into_data()
                .try_into_vec::<f32>()
                .map_err(|e| format!("{e:?}"))?;
        }
        Ok(Outcome::output(&out))
    })
}

fn train<const R: usize, N: Net<R>>(
    net: N,
    mut optimizer: ModuleOptimizer,
    rate: f64,
    x: &[N::Input],
    loss: impl Fn(Tensor<2>, usize) -> Tensor<1>,
) -> Result<(), Failure> {
    let mut batches = (0..BATCHES).cycle();
    let mut net = Some(net);
    serve(VERSION, |steps| {
        let mut sum = 0.0;
        for at in batches.by_ref().take(steps) {
            let now = net.take().ok_or("a step failed")?;
            let loss = loss(now.forward(x[at].clone()), at);
            let grads = GradientsParams::from_grads(loss.backward(), &now);
            net = Some(optimizer.step(rate, now, grads));
            sum += f64::from(loss.into_scalar::<f32>());
        }
        Ok(Outcome::Loss(sum / steps as f64))
    })
}
