//! How images are cut into tiles.

use super::super::Conv;
use super::transforms::SIDE;

/// The tiles of a batch of outputs.
#[derive(Clone, Copy)]
pub(super) struct Tiles {
    batch: usize,
    down: usize,
    across: usize,
}

impl Tiles {
    pub(super) const fn of(conv: &Conv) -> Tiles {
        let last = conv.rank - 1;
        let across = conv.output[last].div_ceil(SIDE);
        Tiles { batch: conv.batch, down: conv.output[last - 1].div_ceil(SIDE), across }
    }

    /// Tiles of one image.
    pub(super) const fn of_image(&self) -> usize {
        self.down * self.across
    }

    /// Tiles of the batch.
    pub(super) fn count(&self) -> usize {
        self.batch * self.of_image()
    }

    /// Sample, and the first row and column of outputs, of tile `at`.
    #[inline(always)]
    pub(super) fn place(&self, at: usize) -> (usize, [usize; 2]) {
        let sample = at / (self.down * self.across);
        (sample, [at / self.across % self.down * SIDE, at % self.across * SIDE])
    }
}
