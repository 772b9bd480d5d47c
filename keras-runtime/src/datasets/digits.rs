//! Handwritten digits, 8x8 pixels: ships with the library.

use super::{Split, archive};
use crate::{D3, Error, Result};

/// One image in so many is for testing.
const EVERY: usize = 5;
/// The data: see the folder's README for source and licence (CC BY 4.0).
const DATA: &[u8] = include_bytes!("data/digits.csv.gz");
/// The largest pixel.
const WHITE: f32 = 16.0;

/// `(train, test)`: 1,437 and 360 images of handwritten digits, `[8, 8, 1]` in 0..1, with labels 0 to 9.
///
/// Every fifth image is for testing, so that both halves have all 13 writers.
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
    let (mut train, mut test) = ((Vec::new(), Vec::new()), (Vec::new(), Vec::new()));
    for (at, line) in text.lines().enumerate() {
        let numbers: Vec<u8> = line.split(',').map_while(|n| n.parse().ok()).collect();
        let [image @ .., label] = &numbers[..] else { return Err(wrong()) };
        if image.len() != 64 {
            return Err(wrong());
        }
        let (pixels, labels) = if at % EVERY == 0 { &mut test } else { &mut train };
        pixels.extend_from_slice(image);
        labels.push(*label);
    }
    Ok((Split::from_pixels(&train.0, WHITE, train.1)?, Split::from_pixels(&test.0, WHITE, test.1)?))
}
