//! How a tensor of few channels fills vectors: several rows side by side are one wide row, and what is computed column by column
//! (sums, constants) has a copy for each.

use super::{Norm, View};
use crate::cpu::raw::{LANES, Raw};
use crate::cpu::threads;

/// A wide row has this many columns at least, if there are rows enough.
const NARROW: usize = 64;
/// And about this many at most, unless one row has more.
const WIDE: usize = 512;
/// Elements of one task, about.
const PIECE: usize = 16_384;

/// Whether no cache holds so many elements: from memory, rows are read faster in order than side by side.
pub(super) fn far(elements: usize) -> bool {
    elements > 1 << 22
}

/// The places of each sample, cut into wide rows. There is one at least.
#[derive(Clone, Copy, Debug)]
pub(super) struct Tiling {
    pub samples: usize,
    /// Places of a sample.
    pub spatial: usize,
    /// Columns of a place.
    pub row: usize,
    /// Places of a wide row.
    pub copies: usize,
}

impl Tiling {
    /// A mask cuts the places into runs, which wide rows would not end at.
    pub fn of(norm: &Norm, mask: bool) -> Tiling {
        let row = norm.weights();
        let whole = (1..=LANES).find(|copies| (row * copies).is_multiple_of(LANES)).unwrap_or(LANES);
        let copies = (NARROW.div_ceil(row * whole) * whole).min(WIDE.div_ceil(row));
        let copies = if mask || row >= WIDE { 1 } else { copies.min(norm.spatial) };
        Tiling { samples: norm.samples, spatial: norm.spatial, row, copies }
    }

    /// Columns of a wide row.
    pub fn width(&self) -> usize {
        self.row * self.copies
    }

    /// Cuts each sample into pieces, `most` at most.
    pub fn cut(&self, most: usize) -> Pieces {
        let pieces = (self.spatial * self.row / PIECE).clamp(1, most);
        let places = self.spatial.div_ceil(self.copies).div_ceil(pieces) * self.copies;
        Pieces { tiling: *self, places, count: self.spatial.div_ceil(places) }
    }
}

/// Samples in pieces, each of which has a number.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pieces {
    tiling: Tiling,
    /// Places of a piece, but the last of a sample.
    places: usize,
    /// Pieces of a sample.
    pub count: usize,
}

impl Pieces {
    /// Runs `task(number, piece)` on each; `cost` operations an element.
    pub fn run(&self, cost: usize, task: impl Fn(usize, Piece) + Sync + Send) {
        let Tiling { samples, spatial, row, .. } = self.tiling;
        let elements = self.places.min(spatial) * row;
        threads::pieces(samples * self.count, PIECE / elements, elements * cost, |start, end| {
            for number in start..end {
                let (sample, first) = (number / self.count, number % self.count * self.places);
                let last = (first + self.places).min(spatial);
                task(number, Piece { sample, start: sample * spatial + first, end: sample * spatial + last });
            }
        });
    }
}

/// Neighbouring places of one sample, numbered from the tensor's first.
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece {
    pub sample: usize,
    pub start: usize,
    pub end: usize,
}

impl Piece {
    /// Calls `f` with the parts of this piece that a mask counts (`true`) and those that it does not.
    pub fn runs(&self, mask: Option<Raw<u8>>, mut f: impl FnMut(bool, Piece)) {
        let Some(mask) = mask else { return f(true, *self) };
        // SAFETY: one element a place, which nothing writes.
        let counts = |place: usize| unsafe { mask.get(place) } != 0;
        let mut start = self.start;
        while start < self.end {
            let end = (start..self.end).find(|at| counts(*at) != counts(start)).unwrap_or(self.end);
            f(counts(start), Piece { start, end, ..*self });
            start = end;
        }
    }
}

/// How many elements a statistic is the mean of.
pub(super) fn count(norm: &Norm, mask: Option<View>) -> f64 {
    /// What Keras adds to the number of places that a mask leaves: 32-bit floats feel it only where there are none.
    const NO_PLACES: f64 = 1e-7;
    let Some(mask) = mask else { return (norm.spatial * norm.channels) as f64 };
    assert!(norm.samples == 1 && norm.channels == 1, "masks are for batch normalization");
    // SAFETY: nothing writes the mask.
    let mask = unsafe { Raw::<u8>::of(mask).slice(0, norm.spatial) };
    (mask.iter().filter(|m| **m != 0).count() as f64).max(NO_PLACES)
}
