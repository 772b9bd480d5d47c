//! Files: those of Keras, safetensors, and NumPy's arrays.
//!
//! [`Format`] lists what is read and written. The formats are those of Keras; a file that is read is untrusted: it yields an
//! [`Error`], never a panic, sizes are bounded by that of the file before memory is taken, and nothing in it is run.
//! A save leaves the old file or the new one, whatever happens meanwhile.

mod architecture;
mod archive;
mod array;
mod assets;
pub mod atomic;
mod bytes;
mod dialect;
mod folder;
mod format;
mod found;
mod hdf5;
pub(crate) mod json;
mod layout;
mod legacy;
mod model;
pub mod npz;
mod order;
mod paths;
mod safetensors;
mod sharded;
mod tree;
pub mod weights;
mod writing;
mod yaml;

use std::fs;
use std::io::Write;
use std::path::Path;

use serde_json::Value;

use crate::engine::Network;
use crate::{Error, Result};

pub use architecture::architecture;
pub use array::{Array, Stored};
pub use assets::Assets;
pub use bytes::Bytes;
pub use format::Format;
pub(crate) use layout::snake_case;
pub use legacy::{Layer, Layers};
pub(crate) use model::tree as tree_of;
pub use model::{
    compile_json, load_network_weights, load_weights, optimizer_arrays, restore, restore_optimizer, save,
    save_network, save_network_weights, save_weights,
};
pub use tree::{Attribute, Group};
pub use weights::{Loading, Weights};
pub use writing::Writing;

/// The version of Keras whose files these are.
const KERAS_VERSION: &str = "3.15.1";
/// Bytes of a shard unless it is told: Keras' 5 GB.
const SHARD: u64 = 5 << 30;
/// Why a size of shards is refused.
const SHARDED: &str = "a shard size is for sharded weights, `NAME.weights.json`";

/// What a file holds.
#[derive(Clone, Debug, PartialEq)]
pub struct Saved {
    /// The model's configuration as Keras 3 writes it: `config.json`.
    pub config: Value,
    /// Its variables, and those of its optimizer.
    pub weights: Weights,
    /// Files of its layers.
    pub assets: Assets,
}

/// Reads a model, in any format that holds an architecture.
///
/// # Errors
/// If it cannot be read, is damaged, or holds weights alone.
pub fn read(path: impl AsRef<Path>) -> Result<Saved> {
    let path = path.as_ref();
    let format = found::format_of(path)?;
    if format == Format::Folder {
        return folder::read(path);
    }
    if !format.has_architecture() {
        let message = "holds weights alone, without an architecture: make the model, then load them into it (`load_weights`)";
        return Err(Error::file(path, message));
    }
    let bytes = read_file(path)?;
    parse(&bytes, format).map_err(|cause| Error::file(path, found::unreadable(&bytes, format, cause)))
}

/// Reads a `.keras` file from memory.
///
/// # Errors
/// What is wrong with it.
pub fn from_bytes(bytes: &[u8]) -> Result<Saved, String> {
    parse(&Bytes::from(bytes.to_vec()).shared(), Format::Keras)
}

/// The model in bytes of a format that is one file.
///
/// # Errors
/// What is wrong with them.
pub fn parse(bytes: &Bytes, format: Format) -> Result<Saved, String> {
    let alone = |config: Value| {
        Ok(Saved { config: dialect::modern(config)?, weights: Weights::Fresh, assets: Assets::default() })
    };
    match format {
        Format::Keras => {
            let archive = archive::read(bytes)?;
            let weights = hdf5::read(&archive.weights).map_err(|e| format!("`model.weights.h5`: {e}"))?;
            let config = dialect::modern(archive.config)?;
            Ok(Saved { config, weights: weights.into(), assets: archive.assets })
        }
        Format::LegacyH5 => legacy::read(hdf5::read(bytes)?),
        Format::Json => json::parse(bytes).and_then(alone),
        Format::Yaml => yaml::parse(bytes).and_then(alone),
        other => Err(format!("a model is not read from {other:?} in memory")),
    }
}

/// Reads the weights of a file, in any format that holds some.
///
/// # Errors
/// If it cannot be read, is damaged, or holds an architecture alone.
pub fn read_weights(path: impl AsRef<Path>) -> Result<Weights> {
    let path = path.as_ref();
    let format = found::format_of(path)?;
    match format {
        Format::Folder | Format::Keras => read(path).map(|saved| saved.weights),
        Format::Sharded => sharded::read(path).map(Weights::Tree),
        Format::Json | Format::Yaml => Err(Error::file(
            path,
            "is for an architecture alone, without weights: those are in `.keras`, `.h5`, `.weights.h5`, `.weights.json` or `.safetensors`",
        )),
        _ => {
            let bytes = read_file(path)?;
            parse_weights(&bytes, format)
                .map_err(|cause| Error::file(path, found::unreadable(&bytes, format, cause)))
        }
    }
}

/// The weights in bytes of a format that is one file.
///
/// # Errors
/// What is wrong with them.
pub fn parse_weights(bytes: &Bytes, format: Format) -> Result<Weights, String> {
    match format {
        Format::WeightsH5 | Format::LegacyH5 => {
            let root = hdf5::read(bytes)?;
            if legacy::is_legacy(&root) { legacy::read_weights(root) } else { Ok(root.into()) }
        }
        Format::Safetensors => safetensors::read(bytes).map(Weights::Named),
        other => parse(bytes, other).map(|saved| saved.weights),
    }
}

/// What a network is saved with: its optimizer's variables with their names, in Keras' order.
pub type OptimizerArrays = Vec<(String, Array)>;

/// Writes a model in any format that holds architecture and weights: the old file stays until the new one is whole.
///
/// # Errors
/// If it cannot be written, or the format holds only a part.
pub fn write(
    path: impl AsRef<Path>,
    network: &Network,
    config: &Value,
    optimizer: OptimizerArrays,
    assets: &Assets,
    writing: Writing,
) -> Result<()> {
    let path = path.as_ref();
    let format = Format::of(path)?;
    let fail = |message: String| Error::file(path, message);
    if writing.shard.is_some() {
        return Err(fail(SHARDED.into()));
    }
    match format {
        Format::Keras | Format::Folder => {
            write_tree(path, config, &writing.tree(tree(network, optimizer)), assets)
        }
        Format::LegacyH5 => {
            if let Some(message) = assets.refusal() {
                return Err(fail(message));
            }
            let root = legacy::write(network, Some(config), &optimizer).map_err(fail)?;
            write_hdf5(path, &writing.tree(root))
        }
        Format::Json | Format::Yaml => Err(fail(
            "holds an architecture alone: write that with `save_architecture`, or choose `.keras`".into(),
        )),
        Format::WeightsH5 | Format::Sharded | Format::Safetensors => {
            Err(fail("holds weights alone: write them with `save_weights`, or choose `.keras`".into()))
        }
    }
}

/// Writes a `.keras` file or folder from a tree of variables and the files of layers.
///
/// # Errors
/// If it cannot be written, or the path is that of another format.
pub fn write_tree(path: impl AsRef<Path>, config: &Value, weights: &Group, assets: &Assets) -> Result<()> {
    let path = path.as_ref();
    let image = hdf5::write(weights).map_err(|message| Error::file(path, message))?;
    match Format::of(path)? {
        Format::Keras => atomic::write_with(path, |file| archive::write(file, config, &image, assets)),
        Format::Folder => folder::write(path, config, &image, assets),
        _ => Err(Error::file(path, "is not the path of a `.keras` file or folder")),
    }
}

/// Writes weights in any format that holds some: the old file stays until the new one is whole.
///
/// # Errors
/// If it cannot be written.
pub fn write_weights(
    path: impl AsRef<Path>,
    network: &Network,
    optimizer: OptimizerArrays,
    writing: Writing,
) -> Result<()> {
    let path = path.as_ref();
    let format = Format::of(path)?;
    let fail = |message: String| Error::file(path, message);
    if writing.shard.is_some() && format != Format::Sharded {
        return Err(fail(SHARDED.into()));
    }
    match format {
        Format::WeightsH5 => write_hdf5(path, &writing.tree(tree(network, optimizer))),
        Format::Sharded => {
            sharded::write(path, &writing.tree(tree(network, optimizer)), writing.shard.unwrap_or(SHARD))
        }
        Format::LegacyH5 => write_hdf5(path, &writing.tree(legacy::write(network, None, &[]).map_err(fail)?)),
        Format::Safetensors => {
            let arrays = safetensors::collect(network).into_iter();
            let arrays = arrays.map(|(name, array)| (name, writing.array(array))).collect();
            let pieces = safetensors::write(arrays).map_err(fail)?;
            atomic::write_with(path, |file| write_pieces(file, pieces.iter().map(|piece| &**piece)))
        }
        Format::Keras | Format::Folder | Format::Json | Format::Yaml => Err(fail(
            "is not a format of weights: `.weights.h5`, `.weights.json`, `.safetensors` or `.h5` is".into(),
        )),
    }
}

/// Writes an architecture as `.json` or `.yaml`.
///
/// # Errors
/// If it cannot be written, or the path is that of another format.
pub fn write_architecture(path: impl AsRef<Path>, config: &Value) -> Result<()> {
    let path = path.as_ref();
    let text = match Format::of(path)? {
        Format::Json => to_json(config),
        Format::Yaml => to_yaml(config),
        _ => return Err(Error::file(path, "is not a format of architectures: `.json` or `.yaml` is")),
    };
    atomic::write(path, text.as_bytes())
}

/// An architecture as the JSON that `model.to_json()` of Keras yields.
pub fn to_json(config: &Value) -> String {
    json::print(config)
}

/// An architecture as YAML.
pub fn to_yaml(config: &Value) -> String {
    yaml::print(config)
}

fn tree(network: &Network, optimizer: OptimizerArrays) -> Group {
    let optimizer = (!optimizer.is_empty()).then(|| optimizer.into_iter().map(|(_, array)| array).collect());
    weights::collect(network, optimizer)
}

/// Reads the tree of a `.weights.h5` file, whatever the file is called.
pub(crate) fn read_hdf5(path: &Path) -> Result<Group> {
    hdf5::read(&read_file(path)?).map_err(|message| Error::file(path, message))
}

/// Writes a tree as a `.weights.h5` file.
pub(crate) fn write_hdf5(path: &Path, root: &Group) -> Result<()> {
    let image = hdf5::write(root).map_err(|message| Error::file(path, message))?;
    atomic::write_with(path, |file| write_pieces(file, image.pieces()))
}

fn write_pieces<'a>(to: &mut impl Write, pieces: impl Iterator<Item = &'a [u8]>) -> Result<(), String> {
    let mut to = std::io::BufWriter::with_capacity(1 << 16, to);
    for piece in pieces {
        to.write_all(piece).map_err(|e| e.to_string())?;
    }
    to.flush().map_err(|e| e.to_string())
}

/// The bytes of a file, in memory once.
fn read_file(path: &Path) -> Result<Bytes> {
    fs::read(path).map(|bytes| Bytes::from(bytes).shared()).map_err(|e| Error::io(path, e))
}
