//! Data sets: <https://keras.io/api/datasets/>.
//!
//! [`digits`] ships with the library. The others are looked for in the folder that `KERAS_HOME` names, or `~/.keras`, under
//! `datasets` (where Python Keras keeps them too), then where a distribution installs them, and are downloaded with the
//! feature `download`. What is read is checked against the data set's hash.
//!
//! Images come as floats in 0..1, labels as `u8`.

mod archive;
mod cache;
pub mod cifar10;
pub mod digits;
pub mod fashion_mnist;
mod idx;
pub mod mnist;

use crate::model::{Batch, Dims};
use crate::{D0, Result};

/// One half of a data set: samples and their labels.
#[derive(Clone, Debug)]
pub struct Split<D> {
    /// Samples.
    pub x: Batch<D>,
    /// Labels, one a sample.
    pub y: Batch<D0, u8>,
}

impl<D: Dims> Split<D> {
    /// From pixels of 0..`white` and labels.
    fn from_pixels(pixels: &[u8], white: f32, labels: Vec<u8>) -> Result<Split<D>> {
        let x = Batch::new(pixels.iter().map(|p| f32::from(*p) / white).collect())?;
        Ok(Split { x, y: Batch::new(labels)? })
    }

    /// Number of samples.
    pub fn len(&self) -> usize {
        self.y.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.y.is_empty()
    }
}
