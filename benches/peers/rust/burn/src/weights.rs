//! Layers with the weights of layers of Keras.

use std::path::Path;

use burn::module::{Param, RunningState};
use burn::nn::conv::{Conv2d, Conv2dConfig};
use burn::nn::{
    BatchNorm, BatchNormConfig, Embedding, EmbeddingConfig, Linear, LinearConfig, PaddingConfig2d,
};
use burn::prelude::*;
use safetensors::SafeTensors;

use crate::protocol::Failure;

pub struct Weights {
    bytes: Vec<u8>,
    pub device: Device,
}

impl Weights {
    pub fn load(path: &Path, device: &Device) -> Result<Weights, Failure> {
        Ok(Weights { bytes: std::fs::read(path)?, device: device.clone() })
    }

    pub fn has(&self, path: &str) -> bool {
        SafeTensors::deserialize(&self.bytes).is_ok_and(|all| all.tensor(path).is_ok())
    }

    pub fn get<const D: usize>(&self, path: &str) -> Result<Tensor<D>, Failure> {
        let all = SafeTensors::deserialize(&self.bytes)?;
        let one = all.tensor(path)?;
        let numbers = one.data().chunks_exact(4).map(|b| f32::from_le_bytes([b[0], b[1], b[2], b[3]]));
        let data = TensorData::new(numbers.collect::<Vec<f32>>(), one.shape().to_vec());
        Ok(Tensor::from_data(data, &self.device))
    }

    /// From an array of inputs x outputs.
    pub fn linear(&self, kernel: Tensor<2>, bias: Option<Tensor<1>>) -> Linear {
        let [inputs, outputs] = kernel.dims();
        let mut layer = LinearConfig::new(inputs, outputs).with_bias(bias.is_some()).init(&self.device);
        layer.weight = Param::from_tensor(kernel);
        layer.bias = bias.map(Param::from_tensor);
        layer
    }

    pub fn dense(&self, name: &str) -> Result<Linear, Failure> {
        Ok(self.linear(self.get(&format!("{name}/kernel"))?, Some(self.get(&format!("{name}/bias"))?)))
    }

    pub fn conv(&self, name: &str, stride: usize, padding: PaddingConfig2d) -> Result<Conv2d, Failure> {
        let kernel: Tensor<4> = self.get::<4>(&format!("{name}/kernel"))?.permute([3, 2, 0, 1]);
        let [outputs, inputs, height, width] = kernel.dims();
        let bias = format!("{name}/bias");
        let config = Conv2dConfig::new([inputs, outputs], [height, width]).with_stride([stride; 2]);
        let mut layer = config.with_padding(padding).with_bias(self.has(&bias)).init(&self.device);
        // A copy in the order of the new axes.
        layer.weight = Param::from_data(kernel.into_data(), &self.device);
        if self.has(&bias) {
            layer.bias = Some(Param::from_tensor(self.get(&bias)?));
        }
        Ok(layer)
    }

    pub fn norm(&self, name: &str) -> Result<BatchNorm, Failure> {
        let gamma: Tensor<1> = self.get(&format!("{name}/gamma"))?;
        let mut layer =
            BatchNormConfig::new(gamma.dims()[0]).with_epsilon(1e-3).with_momentum(0.01).init(&self.device);
        layer.gamma = Param::from_tensor(gamma);
        layer.beta = Param::from_tensor(self.get(&format!("{name}/beta"))?);
        layer.running_mean = RunningState::new(self.get(&format!("{name}/moving_mean"))?);
        layer.running_var = RunningState::new(self.get(&format!("{name}/moving_variance"))?);
        Ok(layer)
    }

    pub fn embedding(&self, name: &str) -> Result<Embedding, Failure> {
        let table: Tensor<2> = self.get(&format!("{name}/embeddings"))?;
        let [words, width] = table.dims();
        let mut layer = EmbeddingConfig::new(words, width).init(&self.device);
        layer.weight = Param::from_tensor(table);
        Ok(layer)
    }
}
