//! MNIST: 70,000 grey images of handwritten digits, 28x28.

use std::io::Read;

use super::Split;
use super::cache::{Source, fetch};
use crate::{D3, Error, Result};

const SOURCE: Source = Source {
    cached: "mnist.npz",
    installed: None,
    url: "https://storage.googleapis.com/tensorflow/tf-keras-datasets/mnist.npz",
    sha256: Some("731c5ac602752760c8e48fbffcf8c3b850d9dc2a2aedcf2cc48468fc17b673d1"),
    hint: "Python Keras keeps it there once it has loaded it",
};

/// `(train, test)`: 60,000 and 10,000 images, `[28, 28, 1]` in 0..1, with labels 0 to 9.
///
/// Source: Y. LeCun, C. Cortes, C. Burges, as Keras publishes it (CC BY-SA 3.0),
/// <https://keras.io/api/datasets/mnist/>.
///
/// # Errors
/// If it is not in the cache and cannot be downloaded, or is damaged.
pub fn load() -> Result<(Split<D3<28, 28, 1>>, Split<D3<28, 28, 1>>)> {
    split(&fetch(&SOURCE)?)
}

/// Reads the archive: `x_train`, `y_train`, `x_test`, `y_test`, all unsigned bytes.
fn split(data: &[u8]) -> Result<(Split<D3<28, 28, 1>>, Split<D3<28, 28, 1>>)> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(data)).map_err(|e| wrong(e.to_string()))?;
    let mut member = |name: &str, size: usize| -> Result<Vec<u8>> {
        let member = zip.by_name(&format!("{name}.npy")).map_err(|e| wrong(format!("`{name}`: {e}")))?;
        // A header of the format takes less than a kilobyte.
        let mut bytes = Vec::new();
        member
            .take(size as u64 + 1024)
            .read_to_end(&mut bytes)
            .map_err(|e| wrong(format!("`{name}`: {e}")))?;
        // The header ends where the data, which fill the rest, begin.
        let header = match bytes.get(6..10) {
            Some([1, _, low, high]) => 10 + usize::from(u16::from_le_bytes([*low, *high])),
            _ => return Err(wrong(format!("`{name}` is not an array of version 1"))),
        };
        let is_bytes = bytes.get(10..header).is_some_and(|h| String::from_utf8_lossy(h).contains("'|u1'"));
        if !is_bytes || bytes.len() != header + size {
            return Err(wrong(format!("`{name}` is not an array of {size} unsigned bytes")));
        }
        Ok(bytes.split_off(header))
    };
    let mut half = |which: &str, n: usize| {
        Split::from_pixels(&member(&format!("x_{which}"), n * 784)?, 255.0, member(&format!("y_{which}"), n)?)
    };
    Ok((half("train", 60_000)?, half("test", 10_000)?))
}

fn wrong(what: String) -> Error {
    Error::Data(format!("{}: {what}", SOURCE.cached))
}
