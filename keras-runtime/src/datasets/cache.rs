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

/// A file that was found.
pub(super) struct Found {
    pub data: Vec<u8>,
    /// Where: for messages.
    pub place: String,
}

impl Found {
    /// Refuses other bytes than those of this SHA-256.
    pub fn verify(&self, bytes: &[u8], expected: &str) -> Result<()> {
        let found = sha256(bytes);
        if found == expected {
            return Ok(());
        }
        Err(self.damaged(format!("its SHA-256 is {found}, expected {expected}")))
    }

    /// That the file cannot be used.
    pub fn damaged(&self, why: impl std::fmt::Display) -> Error {
        Error::Data(format!("{} is damaged: {why}; delete it and try again", self.place))
    }
}

/// The folder of cached data sets: `$KERAS_HOME/datasets`, else `~/.keras/datasets`; none without a home.
pub(super) fn folder() -> Option<PathBuf> {
    let home = match std::env::var_os("KERAS_HOME") {
        Some(home) => PathBuf::from(home),
        None => std::env::home_dir()?.join(".keras"),
    };
    Some(home.join("datasets"))
}

/// A file: from the cache, from where a distribution installs it, or from the network.
pub(super) fn fetch(source: &Source, folder: Option<&Path>) -> Result<Found> {
    let cached = folder.map(|folder| folder.join(source.cached));
    let places = cached.iter().cloned().chain(source.installed.map(PathBuf::from));
    let found = match places.clone().find(|path| path.is_file()) {
        Some(path) => {
            let data = std::fs::read(&path).map_err(|e| Error::io(&path, e))?;
            Found { data, place: path.display().to_string() }
        }
        None => match download(source, cached.as_deref()) {
            Some(downloaded) => return downloaded,
            None => return Err(nowhere(source, places, cached.as_deref())),
        },
    };
    source.sha256.map_or(Ok(()), |expected| found.verify(&found.data, expected))?;
    Ok(found)
}

/// That a file is in none of its places.
fn nowhere(source: &Source, places: impl Iterator<Item = PathBuf>, cached: Option<&Path>) -> Error {
    let mut looked: Vec<String> = places.map(|p| p.display().to_string()).collect();
    if looked.is_empty() {
        looked.push("a home folder or `KERAS_HOME`".into());
    }
    let to = cached.map_or("the cache".into(), |path| format!("`{}`", path.display()));
    Error::Data(format!(
        "the data set is not on this machine: looked for {}. {}, or download {} to {to}, or build with the feature `download`",
        looked.join(" and "),
        source.hint,
        source.url
    ))
}

#[cfg(not(feature = "download"))]
fn download(_: &Source, _: Option<&Path>) -> Option<Result<Found>> {
    None
}

#[cfg(feature = "download")]
fn download(source: &Source, cached: Option<&Path>) -> Option<Result<Found>> {
    let get = || ureq::get(source.url).call()?.body_mut().with_config().limit(1 << 30).read_to_vec();
    let keep = |data: Vec<u8>| {
        let found = Found { data, place: source.url.into() };
        source.sha256.map_or(Ok(()), |expected| found.verify(&found.data, expected))?;
        if let Some(path) = cached {
            let parent = path.parent().unwrap_or(path);
            std::fs::create_dir_all(parent).map_err(|e| Error::io(parent, e))?;
            crate::saving::atomic::write(path, &found.data)?;
        }
        Ok(found)
    };
    let to = cached.map_or("the cache".into(), |path| format!("`{}`", path.display()));
    let failed = |e: ureq::Error| {
        Error::Data(format!(
            "the data set is not on this machine, and {} cannot be downloaded: {e}. {}, or put the file to {to}",
            source.url, source.hint
        ))
    };
    Some(get().map_err(failed).and_then(keep))
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: Source = Source {
        cached: "made-up/numbers.gz",
        installed: Some("/nowhere/numbers.gz"),
        // Reserved names resolve nowhere (RFC 6761).
        url: "http://made-up.invalid/numbers.gz",
        sha256: Some("ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
        hint: "Install it",
    };

    /// An empty cache of the test's own.
    fn cache(name: &str) -> PathBuf {
        let folder = std::env::temp_dir().join(format!("keras-datasets-{}-{name}", std::process::id()));
        let _ = std::fs::remove_dir_all(&folder);
        std::fs::create_dir_all(folder.join("made-up")).expect("a folder for the test");
        folder
    }

    #[test]
    fn what_is_nowhere_is_told_with_every_place() {
        let folder = cache("empty");
        let error = fetch(&SOURCE, Some(&folder)).map(|_| ()).expect_err("not there").to_string();
        let cached = folder.join("made-up/numbers.gz").display().to_string();
        for part in [&*cached, "Install it", SOURCE.url] {
            assert!(error.contains(part), "`{part}`: {error}");
        }
        if cfg!(feature = "download") {
            assert!(error.contains("cannot be downloaded"), "{error}");
            assert!(!folder.join("made-up/numbers.gz").exists());
        } else {
            assert!(error.contains("/nowhere/numbers.gz") && error.contains("feature `download`"), "{error}");
            let homeless = Source { installed: None, ..SOURCE };
            let error = fetch(&homeless, None).map(|_| ()).expect_err("no home").to_string();
            assert!(error.contains("looked for a home folder or `KERAS_HOME`"), "{error}");
        }
        std::fs::remove_dir_all(folder).expect("there");
    }

    #[test]
    fn what_is_cached_is_read_and_verified() {
        let folder = cache("full");
        let path = folder.join("made-up/numbers.gz");
        std::fs::write(&path, "abc").expect("written");
        assert_eq!(fetch(&SOURCE, Some(&folder)).expect("there").data, b"abc");
        std::fs::write(&path, "ab").expect("written");
        let error = fetch(&SOURCE, Some(&folder)).map(|_| ()).expect_err("damaged").to_string();
        assert!(error.starts_with(&format!("{} is damaged: its SHA-256 is ", path.display())), "{error}");
        std::fs::remove_dir_all(folder).expect("there");
    }
}
