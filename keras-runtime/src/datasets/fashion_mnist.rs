//! Fashion-MNIST: 70,000 grey images of clothes, 28x28.

use super::cache::{Source, fetch, verify};
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
    let read = |(source, hash, dims): &File| {
        let size: usize = dims.iter().product::<usize>() + 4 + 4 * dims.len();
        let data = archive::gunzip(&fetch(source)?, size)?;
        verify(source.cached, &data, hash)?;
        idx::parse(&data, dims)
    };
    let [train_x, train_y, test_x, test_y] = &FILES;
    let train = Split::from_pixels(&read(train_x)?, 255.0, read(train_y)?)?;
    Ok((train, Split::from_pixels(&read(test_x)?, 255.0, read(test_y)?)?))
}
