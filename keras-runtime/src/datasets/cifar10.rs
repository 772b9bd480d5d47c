//! CIFAR-10: 60,000 colour images, 32x32.

use std::io::Read;

use super::Split;
use super::cache::{Source, fetch, folder};
use crate::{D3, Result};

/// The classes, by label.
pub const CLASSES: [&str; 10] =
    ["airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck"];

const SOURCE: Source = Source {
    cached: "cifar-10-binary.tar.gz",
    installed: None,
    url: "https://www.cs.toronto.edu/~kriz/cifar-10-binary.tar.gz",
    sha256: Some("c4a38c50a1bc5f3a1c5537f2155ab9d68f9f25eb1ed8d9ddda3db29a59bca1dd"),
    hint: "Put the archive there",
};

/// Pixels of one colour of one image.
const PLANE: usize = 32 * 32;
/// Bytes of one image in a file: its label, then red, green and blue.
const RECORD: usize = 1 + 3 * PLANE;
const PER_FILE: usize = 10_000;
/// Five for training, one for testing.
const FILES: usize = 6;

/// `(train, test)`: 50,000 and 10,000 images, `[32, 32, 3]` in 0..1, with labels 0 to 9 ([`CLASSES`]).
///
/// Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009,
/// <https://www.cs.toronto.edu/~kriz/cifar.html>.
///
/// # Errors
/// If it is not in the cache and cannot be downloaded, or is damaged.
pub fn load() -> Result<(Split<D3<32, 32, 3>>, Split<D3<32, 32, 3>>)> {
    let file = fetch(&SOURCE, folder().as_deref())?;
    split(&file.data, PER_FILE).map_err(|e| file.damaged(e))
}

/// Reads the archive, whose files have so many images each.
///
/// # Errors
/// A description of what is wrong with it.
fn split(archive: &[u8], per_file: usize) -> Result<(Split<D3<32, 32, 3>>, Split<D3<32, 32, 3>>), String> {
    let unreadable = |e: std::io::Error| e.to_string();
    let mut files: Vec<(String, Vec<u8>)> = Vec::new();
    let mut tar = tar::Archive::new(flate2::read::GzDecoder::new(archive));
    for entry in tar.entries().map_err(unreadable)? {
        let entry = entry.map_err(unreadable)?;
        let name = entry.path().map_err(unreadable)?.file_name().map(|n| n.to_string_lossy().into_owned());
        if let Some(name) = name.filter(|n| n.ends_with("_batch.bin") || n.starts_with("data_batch_")) {
            let mut bytes = Vec::new();
            entry.take((per_file * RECORD) as u64 + 1).read_to_end(&mut bytes).map_err(unreadable)?;
            if bytes.len() != per_file * RECORD {
                let expected = per_file * RECORD;
                return Err(format!("`{name}` has {} bytes or more, expected {expected}", bytes.len()));
            }
            if files.len() == FILES {
                return Err(format!("has more than {FILES} files of images"));
            }
            files.push((name, bytes));
        }
    }
    // What is left is little, and ends with the sum that proves the rest.
    std::io::copy(&mut tar.into_inner(), &mut std::io::sink()).map_err(unreadable)?;
    files.sort();
    let (mut train, mut test) = (Decoded::default(), Decoded::default());
    for (name, bytes) in &files {
        let to = if name.starts_with("data_batch_") { &mut train } else { &mut test };
        bytes.chunks_exact(RECORD).for_each(|record| to.push(record));
    }
    if (train.labels.len(), test.labels.len()) != ((FILES - 1) * per_file, per_file) {
        return Err(format!("has {} training and {} test images", train.labels.len(), test.labels.len()));
    }
    let half =
        |half: Decoded| Split::from_pixels(&half.pixels, 255.0, half.labels).map_err(|e| e.to_string());
    Ok((half(train)?, half(test)?))
}

#[derive(Default)]
struct Decoded {
    pixels: Vec<u8>,
    labels: Vec<u8>,
}

impl Decoded {
    /// Planes of red, green and blue become pixels.
    fn push(&mut self, record: &[u8]) {
        self.labels.push(record[0]);
        for i in 0..PLANE {
            self.pixels.extend([record[1 + i], record[1 + PLANE + i], record[1 + 2 * PLANE + i]]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Images of a file.
    const FEW: usize = 3;

    /// An archive with the published layout.
    fn archive(files: &[&str], images: usize) -> Vec<u8> {
        let gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        let mut tar = tar::Builder::new(gz);
        for (f, name) in files.iter().enumerate() {
            let mut bytes = vec![0u8; images * RECORD];
            bytes[0] = f as u8;
            bytes[1..4].copy_from_slice(&[255, 0, 51]);
            bytes[1 + PLANE] = 102;
            let mut header = tar::Header::new_gnu();
            header.set_size(bytes.len() as u64);
            header.set_mode(0o644);
            tar.append_data(&mut header, format!("cifar-10-batches-bin/{name}"), &bytes[..])
                .expect("write to memory");
        }
        tar.into_inner().and_then(flate2::write::GzEncoder::finish).expect("write to memory")
    }

    const NAMES: [&str; 6] = [
        "data_batch_1.bin",
        "data_batch_2.bin",
        "data_batch_3.bin",
        "data_batch_4.bin",
        "data_batch_5.bin",
        "test_batch.bin",
    ];

    #[test]
    fn planes_become_pixels() {
        let (train, test) = split(&archive(&NAMES, FEW), FEW).expect("complete");
        assert_eq!((train.len(), test.len()), (5 * FEW, FEW));
        assert_eq!(train.x.sample(0)[..6], [1.0, 0.4, 0.0, 0.0, 0.0, 0.0]);
        assert_eq!(train.x.sample(0)[6..9], [0.2, 0.0, 0.0]);
        assert_eq!((train.y.as_slice()[FEW], test.y.as_slice()[0]), (1, 5));
    }

    #[test]
    fn damaged_archives_are_refused() {
        let error = |bytes: &[u8]| split(bytes, FEW).map(|_| ()).expect_err("damaged");
        assert!(error(&archive(&NAMES[..5], FEW)).contains("15 training and 0 test"));
        assert!(error(&archive(&NAMES, FEW - 1)).contains("`data_batch_1.bin` has 6146 bytes"));
        assert!(error(&archive(&NAMES, FEW + 1)).contains("expected 9219"));
        assert!(error(&archive(&[NAMES[0]; 9], FEW)).contains("more than 6 files"));
        let whole = archive(&NAMES, FEW);
        for cut in (0..whole.len()).step_by(whole.len() / 40) {
            error(&whole[..cut]);
        }
    }
}
