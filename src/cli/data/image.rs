//! Images as samples.

use std::path::Path;

use clap::Args;
use keras::Error;
use keras::graph::Slot;
use keras::saving::{Array, Stored};

use super::super::failure::Outcome;
use super::pixels::{Pixels, Resize};

/// How images become numbers.
#[derive(Args, Clone, Debug, Default)]
pub struct Images {
    /// Pixels of images (0 to 255) are multiplied by this: 0.00392157 for 0 to 1 [default: 1]
    #[arg(long, value_name = "FACTOR", help_heading = "Images")]
    pub scale: Option<f32>,
    /// Added to the pixels after that: with --scale 0.00784314 and --offset -1 they lie between -1 and 1 [default: 0]
    #[arg(long, value_name = "NUMBER", allow_negative_numbers = true, help_heading = "Images")]
    pub offset: Option<f32>,
    /// How images are brought to the model's size; `nearest` is what keras.utils.load_img does
    #[arg(long, value_enum, default_value_t = Resize::Nearest, help_heading = "Images")]
    pub resize: Resize,
}

impl Images {
    /// Images as samples of the shape that an input has: `[height, width, channels]`.
    pub fn read(&self, paths: &[&Path], slot: Option<&Slot>) -> Outcome<Array> {
        let dims = slot.map(|slot| &slot.dims[..]);
        let (height, width, channels) = match dims {
            Some(&[height, width, Some(channels @ (1 | 3 | 4))]) => (height, width, channels),
            Some(&[height, width]) => (height, width, 1),
            _ => {
                let wants =
                    slot.map_or("no known shape".into(), |slot| format!("the shape {}", slot.describe()));
                let message = format!(
                    "is an image, and the input has {wants}: images are for inputs [height, width, channels] with 1, 3 or 4 channels"
                );
                return Err(Error::file(paths.first().copied().unwrap_or(Path::new("")), message).into());
            }
        };
        let (scale, offset) = (self.scale.unwrap_or(1.0), self.offset.unwrap_or(0.0));
        let mut size = None;
        let mut bytes: Vec<u8> = Vec::new();
        for path in paths {
            let file = std::fs::read(path).map_err(|e| Error::io(*path, e))?;
            let image = Pixels::decode(&file).map_err(|message| Error::file(*path, message))?;
            let wanted = (height.unwrap_or(image.height), width.unwrap_or(image.width));
            if *size.get_or_insert(wanted) != wanted {
                let message = "has another size than the images before it, and the model takes any: give images of one size";
                return Err(Error::file(*path, message).into());
            }
            let image = image.with_channels(channels).resized(wanted, self.resize);
            bytes.extend(image.bytes.iter().flat_map(|p| (f32::from(*p) * scale + offset).to_le_bytes()));
        }
        let (height, width) = size.unwrap_or((0, 0));
        let mut shape = vec![paths.len(), height, width];
        shape.extend(dims.filter(|dims| dims.len() == 3).map(|_| channels));
        Ok(Array::new(shape, Stored::F32, bytes)?)
    }
}
