//! A `.keras` archive as a plain folder: what Keras writes with `zipped=False`.

use std::fs;
use std::path::Path;

use serde_json::Value;

use super::archive::{CONFIG, METADATA, NPZ, WEIGHTS, metadata};
use super::assets::{self, Assets};
use super::{Saved, atomic, dialect, found, hdf5, json, read_file, write_pieces};
use crate::{Error, Result};

/// Reads a folder.
pub(super) fn read(path: &Path) -> Result<Saved> {
    if let Some(error) = found::no_model(path) {
        return Err(error);
    }
    let at = path.join(CONFIG);
    let config = json::parse(&read_file(&at)?).and_then(dialect::modern).map_err(|e| Error::file(at, e))?;
    let at = path.join(WEIGHTS);
    if !at.exists() && path.join("model.weights.npz").exists() {
        return Err(Error::file(path, NPZ));
    }
    let weights = hdf5::read(&read_file(&at)?).map_err(|e| Error::file(at, e))?;
    Ok(Saved { config, weights: weights.into(), assets: Assets::read(&path.join(assets::FOLDER))? })
}

/// Writes a folder; the old one stays until the new one is whole.
pub(super) fn write(path: &Path, config: &Value, weights: &hdf5::Image, assets: &Assets) -> Result<()> {
    atomic::write_folder(path, |folder| {
        for (name, json) in [(METADATA, &metadata()), (CONFIG, config)] {
            let at = folder.join(name);
            fs::write(&at, json::print(json)).map_err(|e| Error::io(at, e))?;
        }
        let at = folder.join(WEIGHTS);
        let mut file = fs::File::create(&at).map_err(|e| Error::io(&at, e))?;
        write_pieces(&mut file, weights.pieces()).map_err(|e| Error::file(&at, e))?;
        assets.write(&folder.join(assets::FOLDER))
    })
}
