//! Formats of files, by their extensions.

use std::path::Path;

use crate::{Error, Result};

/// A format of files.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// `.keras`: architecture, weights, compile options, optimizer.
    Keras,
    /// A folder with what a `.keras` archive holds (`zipped=False` in Keras).
    Folder,
    /// `.h5`, `.hdf5`: the same in the legacy format of Keras 2, or weights alone.
    LegacyH5,
    /// `.weights.h5`: weights and optimizer.
    WeightsH5,
    /// `.weights.json`: the same in several files of a limited size.
    Sharded,
    /// `.safetensors`: weights by their paths.
    Safetensors,
    /// `.json`: an architecture.
    Json,
    /// `.yaml`, `.yml`: an architecture.
    Yaml,
}

/// Extensions, longer ones first.
const EXTENSIONS: [(&str, Format); 9] = [
    (".weights.h5", Format::WeightsH5),
    (".weights.json", Format::Sharded),
    (".keras", Format::Keras),
    (".h5", Format::LegacyH5),
    (".hdf5", Format::LegacyH5),
    (".safetensors", Format::Safetensors),
    (".json", Format::Json),
    (".yaml", Format::Yaml),
    (".yml", Format::Yaml),
];

impl Format {
    /// The format that a path's extension stands for. A folder, and a path without an extension, is [`Format::Folder`].
    ///
    /// # Errors
    /// If the extension is not known; the error names those that are.
    pub fn of(path: impl AsRef<Path>) -> Result<Format> {
        let path = path.as_ref();
        if path.is_dir() || path.extension().is_none() {
            return Ok(Format::Folder);
        }
        let name = path.file_name().map(|name| name.to_string_lossy().to_lowercase()).unwrap_or_default();
        let found = EXTENSIONS.iter().find(|(extension, _)| name.ends_with(extension));
        found.map(|(_, format)| *format).ok_or_else(|| {
            let known: Vec<&str> = EXTENSIONS.iter().map(|(extension, _)| *extension).collect();
            let known = known.join(", ");
            Error::file(
                path,
                format!("its extension is not that of a known format ({known}; none for a folder)"),
            )
        })
    }

    /// Whether files of the format hold an architecture.
    pub fn has_architecture(self) -> bool {
        !matches!(self, Format::WeightsH5 | Format::Sharded | Format::Safetensors)
    }

    /// Whether files of the format hold weights.
    pub fn has_weights(self) -> bool {
        !matches!(self, Format::Json | Format::Yaml)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn extensions() {
        for (path, format) in [
            ("a.keras", Format::Keras),
            ("a.weights.h5", Format::WeightsH5),
            ("a.b.weights.json", Format::Sharded),
            ("a.H5", Format::LegacyH5),
            ("a.json", Format::Json),
            ("models/net", Format::Folder),
        ] {
            assert_eq!(Format::of(path).expect("known"), format, "{path}");
        }
        assert!(Format::of("a.onnx").is_err_and(|e| e.to_string().contains(".safetensors")));
    }
}
