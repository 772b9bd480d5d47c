//! Flat buffers of floats: variables, gradients, packed forms.

use keras_kernels::{Block, DType, Device, Shape, View};

use crate::Result;

/// A flat buffer of floats.
pub(super) struct Buffer {
    block: Box<dyn Block>,
    len: usize,
    float: DType,
}

impl Buffer {
    pub(super) fn new(device: &Device, len: usize, float: DType) -> Result<Buffer> {
        // More than there is, so that the device refuses.
        let bytes = len.saturating_mul(float.size());
        Ok(Buffer { block: device.allocate(bytes)?, len, float })
    }

    /// How many numbers.
    pub(super) fn len(&self) -> usize {
        self.len
    }

    /// A stretch of it.
    ///
    /// # Panics
    /// If it ends outside.
    pub(super) fn view(&self, offset: usize, shape: Shape) -> View {
        assert!(offset + shape.size() <= self.len, "a variable lies outside its buffer");
        // SAFETY: inside the block, which lives as long as the network; aligned to 64 bytes plus whole floats. The network
        // hands its views to one pass at a time.
        unsafe { View::new(self.block.address().add(offset * self.float.size()), shape, self.float) }
    }
}
