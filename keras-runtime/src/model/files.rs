//! Typed models to and from files.

use std::path::Path;

use super::{Architecture, Compiled, Model};
use crate::{Device, Result, saving};

impl<M: Architecture> Model<M> {
    /// The model with the weights of a `.keras` or `.weights.h5` file, matched by position, as in Keras.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's.
    pub fn load(path: impl AsRef<Path>, device: Device) -> Result<Self> {
        let mut model: Model<M> = Model::try_new(device, 0)?;
        model.load_weights(path)?;
        Ok(model)
    }

    /// Takes the weights of a `.keras` or `.weights.h5` file, matched by position, as in Keras.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's; then the model stays as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        saving::load_network_weights(self.network_mut(), path)
    }

    /// Saves the model as a `.keras` file, which Keras opens. A crash while it is written leaves the old file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_network(self.network(), path)
    }

    /// Saves its weights as a `.weights.h5` file. A crash while it is written leaves the old file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_network_weights(self.network(), path)
    }
}

impl<M: Architecture, L> Compiled<M, L> {
    /// Saves the model with its optimizer as a `.keras` file, from which Keras and this library go on training. A crash
    /// while it is written leaves the old file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save(self, path)
    }

    /// Saves weights and optimizer as a `.weights.h5` file.
    ///
    /// # Errors
    /// If the file cannot be written.
    pub fn save_weights(&self, path: impl AsRef<Path>) -> Result<()> {
        saving::save_weights(self, path)
    }

    /// Takes weights, and the state of the optimizer, of a `.keras` or `.weights.h5` file: training goes on where it stopped.
    ///
    /// # Errors
    /// If the file cannot be read, or its weights have other shapes than the model's; then the model stays as it was.
    pub fn load_weights(&mut self, path: impl AsRef<Path>) -> Result<()> {
        saving::load_weights(self, path)
    }
}
