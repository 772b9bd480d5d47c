//! The models, up to the last activation.

use candle_core::{Error, Module, Result, Tensor};
use candle_nn::rnn::{GRUConfig, LSTMConfig, RNN, gru, lstm};

use crate::weights::{Normalized, Weights};

/// A model: takes samples, and whether it is trained.
pub type Model = Box<dyn Fn(&Tensor, bool) -> Result<Tensor>>;

pub fn build(name: &str, w: &mut Weights) -> Result<Model> {
    match name {
        "perceptron" => dense(w, &["hidden", "head"]),
        "mlp" => dense(w, &["hidden1", "hidden2", "head"]),
        "mnist" => mnist(w),
        "resnet20" => resnet20(w),
        "lstm" => text_lstm(w),
        "gru" => text_gru(w),
        other => Err(Error::Msg(format!("there is no workload {other}"))),
    }
}

fn dense(w: &mut Weights, names: &[&str]) -> Result<Model> {
    let layers = names.iter().map(|name| w.dense(name)).collect::<Result<Vec<_>>>()?;
    Ok(Box::new(move |x, _| {
        let (head, hidden) = layers.split_last().expect("a layer");
        let mut x = x.clone();
        for layer in hidden {
            x = layer.forward(&x)?.relu()?;
        }
        head.forward(&x)
    }))
}

fn mnist(w: &mut Weights) -> Result<Model> {
    let (first, second, head) = (w.conv("conv1", 1, 0)?, w.conv("conv2", 1, 0)?, w.dense("head")?);
    Ok(Box::new(move |x, _| {
        let x = first.forward(x)?.relu()?.max_pool2d(2)?;
        let x = second.forward(&x)?.relu()?.max_pool2d(2)?;
        // Keras flattens with channels last.
        head.forward(&x.permute((0, 2, 3, 1))?.flatten_from(1)?)
    }))
}

fn resnet20(w: &mut Weights) -> Result<Model> {
    struct Block(Normalized, Normalized, Option<Normalized>);
    let stem = w.normalized("stem", 1)?;
    let mut blocks = Vec::new();
    for (stage, block) in (0..3).flat_map(|stage| (0..3).map(move |block| (stage, block))) {
        let (name, stride) = (format!("s{stage}b{block}"), if stage > 0 && block == 0 { 2 } else { 1 });
        let short = (stride == 2).then(|| w.normalized(&format!("{name}_0"), 2)).transpose()?;
        blocks.push(Block(
            w.normalized(&format!("{name}_1"), stride)?,
            w.normalized(&format!("{name}_2"), 1)?,
            short,
        ));
    }
    let head = w.dense("head")?;
    Ok(Box::new(move |x, trains| {
        let mut x = stem.forward(x, trains)?.relu()?;
        for Block(first, second, short) in &blocks {
            let y = second.forward(&first.forward(&x, trains)?.relu()?, trains)?;
            let short = short.as_ref().map_or_else(|| Ok(x.clone()), |short| short.forward(&x, trains))?;
            x = (y + short)?.relu()?;
        }
        head.forward(&x.mean((2, 3))?)
    }))
}

fn text_lstm(w: &mut Weights) -> Result<Model> {
    let embedding = w.embedding("embedding")?;
    let part = |part: &str| w.get(&format!("rnn/lstm_cell/{part}")).cloned();
    let named = [
        ("weight_ih_l0", part("kernel")?.t()?),
        ("weight_hh_l0", part("recurrent_kernel")?.t()?),
        ("bias_ih_l0", part("bias")?),
    ];
    let config = LSTMConfig { b_hh_init: None, ..LSTMConfig::default() };
    let rnn = lstm(128, 128, config, w.builder(&named)?)?;
    let head = w.dense("head")?;
    Ok(Box::new(move |x, _| {
        let states = rnn.seq(&embedding.forward(x)?)?;
        head.forward(states.last().expect("steps").h())
    }))
}

fn text_gru(w: &mut Weights) -> Result<Model> {
    let embedding = w.embedding("embedding")?;
    let part = |part: &str| w.get(&format!("rnn/gru_cell/{part}")).cloned();
    // Keras: update, reset, candidate; candle: reset, update, candidate.
    let gates = |x: Tensor| {
        let last = x.rank() - 1;
        let parts = x.chunk(3, last)?;
        Tensor::cat(&[&parts[1], &parts[0], &parts[2]], last)
    };
    let bias = part("bias")?;
    let named = [
        ("weight_ih_l0", gates(part("kernel")?)?.t()?),
        ("weight_hh_l0", gates(part("recurrent_kernel")?)?.t()?),
        ("bias_ih_l0", gates(bias.get(0)?)?),
        ("bias_hh_l0", gates(bias.get(1)?)?),
    ];
    let rnn = gru(128, 128, GRUConfig::default(), w.builder(&named)?)?;
    let head = w.dense("head")?;
    Ok(Box::new(move |x, _| {
        let states = rnn.seq(&embedding.forward(x)?)?;
        head.forward(states.last().expect("steps").h())
    }))
}
