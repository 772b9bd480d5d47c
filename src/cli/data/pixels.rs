//! Pixels of images: decoded, in other colours, in other sizes, as Pillow does it (which Keras uses).

use std::io::Cursor;

use clap::ValueEnum;
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

/// How an image is brought to another size.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, ValueEnum)]
pub enum Resize {
    /// The pixel that lies nearest
    #[default]
    Nearest,
    /// The mean of all pixels that one covers, by their distance
    Bilinear,
}

/// An image: 8 bits for each channel, row after row.
#[derive(Clone, Debug, PartialEq)]
pub struct Pixels {
    /// Rows.
    pub height: usize,
    /// Pixels of a row.
    pub width: usize,
    /// Numbers of a pixel: grey, grey and alpha, red green blue, red green blue alpha.
    pub channels: usize,
    /// The numbers.
    pub bytes: Vec<u8>,
}

/// Most pixels of an image: what a file declares is no reason to take memory.
const MOST: usize = 1 << 27;

impl Pixels {
    /// A PNG or JPEG file.
    pub fn decode(file: &[u8]) -> Result<Pixels, String> {
        match file {
            [0x89, b'P', b'N', b'G', ..] => {
                png(file).map_err(|e| format!("is not a PNG image that can be read: {e}"))
            }
            [0xff, 0xd8, ..] => jpeg(file).map_err(|e| format!("is not a JPEG image that can be read: {e}")),
            _ => Err("is neither a PNG nor a JPEG image".into()),
        }
    }

    /// The same in grey (1), red green blue (3), or with alpha (4).
    #[must_use]
    pub fn with_channels(self, channels: usize) -> Pixels {
        if channels == self.channels {
            return self;
        }
        let mut bytes = Vec::with_capacity(self.width * self.height * channels);
        for pixel in self.bytes.chunks_exact(self.channels) {
            let (rgb, alpha) = match *pixel {
                [grey] => ([grey; 3], 255),
                [grey, alpha] => ([grey; 3], alpha),
                [r, g, b] => ([r, g, b], 255),
                [r, g, b, alpha, ..] => ([r, g, b], alpha),
                [] => ([0; 3], 255),
            };
            match channels {
                // ITU-R 601-2, in Pillow's fixed point.
                1 => {
                    let [r, g, b] = rgb.map(u32::from);
                    bytes.push(((r * 19595 + g * 38470 + b * 7471 + 0x8000) >> 16) as u8);
                }
                3 => bytes.extend(rgb),
                _ => bytes.extend([rgb[0], rgb[1], rgb[2], alpha]),
            }
        }
        Pixels { channels, bytes, ..self }
    }

    /// The same in another size.
    #[must_use]
    pub fn resized(self, (height, width): (usize, usize), how: Resize) -> Pixels {
        if (self.height, self.width) == (height, width) {
            return self;
        }
        let (rows, columns) = (weights(self.height, height, how), weights(self.width, width, how));
        let c = self.channels;
        // Along rows, then along columns.
        let mut narrow = vec![0.0f32; self.height * width * c];
        for (row, out) in self.bytes.chunks_exact(self.width * c).zip(narrow.chunks_exact_mut(width * c)) {
            for (x, (first, weights)) in columns.iter().enumerate() {
                for (at, weight) in weights.iter().enumerate() {
                    for channel in 0..c {
                        out[x * c + channel] += weight * f32::from(row[(first + at) * c + channel]);
                    }
                }
            }
        }
        // Pillow rounds between the two passes.
        narrow.iter_mut().for_each(|v| *v = v.round());
        let mut bytes = Vec::with_capacity(height * width * c);
        for (first, weights) in &rows {
            for at in 0..width * c {
                let sum: f32 = weights
                    .iter()
                    .enumerate()
                    .map(|(row, weight)| weight * narrow[(first + row) * width * c + at])
                    .sum();
                bytes.push(sum.round().clamp(0.0, 255.0) as u8);
            }
        }
        Pixels { height, width, bytes, ..self }
    }
}

/// For each of `to` places the first of `from` places that count for it, and their weights.
fn weights(from: usize, to: usize, how: Resize) -> Vec<(usize, Vec<f32>)> {
    let scale = from as f64 / to as f64;
    let of = |at: usize| {
        let middle = (at as f64 + 0.5) * scale;
        if how == Resize::Nearest {
            return ((middle as usize).min(from.saturating_sub(1)), vec![1.0]);
        }
        // A triangle that covers at least one place to either side.
        let reach = scale.max(1.0);
        let first = (middle - reach + 0.5).max(0.0) as usize;
        let end = ((middle + reach + 0.5) as usize).min(from);
        let raw: Vec<f64> =
            (first..end).map(|i| (1.0 - ((i as f64 - middle + 0.5) / reach).abs()).max(0.0)).collect();
        let sum: f64 = raw.iter().sum();
        (first, raw.iter().map(|w| (w / sum) as f32).collect())
    };
    (0..to).map(of).collect()
}

fn bounded(width: usize, height: usize) -> Result<(), String> {
    if width.saturating_mul(height) <= MOST {
        Ok(())
    } else {
        Err(format!("{width} x {height} pixels are too many"))
    }
}

fn png(file: &[u8]) -> Result<Pixels, String> {
    let mut decoder = png::Decoder::new(Cursor::new(file));
    // Palettes and few bits become 8 bits, 16 bits lose their lower half.
    decoder.set_transformations(png::Transformations::normalize_to_color8());
    let mut reader = decoder.read_info().map_err(|e| e.to_string())?;
    let (width, height) = (reader.info().width as usize, reader.info().height as usize);
    bounded(width, height)?;
    let size = reader.output_buffer_size().ok_or("it is too large")?;
    let mut bytes = vec![0; size];
    let frame = reader.next_frame(&mut bytes).map_err(|e| e.to_string())?;
    bytes.truncate(frame.buffer_size());
    Ok(Pixels { height, width, channels: frame.color_type.samples(), bytes })
}

fn jpeg(file: &[u8]) -> Result<Pixels, String> {
    let options = DecoderOptions::default().jpeg_set_out_colorspace(ColorSpace::RGB);
    let mut decoder = JpegDecoder::new_with_options(ZCursor::new(file), options);
    decoder.decode_headers().map_err(|e| e.to_string())?;
    let (width, height) = decoder.dimensions().ok_or("it has no size")?;
    bounded(width, height)?;
    let bytes = decoder.decode().map_err(|e| e.to_string())?;
    Ok(Pixels { height, width, channels: 3, bytes })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn grey(height: usize, width: usize, bytes: &[u8]) -> Pixels {
        Pixels { height, width, channels: 1, bytes: bytes.into() }
    }

    /// Values of Pillow 13: `Image.fromarray(a).resize((w, h), how)`.
    #[test]
    fn sizes_as_pillow() {
        let image = grey(3, 4, &[0, 50, 100, 150, 10, 60, 110, 160, 200, 210, 220, 230]);
        for (size, how, expected) in PILLOW {
            assert_eq!(image.clone().resized(*size, *how).bytes, *expected, "{size:?} {how:?}");
        }
    }

    const PILLOW: &[((usize, usize), Resize, &[u8])] = &[
        ((2, 2), Resize::Nearest, &[50, 150, 210, 230]),
        ((2, 2), Resize::Bilinear, &[40, 118, 147, 186]),
        ((5, 3), Resize::Nearest, &[0, 100, 150, 0, 100, 150, 10, 110, 160, 200, 220, 230, 200, 220, 230]),
        ((5, 3), Resize::Bilinear, &[15, 75, 135, 19, 79, 139, 25, 85, 145, 132, 163, 194, 203, 215, 227]),
        ((1, 1), Resize::Nearest, &[110]),
        ((1, 1), Resize::Bilinear, &[119]),
        (
            (6, 8),
            Resize::Nearest,
            &[
                0, 0, 50, 50, 100, 100, 150, 150, 0, 0, 50, 50, 100, 100, 150, 150, 10, 10, 60, 60, 110, 110,
                160, 160, 10, 10, 60, 60, 110, 110, 160, 160, 200, 200, 210, 210, 220, 220, 230, 230, 200,
                200, 210, 210, 220, 220, 230, 230,
            ],
        ),
        (
            (6, 8),
            Resize::Bilinear,
            &[
                0, 13, 38, 63, 88, 113, 138, 150, 3, 16, 41, 66, 91, 116, 141, 153, 8, 21, 46, 71, 96, 121,
                146, 158, 58, 68, 88, 108, 128, 148, 168, 178, 153, 158, 168, 178, 188, 198, 208, 213, 200,
                203, 208, 213, 218, 223, 228, 230,
            ],
        ),
    ];

    #[test]
    fn colours() {
        let red = Pixels { height: 1, width: 1, channels: 3, bytes: vec![255, 0, 0] };
        // Image.new("RGB", (1, 1), (255, 0, 0)).convert("L").
        assert_eq!(red.clone().with_channels(1).bytes, [76]);
        assert_eq!(red.with_channels(4).bytes, [255, 0, 0, 255]);
        assert_eq!(grey(1, 1, &[7]).with_channels(3).bytes, [7, 7, 7]);
    }

    #[test]
    fn damage_is_an_error() {
        for file in [&b""[..], b"GIF89a", b"\x89PNG\r\n\x1a\n", b"\xff\xd8\xff\xe0junk"] {
            assert!(Pixels::decode(file).is_err());
        }
    }
}
