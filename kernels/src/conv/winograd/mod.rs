//! Convolutions of images with 3x3 kernels by Winograd's algorithm F(4x4, 3x3), and the gradients of their kernels by F(3x3, 4x4): a
//! quarter of the multiplications.
//!
//! The image is cut into tiles of 4x4 outputs. Each is the inverse transform of 36 numbers a channel, and these are products of
//! matrices: the transformed inputs of many tiles by the transformed kernel. The kernel is transformed once ([`pack`]); a task takes
//! some tiles through all three stages in its workspace, so that nothing in between goes to memory.
//!
//! Sums are less exact than those of the definition, since the transforms subtract numbers of like size: the error of an output is
//! some 30 times that of the direct sum, about 1e-5 of the largest output (`tests::the_error_has_a_bound`), and so is that of a tap's
//! gradient. `Cpu::exact` computes by the definition.

mod grad;
mod pack;
mod pass;
mod patches;
#[cfg(test)]
mod tests;
mod tiles;
mod transforms;

pub(super) use grad::kernel_grad;
pub(super) use pack::{Turn, pack};
pub(super) use pass::Pass;

use super::{Conv, MAX_SPATIAL};
use crate::matmul::tile::MAX_COLS;
use transforms::PRODUCTS;

/// Fewest channels, and filters, for which the transforms pay.
const CHANNELS: usize = 16;

/// Fewest tiles of an image for which reading a kernel of four times the size pays. The batch does not count: a sample's result is the
/// same in any batch.
const TILES: usize = 4;

impl Conv {
    /// Elements of the packed form of the kernel ([`super::Convolution::conv_pack`]); 0 if this convolution has none.
    pub const fn packed_len(&self) -> usize {
        if self.suits() { transformed_len(self.channels, self.filters) } else { 0 }
    }

    /// Elements of scratch with which [`super::Convolution::conv_data_grad`] is faster; 0 if it needs none.
    pub const fn data_grad_scratch_len(&self) -> usize {
        if self.backwards().suits() { transformed_len(self.filters, self.channels) } else { 0 }
    }

    /// Whether this is a convolution of images by 3x3 with channels and pixels enough.
    pub(super) const fn suits(&self) -> bool {
        self.is_image_by_three()
            && self.channels >= CHANNELS
            && self.filters >= CHANNELS
            && tiles::Tiles::of(self).of_image() >= TILES
    }

    const fn is_image_by_three(&self) -> bool {
        let (mut spatial, mut i) = (0, 0);
        while i < self.rank {
            // Dimensions in front that are not there are 1 everywhere.
            if self.kernel[i] == 3 && self.strides[i] == 1 && self.dilation[i] == 1 && self.padding[i] <= 2 {
                spatial += 1;
            } else if self.kernel[i] != 1 || self.input[i] != 1 || self.output[i] != 1 {
                return false;
            }
            i += 1;
        }
        spatial == 2 && self.kernel[self.rank - 1] == 3 && self.kernel[self.rank - 2] == 3 && self.groups == 1
    }

    /// The convolution that computes the gradient of the input from that of the output, with the kernel turned round.
    pub(super) const fn backwards(&self) -> Conv {
        let mut padding = [0; MAX_SPATIAL];
        let mut i = 0;
        while i < self.rank {
            padding[i] = (self.kernel[i] * self.dilation[i]).saturating_sub(1 + self.padding[i]);
            i += 1;
        }
        let (channels, filters) = (self.filters, self.channels);
        Conv { input: self.output, output: self.input, padding, channels, filters, ..*self }
    }
}

/// Elements of a transformed kernel, enough on every machine.
const fn transformed_len(channels: usize, columns: usize) -> usize {
    PRODUCTS.saturating_mul(channels).saturating_mul(columns.next_multiple_of(MAX_COLS))
}
