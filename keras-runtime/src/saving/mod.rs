//! Files: `.keras`, `.weights.h5` and NumPy's arrays.
//!
//! The formats are those of Keras 3; a file that is read is untrusted: it yields an [`Error`], never a panic, and sizes
//! are bounded by that of the file before memory is taken.

mod architecture;
mod archive;
mod array;
pub mod atomic;
mod hdf5;
pub(crate) mod json;
mod layout;
mod model;
pub mod npz;
mod order;
mod tree;
pub mod weights;

use std::fs;
use std::path::Path;

use serde_json::Value;

use crate::{Error, Result};

pub use architecture::architecture;
pub use array::{Array, Stored};
pub(crate) use model::tree;
pub use model::{
    compile_json, load_network_weights, load_weights, optimizer_arrays, restore, restore_optimizer, save,
    save_network, save_network_weights, save_weights,
};
pub use tree::Group;

/// What a `.keras` file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The model's configuration: `config.json`.
    pub config: Value,
    /// Its variables, and those of its optimizer.
    pub weights: Group,
}

/// Reads a `.keras` file.
///
/// # Errors
/// If it cannot be read, or is not such a file.
pub fn read(path: impl AsRef<Path>) -> Result<Saved> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| Error::io(path, e))?;
    from_bytes(&bytes).map_err(|message| Error::file(path, message))
}

/// Reads a `.keras` file from memory.
///
/// # Errors
/// What is wrong with it.
pub fn from_bytes(bytes: &[u8]) -> Result<Saved, String> {
    let archive = archive::read(bytes)?;
    let weights = hdf5::read(archive.weights).map_err(|e| format!("`model.weights.h5`: {e}"))?;
    Ok(Saved { config: archive.config, weights })
}

/// Writes a `.keras` file: the old one stays until the new one is whole.
///
/// # Errors
/// If it cannot be written.
pub fn write(path: impl AsRef<Path>, saved: &Saved) -> Result<()> {
    let path = path.as_ref();
    let bytes = hdf5::write(&saved.weights).and_then(|weights| archive::write(&saved.config, &weights));
    atomic::write(path, &bytes.map_err(|message| Error::file(path, message))?)
}

/// Reads a `.weights.h5` file.
///
/// # Errors
/// If it cannot be read, or is not such a file.
pub fn read_weights(path: impl AsRef<Path>) -> Result<Group> {
    let path = path.as_ref();
    let bytes = fs::read(path).map_err(|e| Error::io(path, e))?;
    hdf5::read(bytes).map_err(|message| Error::file(path, message))
}

/// Writes a `.weights.h5` file: the old one stays until the new one is whole.
///
/// # Errors
/// If it cannot be written.
pub fn write_weights(path: impl AsRef<Path>, weights: &Group) -> Result<()> {
    let path = path.as_ref();
    let bytes = hdf5::write(weights).map_err(|message| Error::file(path, message))?;
    atomic::write(path, &bytes)
}
