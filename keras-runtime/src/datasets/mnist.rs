//! MNIST: 70,000 grey images of handwritten digits, 28x28.

use std::io::Read;

use super::Split;
use super::cache::{Source, fetch, folder};
use crate::{D3, Result};

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
    let file = fetch(&SOURCE, folder().as_deref())?;
    split(&file.data, 60_000, 10_000).map_err(|e| file.damaged(e))
}

/// Reads the archive: `x_train`, `y_train`, `x_test`, `y_test`, all unsigned bytes, of so many images.
///
/// # Errors
/// A description of what is wrong with it.
fn split(
    data: &[u8],
    train: usize,
    test: usize,
) -> Result<(Split<D3<28, 28, 1>>, Split<D3<28, 28, 1>>), String> {
    let mut zip = zip::ZipArchive::new(std::io::Cursor::new(data)).map_err(|e| e.to_string())?;
    let mut member = |name: &str, size: usize| -> Result<Vec<u8>, String> {
        let wrong = |e: &dyn std::fmt::Display| format!("`{name}`: {e}");
        let member = zip.by_name(&format!("{name}.npy")).map_err(|e| wrong(&e))?;
        // A header of the format takes less than a kilobyte.
        let mut bytes = Vec::new();
        member.take(size as u64 + 1024).read_to_end(&mut bytes).map_err(|e| wrong(&e))?;
        // The header ends where the data, which fill the rest, begin.
        let header = match bytes.get(6..10) {
            Some([1, _, low, high]) => 10 + usize::from(u16::from_le_bytes([*low, *high])),
            _ => return Err(wrong(&"is not an array of version 1")),
        };
        let is_bytes = bytes.get(10..header).is_some_and(|h| String::from_utf8_lossy(h).contains("'|u1'"));
        if !is_bytes || bytes.len() != header + size {
            return Err(wrong(&format!("is not an array of {size} unsigned bytes")));
        }
        Ok(bytes.split_off(header))
    };
    let mut half = |which: &str, n: usize| {
        let (pixels, labels) = (member(&format!("x_{which}"), n * 784)?, member(&format!("y_{which}"), n)?);
        Split::from_pixels(&pixels, 255.0, labels).map_err(|e| e.to_string())
    };
    Ok((half("train", train)?, half("test", test)?))
}

#[cfg(test)]
mod tests {
    use std::io::{Cursor, Write};

    use super::*;

    /// An archive as NumPy writes it, of arrays of one value each.
    fn archive(members: &[(&str, &str, usize, u8)]) -> Vec<u8> {
        let mut zip = zip::ZipWriter::new(Cursor::new(Vec::new()));
        for (name, descr, size, value) in members {
            zip.start_file(format!("{name}.npy"), zip::write::SimpleFileOptions::default()).expect("memory");
            let header = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': ({size},), }}\n");
            zip.write_all(b"\x93NUMPY\x01\x00").expect("memory");
            zip.write_all(&(header.len() as u16).to_le_bytes()).expect("memory");
            zip.write_all(header.as_bytes()).expect("memory");
            zip.write_all(&vec![*value; *size]).expect("memory");
        }
        zip.finish().expect("memory").into_inner()
    }

    #[test]
    fn small_archives_are_read_and_damaged_ones_refused() {
        let whole = [
            ("x_train", "|u1", 3 * 784, 51),
            ("y_train", "|u1", 3, 4),
            ("x_test", "|u1", 784, 255),
            ("y_test", "|u1", 1, 9),
        ];
        let bytes = archive(&whole);
        let (train, test) = split(&bytes, 3, 1).expect("complete");
        assert_eq!((train.x.sample(2)[5], train.y.as_slice()), (0.2, &[4, 4, 4][..]));
        assert_eq!((test.x.sample(0)[783], test.y.as_slice()), (1.0, &[9][..]));
        let error = |bytes: &[u8], train| split(bytes, train, 1).map(|_| ()).expect_err("damaged");
        assert!(error(&bytes, 2).contains("`x_train`: is not an array of 1568 unsigned bytes"));
        assert!(error(&archive(&whole[..3]), 3).contains("`y_test`"));
        let mut floats = whole;
        floats[0].1 = "<f4";
        assert!(error(&archive(&floats), 3).contains("`x_train`: is not an array of 2352 unsigned bytes"));
        for cut in (0..bytes.len()).step_by(37) {
            error(&bytes[..cut], 3);
        }
    }
}
