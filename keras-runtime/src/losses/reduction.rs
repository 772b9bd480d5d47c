//! How the numbers of rows become one.

use crate::{Error, Result};

/// How the numbers of rows become one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Reduction {
    /// Their weighted sum divided by how many there are.
    #[default]
    SumOverBatchSize,
    /// The same, by another name.
    Mean,
    /// Their weighted sum divided by the sum of the weights.
    MeanWithSampleWeight,
    /// Their weighted sum.
    Sum,
    /// One number for each row. Training follows their sum, as Keras' gradient does.
    None,
}

impl Reduction {
    /// Keras' name.
    pub fn name(self) -> &'static str {
        match self {
            Reduction::SumOverBatchSize => "sum_over_batch_size",
            Reduction::Mean => "mean",
            Reduction::MeanWithSampleWeight => "mean_with_sample_weight",
            Reduction::Sum => "sum",
            Reduction::None => "none",
        }
    }

    /// By Keras' name.
    ///
    /// # Errors
    /// If there is no such reduction.
    pub fn from_name(name: &str) -> Result<Reduction> {
        use Reduction::*;
        let all = [SumOverBatchSize, Mean, MeanWithSampleWeight, Sum, None];
        let expected = || all.map(Reduction::name).join(", ");
        all.into_iter().find(|r| r.name() == name).ok_or_else(|| {
            Error::config("loss: `reduction`", format!("expected one of {}, found {name}", expected()))
        })
    }

    /// Turns the weights of rows into their shares of the loss, so that the loss is the sum of share times value. `mask`
    /// says which rows count.
    pub(crate) fn shares(self, weights: &mut [f32], mask: Option<&[u8]>) {
        let rows = weights.len() as f64;
        if let Some(mask) = mask {
            // Keras scales the weights of what counts up, so that the mean is over that alone.
            let valid = mask.iter().filter(|m| **m != 0).count() as f64;
            let scale = match self {
                Reduction::SumOverBatchSize | Reduction::Mean if valid > 0.0 => rows / valid,
                Reduction::SumOverBatchSize | Reduction::Mean => 0.0,
                _ => 1.0,
            };
            for (w, m) in weights.iter_mut().zip(mask) {
                *w = if *m != 0 { (f64::from(*w) * scale) as f32 } else { 0.0 };
            }
        }
        let divisor = match self {
            Reduction::SumOverBatchSize | Reduction::Mean => rows,
            Reduction::MeanWithSampleWeight => weights.iter().map(|w| f64::from(*w)).sum(),
            Reduction::Sum | Reduction::None => return,
        };
        let factor = if divisor == 0.0 { 0.0 } else { 1.0 / divisor };
        weights.iter_mut().for_each(|w| *w = (f64::from(*w) * factor) as f32);
    }
}
