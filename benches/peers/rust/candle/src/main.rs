//! candle, for the side-by-side benchmark: see `../../README.md`.

#[path = "../../../protocol.rs"]
mod protocol;

mod models;
mod weights;

use candle_core::{DType, Device, Result, Tensor, Var};
use candle_nn::{AdamW, Optimizer, ParamsAdamW, SGD, loss, ops};
use protocol::{BATCHES, Failure, Outcome, Task, serve};
use weights::Weights;

fn main() -> std::result::Result<(), Failure> {
    let task = Task::read()?;
    let folder = task.folder.as_ref().ok_or("a folder is needed")?;
    let mut weights = Weights::load(&folder.join("weights.safetensors"))?;
    let model = models::build(&task.name, &mut weights)?;
    let words = matches!(&task.name[..], "lstm" | "gru");
    let shape: &[usize] = match &task.name[..] {
        "perceptron" => &[20],
        "mlp" => &[784],
        "mnist" => &[28, 28, 1],
        "resnet20" => &[32, 32, 3],
        _ => &[80],
    };
    let whole: Vec<usize> = std::iter::once(task.batch).chain(shape.iter().copied()).collect();
    let size = shape.iter().product();
    let samples = |tensor: Tensor| {
        if shape.len() == 3 { tensor.permute((0, 3, 1, 2))?.contiguous() } else { Ok(tensor) }
    };
    let x: Vec<Tensor> = if words {
        let all = task.numbers("x.bin", size, u32::from_le_bytes, |i| i as u32)?;
        all.into_iter().map(|x| Tensor::from_vec(x, whole.clone(), &Device::Cpu)).collect::<Result<_>>()?
    } else {
        let all = task.numbers("x.bin", size, f32::from_le_bytes, |i| i as f32)?;
        all.into_iter()
            .map(|x| samples(Tensor::from_vec(x, whole.clone(), &Device::Cpu)?))
            .collect::<Result<_>>()?
    };
    let version = "candle 0.11";
    if !task.trains {
        return serve(version, |steps| {
            let mut last = Vec::new();
            for at in (0..BATCHES).cycle().take(steps) {
                let out = model(&x[at], false)?;
                let out = if words { ops::sigmoid(&out)? } else { ops::softmax_last_dim(&out)? };
                last = out.flatten_all()?.to_vec1()?;
            }
            Ok(Outcome::output(&last))
        });
    }
    let y: Vec<Tensor> = if words {
        let all = task.numbers("y.bin", 1, f32::from_le_bytes, |_| 0.0)?;
        all.into_iter().map(|y| Tensor::from_vec(y, (task.batch, 1), &Device::Cpu)).collect::<Result<_>>()?
    } else {
        let all = task.numbers("y.bin", 1, u32::from_le_bytes, |_| 0)?;
        all.into_iter().map(|y| Tensor::from_vec(y, task.batch, &Device::Cpu)).collect::<Result<_>>()?
    };
    let mut step: Box<dyn FnMut(&Tensor) -> Result<()>> = match &task.name[..] {
        "perceptron" => {
            let mut sgd = SGD::new(weights.vars, 0.01)?;
            Box::new(move |loss| sgd.backward_step(loss))
        }
        "resnet20" => momentum(weights.vars, 0.01)?,
        _ => {
            let params = ParamsAdamW { lr: 1e-3, eps: 1e-7, weight_decay: 0.0, ..ParamsAdamW::default() };
            let mut adam = AdamW::new(weights.vars, params)?;
            Box::new(move |loss| adam.backward_step(loss))
        }
    };
    let mut batches = (0..BATCHES).cycle();
    serve(version, |steps| {
        let mut sum = 0.0;
        for at in batches.by_ref().take(steps) {
            let out = model(&x[at], true)?;
            let loss = if words {
                loss::binary_cross_entropy_with_logit(&out, &y[at])?
            } else {
                loss::cross_entropy(&out, &y[at])?
            };
            step(&loss)?;
            sum += f64::from(loss.to_scalar::<f32>()?);
        }
        Ok(Outcome::Loss(sum / steps as f64))
    })
}

/// Its SGD has no momentum.
fn momentum(vars: Vec<Var>, rate: f64) -> Result<Box<dyn FnMut(&Tensor) -> Result<()>>> {
    let velocities: Vec<Var> =
        vars.iter().map(|v| Var::zeros(v.shape(), DType::F32, &Device::Cpu)).collect::<Result<_>>()?;
    Ok(Box::new(move |loss| {
        let grads = loss.backward()?;
        for (var, velocity) in vars.iter().zip(&velocities) {
            if let Some(grad) = grads.get(var) {
                velocity.set(&((velocity.as_tensor() * 0.9)? - (grad * rate)?)?)?;
                var.set(&(var.as_tensor() + velocity.as_tensor())?)?;
            }
        }
        Ok(())
    }))
}
