//! Errors of the library.

use std::path::PathBuf;

use keras_kernels::DeviceError;

use crate::plan::Message;

/// The library's result.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What went wrong: each says what, where, what was expected and what was found.
// A message of const evaluation lies on the stack; errors are rare, and not moved about.
#[allow(clippy::large_enum_variant)]
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum Error {
    /// A layer cannot take its inputs.
    #[error("layer `{layer}` ({class}): {message}")]
    Plan {
        /// Name of the layer.
        layer: String,
        /// Its class.
        class: String,
        /// What is wrong.
        message: Message,
    },
    /// A configuration (of a layer, an optimizer, a file) has a value that cannot be honoured.
    #[error("{what}: {message}")]
    Config {
        /// Class and key.
        what: String,
        /// What is wrong.
        message: String,
    },
    /// Data does not fit the model.
    #[error("{0}")]
    Data(String),
    /// An argument cannot be used.
    #[error("{0}")]
    Argument(String),
    /// A file cannot be read or written.
    #[error("{}: {message}", path.display())]
    File {
        /// The file.
        path: PathBuf,
        /// What is wrong with it.
        message: String,
    },
    /// The operating system refused.
    #[error("{}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// The device refused.
    #[error(transparent)]
    Device(#[from] DeviceError),
}

impl Error {
    /// A [`Error::Config`].
    pub fn config(what: impl Into<String>, message: impl Into<String>) -> Error {
        Error::Config { what: what.into(), message: message.into() }
    }

    /// A [`Error::File`].
    pub fn file(path: impl Into<PathBuf>, message: impl Into<String>) -> Error {
        Error::File { path: path.into(), message: message.into() }
    }

    /// A [`Error::Io`].
    pub fn io(path: impl Into<PathBuf>, source: std::io::Error) -> Error {
        Error::Io { path: path.into(), source }
    }
}
