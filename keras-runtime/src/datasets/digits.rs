//! Handwritten digits, 8x8 pixels: ships with the library.

use super::{Split, archive};
use crate::{D3, Error, Result};

/// Images for training; the rest are for testing.
const TRAIN: usize = 1437;
/// The data: see the folder's README for source and licence (CC BY 4.0).
const DATA: &[u8] = include_bytes!("data/digits.csv.gz");
/// The largest pixel.
const WHITE: f32 = 16.0;

/// `(train, test)`: 1,437 and 360 images of handwritten digits, `[8, 8, 1]` in 0..1, with labels 0 to 9.
///
/// The split is by position, so the writers of the last images are mostly not among those of the first: it is harder than a
/// random one.
///
/// Source: E. Alpaydin and C. Kaynak, UCI Machine Learning Repository, <https://doi.org/10.24432/C50P49>, CC BY 4.0.
///
/// # Errors
/// Never for the file that ships with the library.
///
/// ```
/// let (train, test) = keras_runtime::datasets::digits::load()?;
/// assert_eq!((train.len(), test.len()), (1437, 360));
/// # Ok::<(), keras_runtime::Error>(())
/// ```
pub fn load() -> Result<(Split<D3<8, 8, 1>>, Split<D3<8, 8, 1>>)> {
    let wrong = || Error::Data("the digits that ship with the library are damaged".into());
    let text = String::from_utf8(archive::gunzip(DATA, 1 << 20)?).map_err(|_| wrong())?;
    let (mut pixels, mut labels) = (Vec::new(), Vec::new());
    for line in text.lines() {
        let numbers: Vec<u8> = line.split(',').map_while(|n| n.parse().ok()).collect();
        let [image @ .., label] = &numbers[..] else { return Err(wrong()) };
        if image.len() != 64 {
            return Err(wrong());
        }
        pixels.extend_from_slice(image);
        labels.push(*label);
    }
    if labels.len() <= TRAIN {
        return Err(wrong());
    }
    let test_labels = labels.split_off(TRAIN);
    let (train, test) = pixels.split_at(TRAIN * 64);
    Ok((Split::from_pixels(train, WHITE, labels)?, Split::from_pixels(test, WHITE, test_labels)?))
}
