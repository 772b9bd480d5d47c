//! What a file is that is not what it should be: the usual mistakes have names, and advice.

use std::fs;
use std::path::Path;

use super::Format;
use crate::{Error, Result};

/// How much of a file's end is looked at: the list of an archive's members.
const TAIL: usize = 1 << 16;
/// Most names that are suggested.
const MOST: usize = 3;

/// What a file's bytes look like, and what to do with such a file; nothing if they look like nothing that is known.
fn looks(bytes: &[u8]) -> Option<(&'static str, &'static str)> {
    let start = |what: &[u8]| bytes.starts_with(what);
    let tail = &bytes[bytes.len().saturating_sub(TAIL)..];
    let has = |text: &str| tail.windows(text.len()).any(|window| window == text.as_bytes());
    let text = bytes.trim_ascii_start();
    let torch = "read it with PyTorch, and write its tensors with `safetensors.torch.save_file`";
    let length = bytes.first_chunk().map_or(0, |length| u64::from_le_bytes(*length));
    Some(match bytes {
        [] => ("empty", "was writing it interrupted, or has it not begun?"),
        _ if bytes.iter().all(|byte| *byte == 0) => ("zeros alone", "was writing it interrupted?"),
        _ if start(b"version https://git-lfs") => {
            ("a pointer of Git LFS, not the file itself", "fetch it with `git lfs pull`")
        }
        _ if start(b"\x89HDF\r\n\x1a\n") => (
            "an HDF5 file",
            "call it `.h5` (`.weights.h5` if Keras' `save_weights` wrote it), then it is read as one",
        ),
        _ if start(b"PK") && has("data.pkl") => ("a file of PyTorch", torch),
        _ if start(b"PK") && has("model.weights.") => {
            ("a `.keras` archive", "call it `.keras`, then it is read as one")
        }
        _ if start(b"PK") && has(".npy") => {
            ("an archive of NumPy's arrays (`.npz`)", "it is data, not a model")
        }
        _ if start(b"PK") => ("a ZIP archive", "if a model is in it, unpack it first"),
        [0x80, 2..=5, ..] => ("a pickle of Python, which is code and never run", torch),
        _ if start(b"\x93NUMPY") => ("an array of NumPy (`.npy`)", "it is data, not a model"),
        _ if start(b"GGUF") => ("a GGUF file", "it is for llama.cpp; take the model's safetensors instead"),
        [_, _, _, _, b'T', b'F', b'L', b'3', ..] => (
            "a model of TensorFlow Lite",
            "it cannot be turned back: take the Keras model that it was made of",
        ),
        [0x1f, 0x8b, ..] => ("packed by gzip", "unpack it first"),
        [_, _, _, _, _, _, _, _, b'{', ..] if length > 1 && length < bytes.len() as u64 => {
            ("weights as safetensors", "call it `.safetensors`, and load it with `load_weights`")
        }
        [0x08, _, ..] if has("onnx") || bytes[..bytes.len().min(256)].windows(7).any(|w| w == b"pytorch") => {
            ("a model in ONNX", "take the model that it was made of")
        }
        _ if text.starts_with(b"<!") || text.starts_with(b"<html") => {
            ("a web page", "the download was refused, or led to a page about the file")
        }
        [b'{', ..] => ("text in JSON", "call it `.json` if it is an architecture"),
        _ if text.starts_with(b"{") => ("text in JSON", "call it `.json` if it is an architecture"),
        _ if text.starts_with(b"class_name:") || text.starts_with(b"backend:") => {
            ("text in YAML", "call it `.yaml` if it is an architecture")
        }
        _ => return None,
    })
}

/// Why bytes could not be read as a format: what they are instead, or `cause` if they look like that format.
pub(super) fn unreadable(bytes: &[u8], format: Format, cause: String) -> String {
    let (what, expected): (_, &[&str]) = match format {
        Format::Keras => ("a `.keras` file (a ZIP archive)", &["a `.keras` archive", "a ZIP archive"]),
        Format::LegacyH5 | Format::WeightsH5 => ("an HDF5 file", &["an HDF5 file"]),
        Format::Safetensors => ("safetensors", &["weights as safetensors"]),
        Format::Json | Format::Sharded => ("JSON", &["text in JSON"]),
        Format::Yaml => ("YAML", &["text in YAML", "text in JSON"]),
        Format::Folder => ("a folder", &[]),
    };
    let size = bytes.len();
    match looks(bytes) {
        Some(("empty", advice)) => format!("is empty: {advice}"),
        Some((found, advice)) if !expected.contains(&found) => {
            format!("is not {what} but {found} ({size} bytes): {advice}")
        }
        _ => cause,
    }
}

/// The format of a file that is to be read. An unknown extension is an error that says what the file is.
pub(super) fn format_of(path: &Path) -> Result<Format> {
    let described = |otherwise: Error| {
        let Ok(bytes) = fs::read(path) else { return otherwise };
        match looks(&bytes) {
            Some((found, advice)) => {
                Error::file(path, format!("is {found} ({} bytes): {advice}", bytes.len()))
            }
            None => otherwise,
        }
    };
    match Format::of(path) {
        Ok(Format::Folder) if path.is_file() => {
            Err(described(Error::file(path, "is a file without an extension, which would say its format")))
        }
        Ok(format) if path.exists() => Ok(format),
        Ok(_) => Err(missing(path)),
        Err(error) if path.exists() => Err(described(error)),
        Err(_) => Err(missing(path)),
    }
}

/// There is no such file; perhaps there are others.
fn missing(path: &Path) -> Error {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty()).unwrap_or(Path::new("."));
    let message = if folder.is_dir() {
        format!("there is no such file{}", others(folder, path.file_stem()))
    } else {
        format!("there is no such file, nor a folder `{}`", folder.display())
    };
    Error::io(path, std::io::Error::new(std::io::ErrorKind::NotFound, message))
}

/// Models in a folder, those with a like name first: `; the folder has ..`.
fn others(folder: &Path, stem: Option<&std::ffi::OsStr>) -> String {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let known = |path: &Path| match Format::of(path) {
        Ok(Format::Folder) => path.join("config.json").is_file(),
        other => other.is_ok(),
    };
    let paths = entries.map(|entry| entry.path()).filter(|path| known(path));
    let mut names: Vec<(bool, String)> = paths
        .filter_map(|path| Some((path.file_stem() != stem, path.file_name()?.to_str()?.to_string())))
        .filter(|(_, name)| !name.starts_with('.'))
        .collect();
    names.sort();
    let (more, names) = (names.len().saturating_sub(MOST), names.into_iter().take(MOST));
    let names: Vec<String> = names.map(|(_, name)| format!("`{name}`")).collect();
    match (&names[..], more) {
        ([], _) => String::new(),
        (_, 0) => format!("; the folder has {}", names.join(", ")),
        (_, more) => format!("; the folder has {} and {more} more", names.join(", ")),
    }
}

/// Why a folder is not one of a model, if it is not.
pub(super) fn no_model(path: &Path) -> Option<Error> {
    let has = |name: &str| path.join(name).exists();
    if has("config.json") && (has("model.weights.h5") || has("model.weights.npz")) {
        return None;
    }
    let message = if has("saved_model.pb") {
        "is a SavedModel of TensorFlow, which holds operations, not layers: save the Keras model that it was made of as `.keras`".into()
    } else if has("checkpoint") {
        "is a folder of TensorFlow's checkpoints: load one into its model in Keras, and save that as `.keras`"
            .into()
    } else {
        let lacks = if has("config.json") { "model.weights.h5" } else { "config.json" };
        format!("is not the folder of a model: it lacks `{lacks}`{}", others(path, None))
    };
    Some(Error::file(path, message))
}
