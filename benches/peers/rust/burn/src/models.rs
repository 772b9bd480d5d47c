//! The models, up to the last activation.

use burn::module::Module;
use burn::nn::conv::Conv2d;
use burn::nn::gru::{Gru, GruConfig};
use burn::nn::pool::{MaxPool2d, MaxPool2dConfig};
use burn::nn::{BatchNorm, Embedding, GateController, Linear, Lstm, LstmConfig, PaddingConfig2d};
use burn::prelude::*;
use burn::tensor::activation::relu;

use crate::protocol::Failure;
use crate::weights::Weights;

/// A model for samples of a rank.
pub trait Net<const R: usize>: Module {
    type Input: Clone;
    fn input(data: TensorData, device: &Device) -> Self::Input;
    fn device(&self) -> Device;
    fn forward(&self, x: Self::Input) -> Tensor<2>;
}

#[derive(Module, Debug)]
pub struct Dense {
    layers: Vec<Linear>,
}

impl Dense {
    pub fn new(w: &Weights, names: &[&str]) -> Result<Dense, Failure> {
        Ok(Dense { layers: names.iter().map(|name| w.dense(name)).collect::<Result<_, _>>()? })
    }
}

impl Net<2> for Dense {
    type Input = Tensor<2>;

    fn input(data: TensorData, device: &Device) -> Tensor<2> {
        Tensor::from_data(data, device)
    }

    fn device(&self) -> Device {
        self.layers[0].weight.val().device()
    }

    fn forward(&self, mut x: Tensor<2>) -> Tensor<2> {
        for (at, layer) in self.layers.iter().enumerate() {
            x = layer.forward(x);
            if at + 1 < self.layers.len() {
                x = relu(x);
            }
        }
        x
    }
}

#[derive(Module, Debug)]
pub struct Mnist {
    first: Conv2d,
    second: Conv2d,
    pool: MaxPool2d,
    head: Linear,
}

impl Mnist {
    pub fn new(w: &Weights) -> Result<Mnist, Failure> {
        Ok(Mnist {
            first: w.conv("conv1", 1, PaddingConfig2d::Valid)?,
            second: w.conv("conv2", 1, PaddingConfig2d::Valid)?,
            pool: MaxPool2dConfig::new([2, 2]).with_strides([2, 2]).init(),
            head: w.dense("head")?,
        })
    }
}

impl Net<4> for Mnist {
    type Input = Tensor<4>;

    fn input(data: TensorData, device: &Device) -> Tensor<4> {
        channels_first(data, device)
    }

    fn device(&self) -> Device {
        self.head.weight.val().device()
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let x = self.pool.forward(relu(self.first.forward(x)));
        let x = self.pool.forward(relu(self.second.forward(x)));
        // Keras flattens with channels last.
        self.head.forward(x.permute([0, 2, 3, 1]).flatten(1, 3))
    }
}

/// Images as Burn takes them, from channels last.
fn channels_first(data: TensorData, device: &Device) -> Tensor<4> {
    let turned = Tensor::<4>::from_data(data, device).permute([0, 3, 1, 2]);
    Tensor::from_data(turned.into_data(), device)
}

#[derive(Module, Debug)]
pub struct Normalized {
    conv: Conv2d,
    norm: BatchNorm,
}

impl Normalized {
    fn new(w: &Weights, name: &str, stride: usize) -> Result<Normalized, Failure> {
        Ok(Normalized {
            conv: w.conv(name, stride, PaddingConfig2d::Same)?,
            norm: w.norm(&format!("{name}_norm"))?,
        })
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<4> {
        self.norm.forward(self.conv.forward(x))
    }
}

#[derive(Module, Debug)]
pub struct Block {
    first: Normalized,
    second: Normalized,
    short: Option<Normalized>,
}

#[derive(Module, Debug)]
pub struct ResNet20 {
    stem: Normalized,
    blocks: Vec<Block>,
    head: Linear,
}

impl ResNet20 {
    pub fn new(w: &Weights) -> Result<ResNet20, Failure> {
        let mut blocks = Vec::new();
        for (stage, block) in (0..3).flat_map(|stage| (0..3).map(move |block| (stage, block))) {
            let (name, stride) = (format!("s{stage}b{block}"), if stage > 0 && block == 0 { 2 } else { 1 });
            let short = (stride == 2).then(|| Normalized::new(w, &format!("{name}_0"), 2)).transpose()?;
            let (first, second) = (format!("{name}_1"), format!("{name}_2"));
            let (first, second) = (Normalized::new(w, &first, stride)?, Normalized::new(w, &second, 1)?);
            blocks.push(Block { first, second, short });
        }
        Ok(ResNet20 { stem: Normalized::new(w, "stem", 1)?, blocks, head: w.dense("head")? })
    }
}

impl Net<4> for ResNet20 {
    type Input = Tensor<4>;

    fn input(data: TensorData, device: &Device) -> Tensor<4> {
        channels_first(data, device)
    }

    fn device(&self) -> Device {
        self.head.weight.val().device()
    }

    fn forward(&self, x: Tensor<4>) -> Tensor<2> {
        let mut x = relu(self.stem.forward(x));
        for Block { first, second, short } in &self.blocks {
            let y = second.forward(relu(first.forward(x.clone())));
            x = relu(y + short.as_ref().map_or(x.clone(), |short| short.forward(x)));
        }
        let [batch, channels, ..] = x.dims();
        self.head.forward(x.mean_dim(3).mean_dim(2).reshape([batch, channels]))
    }
}

#[derive(Module, Debug)]
pub struct Text {
    embedding: Embedding,
    lstm: Option<Lstm>,
    gru: Option<Gru>,
    head: Linear,
}

impl Text {
    pub fn new(w: &Weights, name: &str) -> Result<Text, Failure> {
        let part = |part: &str| format!("rnn/{name}_cell/{part}");
        let kernel: Tensor<2> = w.get(&part("kernel"))?;
        let recurrent: Tensor<2> = w.get(&part("recurrent_kernel"))?;
        let units = recurrent.dims()[0];
        let columns = |x: &Tensor<2>, at: usize| x.clone().narrow(1, at * units, units);
        let gate =
            |gate: &mut GateController, at: usize, bias: Tensor<1>, recurrent_bias: Option<Tensor<1>>| {
                gate.input_transform = w.linear(columns(&kernel, at), Some(bias));
                gate.hidden_transform = w.linear(columns(&recurrent, at), recurrent_bias);
            };
        let (mut lstm, mut gru) = (None, None);
        if name == "lstm" {
            let bias: Tensor<1> = w.get(&part("bias"))?;
            let bias = |at: usize| bias.clone().narrow(0, at * units, units);
            let mut layer = LstmConfig::new(128, units, true).init(&w.device);
            gate(&mut layer.input_gate, 0, bias(0), None);
            gate(layer.forget_gate.as_mut().ok_or("no forget gate")?, 1, bias(1), None);
            gate(&mut layer.cell_gate, 2, bias(2), None);
            gate(&mut layer.output_gate, 3, bias(3), None);
            lstm = Some(layer);
        } else {
            let bias: Tensor<2> = w.get(&part("bias"))?;
            let row = |row: usize, at: usize| columns(&bias, at).narrow(0, row, 1).reshape([units]);
            let mut layer = GruConfig::new(128, units, true).init(&w.device);
            gate(&mut layer.update_gate, 0, row(0, 0), Some(row(1, 0)));
            gate(&mut layer.reset_gate, 1, row(0, 1), Some(row(1, 1)));
            gate(&mut layer.new_gate, 2, row(0, 2), Some(row(1, 2)));
            gru = Some(layer);
        }
        Ok(Text { embedding: w.embedding("embedding")?, lstm, gru, head: w.dense("head")? })
    }
}

impl Net<2> for Text {
    type Input = Tensor<2, Int>;

    fn input(data: TensorData, device: &Device) -> Tensor<2, Int> {
        Tensor::from_data(data, device)
    }

    fn device(&self) -> Device {
        self.head.weight.val().device()
    }

    fn forward(&self, x: Tensor<2, Int>) -> Tensor<2> {
        let x = self.embedding.forward(x);
        let last = match (&self.lstm, &self.gru) {
            (Some(lstm), _) => lstm.forward(x, None).1.hidden,
            (_, Some(gru)) => {
                let all = gru.forward(x, None);
                let [batch, steps, units] = all.dims();
                all.narrow(1, steps - 1, 1).reshape([batch, units])
            }
            _ => unreachable!("one of the two is there"),
        };
        self.head.forward(last)
    }
}
