//! Fashion-MNIST: 70,000 grey images of clothes, 28x28.

use std::path::Path;

use super::cache::{Source, fetch, folder};
use super::{Split, archive, idx};
use crate::{D3, Result};

/// The classes, by label.
pub const CLASSES: [&str; 10] = [
    "T-shirt/top",
    "Trouser",
    "Pullover",
    "Dress",
    "Coat",
    "Sandal",
    "Shirt",
    "Sneaker",
    "Bag",
    "Ankle boot",
];

const HINT: &str = "Install it (Debian: `apt-get install dataset-fashion-mnist`)";

macro_rules! source {
    ($name:literal) => {
        Source {
            cached: concat!("fashion-mnist/", $name, ".gz"),
            installed: Some(concat!("/usr/share/datasets/fashion-mnist/", $name, ".gz")),
            url: concat!("https://storage.googleapis.com/tensorflow/tf-keras-datasets/", $name, ".gz"),
            sha256: None,
            hint: HINT,
        }
    };
}

/// A file, the SHA-256 of what it unpacks to (so that it may be compressed anew), and its dimensions.
type File = (Source, &'static str, &'static [usize]);

const FILES: [File; 4] = [
    (source!("train-images-idx3-ubyte"), TRAIN_IMAGES, &[60_000, 28, 28]),
    (source!("train-labels-idx1-ubyte"), TRAIN_LABELS, &[60_000]),
    (source!("t10k-images-idx3-ubyte"), TEST_IMAGES, &[10_000, 28, 28]),
    (source!("t10k-labels-idx1-ubyte"), TEST_LABELS, &[10_000]),
];
const TRAIN_IMAGES: &str = "c59f468a2f672dc815687fe0f83887768d799fd8a3f3276145d20f83aa44d888";
const TRAIN_LABELS: &str = "bad3541b69d912435c50bb6ba87bec294ff4f6a2e1246121d8633921760443d9";
const TEST_IMAGES: &str = "5b4141f0afbad91edebe8549f8fcffe087ea10ca49f1dbef5c9a5cd8815ce37b";
const TEST_LABELS: &str = "0402a96d92fd2663957122ceb108a494c5af83dab82d92729df917d7dec38c34";

/// `(train, test)`: 60,000 and 10,000 images, `[28, 28, 1]` in 0..1, with labels 0 to 9 ([`CLASSES`]).
///
/// Found in the Keras cache, or where Debian's package `dataset-fashion-mnist` installs it, or downloaded with the feature
/// `download`.
///
/// Source: H. Xiao, K. Rasul, R. Vollgraf, "Fashion-MNIST", 2017, <https://arxiv.org/abs/1708.07747>, MIT licence.
///
/// # Errors
/// If it is nowhere (the message says where it was looked for and how to get it), or damaged.
pub fn load() -> Result<(Split<D3<28, 28, 1>>, Split<D3<28, 28, 1>>)> {
    read(&FILES, folder().as_deref())
}

/// Reads images and labels for training, then those for testing.
fn read(files: &[File; 4], folder: Option<&Path>) -> Result<(Split<D3<28, 28, 1>>, Split<D3<28, 28, 1>>)> {
    let read = |(source, hash, dims): &File| {
        let file = fetch(source, folder)?;
        let size: usize = dims.iter().product::<usize>() + 4 + 4 * dims.len();
        let data = archive::gunzip(&file.data, size).map_err(|e| file.damaged(e))?;
        file.verify(&data, hash)?;
        idx::parse(&data, dims).map_err(|e| file.damaged(e))
    };
    let [train_x, train_y, test_x, test_y] = files;
    let train = Split::from_pixels(&read(train_x)?, 255.0, read(train_y)?)?;
    Ok((train, Split::from_pixels(&read(test_x)?, 255.0, read(test_y)?)?))
}

#[cfg(test)]
mod tests {
    use std::io::Write;

    use super::*;

    fn packed(data: &[u8]) -> Vec<u8> {
        let mut gz = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
        gz.write_all(data).expect("write to memory");
        gz.finish().expect("write to memory")
    }

    /// Two images and three labels' worth of files, with the names of the real ones and places of the test's own.
    #[test]
    fn small_files_are_read_and_damaged_ones_refused() {
        let folder = std::env::temp_dir().join(format!("keras-fashion-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("fashion-mnist")).expect("a folder for the test");
        let images: Vec<u8> =
            [&[0, 0, 8, 3, 0, 0, 0, 2, 0, 0, 0, 28, 0, 0, 0, 28][..], &[51; 2 * 784]].concat();
        let labels = [0, 0, 8, 1, 0, 0, 0, 2, 7, 9];
        let hash = |data: &[u8]| -> &'static str { Box::leak(archive::sha256(data).into_boxed_str()) };
        let place = |(source, ..): &File| Source { installed: None, ..*source };
        let [a, b, c, d] = &FILES;
        let files: [File; 4] = [
            (place(a), hash(&images), &[2, 28, 28]),
            (place(b), hash(&labels), &[2]),
            (place(c), hash(&images), &[2, 28, 28]),
            (place(d), hash(&labels), &[2]),
        ];
        for (at, file) in files.iter().enumerate() {
            let data = if at % 2 == 0 { &images[..] } else { &labels };
            std::fs::write(folder.join(file.0.cached), packed(data)).expect("written");
        }
        let (train, test) = read(&files, Some(&folder)).expect("all there");
        assert_eq!((train.x.sample(1)[783], train.y.as_slice()), (0.2, &[7, 9][..]));
        assert_eq!(test.len(), 2);

        let path = folder.join(files[2].0.cached);
        let whole = packed(&images);
        let mut flipped = images.clone();
        flipped[100] ^= 1;
        for (bytes, why) in [
            (whole[..whole.len() / 2].to_vec(), "cannot unpack"),
            (images.clone(), "cannot unpack"),
            (packed(&flipped), "SHA-256"),
            (packed(&[images.clone(), vec![0]].concat()), "more than the expected"),
            (Vec::new(), "cannot unpack"),
        ] {
            std::fs::write(&path, bytes).expect("written");
            let error = read(&files, Some(&folder)).map(|_| ()).expect_err(why).to_string();
            assert!(error.starts_with(&format!("{} is damaged", path.display())), "{error}");
            assert!(error.contains(why), "{error}");
        }
        std::fs::remove_file(&path).expect("there");
        if cfg!(not(feature = "download")) {
            let error = read(&files, Some(&folder)).map(|_| ()).expect_err("missing").to_string();
            assert!(
                error.contains(&path.display().to_string()) && error.contains("dataset-fashion-mnist"),
                "{error}"
            );
        }
        std::fs::remove_dir_all(folder).expect("there");
    }
}
