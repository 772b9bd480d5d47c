//! Layers with the weights of layers of Keras.

use std::collections::HashMap;
use std::path::Path;

use candle_core::{DType, Device, Module, Result, Tensor, Var};
use candle_nn::{BatchNorm, Conv2d, Conv2dConfig, Embedding, Linear, VarBuilder};

pub struct Weights {
    all: HashMap<String, Tensor>,
    /// What is trained.
    pub vars: Vec<Var>,
}

/// A convolution with its normalization.
pub struct Normalized {
    conv: Conv2d,
    /// Zeros at the bottom and on the right, for a stride of 2.
    pads: bool,
    norm: BatchNorm,
}

impl Weights {
    pub fn load(path: &Path) -> Result<Weights> {
        Ok(Weights { all: candle_core::safetensors::load(path, &Device::Cpu)?, vars: Vec::new() })
    }

    pub fn get(&self, path: &str) -> Result<&Tensor> {
        self.all.get(path).ok_or_else(|| candle_core::Error::Msg(format!("there is no weight {path}")))
    }

    /// A weight that is trained.
    pub fn var(&mut self, value: &Tensor) -> Result<Tensor> {
        let var = Var::from_tensor(&value.contiguous()?)?;
        self.vars.push(var.clone());
        Ok(var.as_tensor().clone())
    }

    pub fn dense(&mut self, name: &str) -> Result<Linear> {
        let kernel = self.get(&format!("{name}/kernel"))?.t()?;
        let bias = self.get(&format!("{name}/bias"))?.clone();
        Ok(Linear::new(self.var(&kernel)?, Some(self.var(&bias)?)))
    }

    pub fn conv(&mut self, name: &str, stride: usize, padding: usize) -> Result<Conv2d> {
        let kernel = self.get(&format!("{name}/kernel"))?.permute((3, 2, 0, 1))?;
        let bias = self.get(&format!("{name}/bias")).ok().cloned();
        let bias = bias.map(|bias| self.var(&bias)).transpose()?;
        Ok(Conv2d::new(self.var(&kernel)?, bias, Conv2dConfig { stride, padding, ..Conv2dConfig::default() }))
    }

    pub fn normalized(&mut self, name: &str, stride: usize) -> Result<Normalized> {
        let size = self.get(&format!("{name}/kernel"))?.dim(0)?;
        let pads = stride == 2 && size == 3;
        let conv = self.conv(name, stride, if pads { 0 } else { size / 2 })?;
        let part = |part: &str| self.get(&format!("{name}_norm/{part}")).cloned();
        let [gamma, beta, mean, variance] = ["gamma", "beta", "moving_mean", "moving_variance"].map(part);
        let (gamma, beta) = (self.var(&gamma?)?, self.var(&beta?)?);
        let norm = BatchNorm::new(gamma.dim(0)?, mean?, variance?, gamma, beta, 1e-3)?;
        Ok(Normalized { conv, pads, norm })
    }

    pub fn embedding(&mut self, name: &str) -> Result<Embedding> {
        let table = self.get(&format!("{name}/embeddings"))?.clone();
        let width = table.dim(1)?;
        Ok(Embedding::new(self.var(&table)?, width))
    }

    /// Variables under the names that its recurrent layers ask for.
    pub fn builder(&mut self, named: &[(&str, Tensor)]) -> Result<VarBuilder<'static>> {
        let mut tensors = HashMap::new();
        for (name, value) in named {
            tensors.insert(name.to_string(), self.var(value)?);
        }
        Ok(VarBuilder::from_tensors(tensors, DType::F32, &Device::Cpu))
    }
}

impl Normalized {
    pub fn forward(&self, x: &Tensor, trains: bool) -> Result<Tensor> {
        let padded = if self.pads { x.pad_with_zeros(2, 0, 1)?.pad_with_zeros(3, 0, 1)? } else { x.clone() };
        let y = self.conv.forward(&padded)?;
        y.apply_t(&self.norm, trains)
    }
}
