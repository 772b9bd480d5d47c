//! Where data sets are kept, and how they get there.

use std::path::{Path, PathBuf};

use super::archive::sha256;
use crate::{Error, Result};

/// A file of a data set.
pub(super) struct Source {
    /// Path below the cache's folder `datasets`, as Python Keras chooses it.
    pub cached: &'static str,
    /// Where a distribution installs it.
    pub installed: Option<&'static str>,
    /// Where it is downloaded from.
    pub url: &'static str,
    /// SHA-256 of the file, where there is only one form of it.
    pub sha256: Option<&'static str>,
    /// How to get it by hand.
    pub hint: &'static str,
}

/// The cache folder for data sets: `$KERAS_HOME/datasets`, else `~/.keras/datasets`.
fn folder() -> Option<PathBuf> {
    let home = match std::env::var_os("KERAS_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir()?.join(".keras"),
    };
    Some(home.join("datasets"))
}

/// The bytes of a file: from the cache, from where a distribution installs it, or from the network.
pub(super) fn fetch(source: &Source) -> Result<Vec<u8>> {
    let cached = folder().map(|folder| folder.join(source.cached));
    let places = cached.iter().cloned().chain(source.installed.map(PathBuf::from));
    if let Some(path) = places.clone().find(|path| path.is_file()) {
        let data = std::fs::read(&path).map_err(|e| Error::io(&path, e))?;
        source.sha256.map_or(Ok(()), |expected| verify(&path.display().to_string(), &data, expected))?;
        return Ok(data);
    }
    download(source, cached.as_deref()).unwrap_or_else(|| {
        let looked: Vec<String> = places.map(|p| p.display().to_string()).collect();
        Err(Error::Data(format!(
            "the data set is not on this machine: looked for {}. {}, or download {} to the first of them, or build with the \
             feature `download`",
            looked.join(" and "),
            source.hint,
            source.url
        )))
    })
}

/// Checks downloaded or cached bytes.
pub(super) fn verify(what: &str, data: &[u8], expected: &str) -> Result<()> {
    let found = sha256(data);
    if found == expected {
        return Ok(());
    }
    Err(Error::Data(format!(
        "{what} is damaged: its SHA-256 is {found}, expected {expected}; delete it and try again"
    )))
}

#[cfg(not(feature = "download"))]
fn download(_: &Source, _: Option<&Path>) -> Option<Result<Vec<u8>>> {
    None
}

#[cfg(feature = "download")]
fn download(source: &Source, cached: Option<&Path>) -> Option<Result<Vec<u8>>> {
    Some((|| {
        let get = || ureq::get(source.url).call()?.body_mut().with_config().limit(1 << 30).read_to_vec();
        let data = get().map_err(|e| Error::Data(format!("cannot download {}: {e}", source.url)))?;
        if let Some(expected) = source.sha256 {
            verify(source.url, &data, expected)?;
        }
        if let Some(path) = cached {
            let parent = path.parent().unwrap_or(path);
            std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, e))?;
            // Whole or not at all: a reader never sees half a file.
            let partial = path.with_extension("partial");
            std::fs::write(&partial, &data).map_err(|e| Error::io(&partial, e))?;
            std::fs::rename(&partial, path).map_err(|e| Error::io(path, e))?;
        }
        Ok(data)
    })())
}
