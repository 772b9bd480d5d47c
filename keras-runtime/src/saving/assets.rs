//! Files of layers inside a model's file (vocabularies): read, kept and written again, whatever is in them.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use super::bytes::Bytes;
use super::read_file;
use crate::{Error, Result};

/// Where they lie in an archive or a folder.
pub(super) const FOLDER: &str = "assets";
/// Deepest nesting of folders.
const DEPTH: usize = 64;

/// The files under `assets/` of a `.keras` file: what Keras' preprocessing layers, and layers of one's own, keep beside the variables.
/// No layer here reads them yet; a model that is saved again has them all.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Assets(BTreeMap<String, Bytes>);

impl Assets {
    /// Their paths below `assets/`, with `/` between names, and what is in them.
    pub fn files(&self) -> impl ExactSizeIterator<Item = (&str, &[u8])> {
        self.0.iter().map(|(path, bytes)| (path.as_str(), &**bytes))
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// Adds a file. Its path must stay below the folder.
    pub(super) fn add(&mut self, path: &str, bytes: Bytes) -> Result<(), String> {
        let plain = |name: &str| !matches!(name, "" | "." | "..") && !name.contains(['\\', ':', '\0']);
        if !path.split('/').all(plain) || path.split('/').count() > DEPTH {
            return Err(format!("`{FOLDER}/{path}` is not a path inside the file"));
        }
        // Something cannot be a file and a folder.
        let outer =
            path.match_indices('/').map(|(at, _)| &path[..at]).find(|outer| self.0.contains_key(*outer));
        let folder = format!("{path}/");
        let inner = self.0.range(folder.clone()..).next().filter(|(inner, _)| inner.starts_with(&folder));
        if let Some(other) = outer.or(inner.map(|(inner, _)| inner.as_str())) {
            return Err(format!("`{FOLDER}/{path}` and `{FOLDER}/{other}` cannot both be there"));
        }
        match self.0.insert(path.into(), bytes) {
            Some(_) => Err(format!("`{FOLDER}/{path}` is there twice")),
            None => Ok(()),
        }
    }

    /// Those of a folder.
    pub(super) fn read(folder: &Path) -> Result<Assets> {
        let mut assets = Assets::default();
        if folder.is_dir() {
            assets.read_below(folder, "", DEPTH)?;
        }
        Ok(assets)
    }

    fn read_below(&mut self, folder: &Path, prefix: &str, depth: usize) -> Result<()> {
        let Some(depth) = depth.checked_sub(1) else {
            return Err(Error::file(folder, format!("folders are nested more than {DEPTH} deep")));
        };
        let fail = |e| Error::io(folder, e);
        let mut entries =
            fs::read_dir(folder).map_err(fail)?.collect::<std::io::Result<Vec<_>>>().map_err(fail)?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let at = entry.path();
            let kind = entry.file_type().map_err(fail)?;
            let name = entry.file_name();
            let name = name.to_str().ok_or_else(|| Error::file(&at, "its name is not UTF-8"))?;
            let path = format!("{prefix}{name}");
            if kind.is_dir() {
                self.read_below(&at, &format!("{path}/"), depth)?;
            } else if kind.is_file() {
                self.add(&path, read_file(&at)?).map_err(|e| Error::file(&at, e))?;
            } else {
                return Err(Error::file(&at, "is a link, which is not followed"));
            }
        }
        Ok(())
    }

    /// Writes them to a folder.
    pub(super) fn write(&self, folder: &Path) -> Result<()> {
        for (path, bytes) in &self.0 {
            let at = folder.join(path);
            let made = at.parent().map_or(Ok(()), fs::create_dir_all);
            made.and_then(|()| fs::write(&at, &**bytes)).map_err(|e| Error::io(&at, e))?;
        }
        Ok(())
    }

    /// Why a model with these files is not written to a format that has no place for them.
    pub(super) fn refusal(&self) -> Option<String> {
        let (first, more) = (self.0.keys().next()?, self.0.len() - 1);
        let more = if more > 0 { format!(" and {more} more") } else { String::new() };
        Some(format!(
            "the model has files of its layers (`{FOLDER}/{first}`{more}), for which this format has no place: save it as `.keras`, or as a \
             folder"
        ))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn paths_stay_inside() {
        let empty = || Bytes::from(Vec::new());
        let deep = "a/".repeat(DEPTH) + "a";
        for path in ["", "/etc/passwd", "../x", "a/../../x", "a//b", "a/.", "c:/x", "a\\b", "a\0", &deep] {
            assert!(Assets::default().add(path, empty()).is_err(), "{path}");
        }
        let mut assets = Assets::default();
        assets.add("a/b", empty()).expect("a plain path");
        assets.add("a/b.txt", empty()).expect("another name");
        for path in ["a", "a/b", "a/b/c"] {
            assert!(assets.add(path, empty()).is_err(), "{path}");
        }
        assert_eq!(assets.files().map(|(path, _)| path).collect::<Vec<_>>(), ["a/b", "a/b.txt"]);
    }
}
