//! Convolutions in one to three spatial dimensions, channels last, with their gradients.
//!
//! Ordinary, grouped and depthwise convolutions are one op: a depthwise convolution with multiplier `m` is a grouped one with a group
//! for each input channel, whose kernel `[k.., channels, m]` is read as `[k.., 1, channels * m]` (the same memory).

mod cpu;
mod depthwise;
mod kernel_grad;
mod parts;
#[cfg(test)]
mod plain;
mod reach;
mod strips;
#[cfg(test)]
mod tests;
mod windows;
mod winograd;

pub use crate::matmul::Epilogue;

use crate::{Grad, View};

/// Most spatial dimensions.
pub const MAX_SPATIAL: usize = 3;

/// A convolution's geometry. Entries beyond `rank` are 1 (padding: 0).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Conv {
    /// Spatial dimensions.
    pub rank: usize,
    /// Samples.
    pub batch: usize,
    /// Input size.
    pub input: [usize; MAX_SPATIAL],
    /// Output size.
    pub output: [usize; MAX_SPATIAL],
    /// Kernel size.
    pub kernel: [usize; MAX_SPATIAL],
    /// Step of the window.
    pub strides: [usize; MAX_SPATIAL],
    /// Distance of the kernel's taps.
    pub dilation: [usize; MAX_SPATIAL],
    /// Zeros before the input (those after it follow from the output size).
    pub padding: [usize; MAX_SPATIAL],
    /// Channels of the input.
    pub channels: usize,
    /// Channels of the output.
    pub filters: usize,
    /// Groups: each reads `channels / groups` channels and writes `filters / groups`.
    pub groups: usize,
}

impl Conv {
    /// Multiplications and additions of one pass.
    pub const fn flops(&self) -> usize {
        let mut n = 2 * self.batch * self.filters * (self.channels / self.groups);
        let mut i = 0;
        while i < self.rank {
            n = n.saturating_mul(self.output[i]).saturating_mul(self.kernel[i]);
            i += 1;
        }
        n
    }
}

/// Convolutions.
///
/// Layouts: `x [batch, input.., channels]`, `kernel [kernel.., channels / groups, filters]`, `y [batch, output.., filters]`.
pub trait Convolution {
    /// `y` is what `epilogue` makes of `x * kernel`: cross-correlation, the kernel is not flipped. `packed` is what
    /// [`Convolution::conv_pack`] made of the kernel.
    fn conv(&self, conv: &Conv, x: View, kernel: View, packed: Option<View>, epilogue: &Epilogue, y: View);

    /// Writes a form of the kernel to `to` with which [`Convolution::conv`] is faster: [`Conv::packed_len`] elements. It is for this
    /// device and this geometry (of any batch) alone.
    fn conv_pack(&self, conv: &Conv, kernel: View, to: View);

    /// The gradient of `x`: also what a transposed convolution computes forward. It is faster with a scratch of
    /// [`Conv::data_grad_scratch_len`] elements.
    fn conv_data_grad(&self, conv: &Conv, dy: View, kernel: View, scratch: Option<View>, dx: Grad);

    /// The gradient of the kernel.
    fn conv_kernel_grad(&self, conv: &Conv, x: View, dy: View, dkernel: Grad);
}
