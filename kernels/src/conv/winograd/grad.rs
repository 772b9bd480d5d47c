//! The gradient of a kernel in tiles: F(3x3, 4x4), where the gradients of a tile's outputs are the filter.
//!
//! Each of 36 products is a matrix of channels by filters: transformed inputs by transformed gradients, summed over all tiles. A task
//! keeps the sums of some channels and filters, and brings them to nine taps at the end.

use std::ops::Range;

use super::super::{Conv, parts};
use super::patches::{Images, Patches};
use super::tiles::Tiles;
use super::transforms::{self, LANES, PRODUCTS, REACH, SIDE, TAPS, ZEROS};
use crate::cpu::raw::Raw;
use crate::cpu::simd::{self, Kernel, Level};
use crate::cpu::workspace;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::tile::{Ahead, Epilogue, Isa, MAX_ROWS, Segment, Tile};
use crate::{Grad, View};

/// Tiles that are added to the sums at once: each time they are read and written.
const BLOCK: usize = 32;

/// Channels, and filters, of a task at most.
const CUT: usize = 64;

/// Tasks that are wanted at least: with fewer, tiles are summed in parts.
const TASKS: usize = 8;

/// Tiles of a part at least.
const PART: usize = 128;

/// Channels, or filters, in pieces of nearly one size.
#[derive(Clone, Copy)]
struct Cut {
    all: usize,
    each: usize,
}

impl Cut {
    fn of(all: usize) -> Cut {
        Cut { all, each: all.div_ceil(all.div_ceil(CUT)).next_multiple_of(LANES) }
    }

    fn count(self) -> usize {
        self.all.div_ceil(self.each)
    }

    fn piece(self, at: usize) -> Range<usize> {
        at * self.each..((at + 1) * self.each).min(self.all)
    }

    /// From one tile's row to the next one's: not a power of two, since such rows would meet in the cache.
    fn pitch(self) -> usize {
        self.each + LANES
    }
}

/// The gradient of the kernel of `conv`, whose dimensions are aligned to the end.
pub(in super::super) fn kernel_grad(isa: Isa<f32>, conv: &Conv, x: View, dy: View, dkernel: Grad) {
    let (x_size, kernel_size, y_size) = conv.sizes();
    let tiles = Tiles::of(conv);
    let (rows, columns) = (Cut::of(conv.channels), Cut::of(conv.filters));
    let blocks = rows.count() * columns.count();
    let parts = TASKS.div_ceil(blocks).min(tiles.count().div_ceil(PART)).max(1);
    let [padding, size] = [conv.padding, conv.input].map(|d| [d[1], d[2]]);
    let stage = Stage {
        isa,
        inputs: Images { tiles, from: Raw::sized(x, x_size), size, padding, channels: conv.channels },
        gradients: Images {
            tiles,
            from: Raw::sized(dy, y_size),
            size: [conv.output[1], conv.output[2]],
            padding: [0, 0],
            channels: conv.filters,
        },
        rows,
        columns,
        row_step: BLOCK * rows.pitch() + LANES,
        column_step: BLOCK * columns.pitch() + LANES,
        sum_step: rows.each * columns.each + LANES,
    };
    let room = PRODUCTS * (stage.row_step + stage.column_step + stage.sum_step);
    let work = PRODUCTS * tiles.count() * conv.channels * conv.filters / MULTIPLICATIONS;
    parts::sum(parts, kernel_size, dkernel, |to, adds| {
        workspace::tasks(blocks * parts, work, room, |task, room| {
            let (part, block) = (task / blocks, task % blocks);
            let (row, column) = (block / columns.count(), block % columns.count());
            stage.task(
                part * tiles.count() / parts..(part + 1) * tiles.count() / parts,
                rows.piece(row),
                columns.piece(column),
                room,
                (to.skip(part * kernel_size), adds),
            );
        });
    });
}

/// What all tasks know.
struct Stage {
    isa: Isa<f32>,
    inputs: Images<REACH>,
    gradients: Images<SIDE>,
    rows: Cut,
    columns: Cut,
    /// From one product to the next: of inputs, gradients and sums.
    row_step: usize,
    column_step: usize,
    sum_step: usize,
}

impl Stage {
    /// The taps of some channels and filters, summed over some tiles.
    fn task(
        &self,
        tiles: Range<usize>,
        rows: Range<usize>,
        columns: Range<usize>,
        room: &mut [f32],
        (to, adds): (Raw<f32>, bool),
    ) {
        let (inputs, room) = room.split_at_mut(PRODUCTS * self.row_step);
        let (gradients, sums) = room.split_at_mut(PRODUCTS * self.column_step);
        for first in tiles.clone().step_by(BLOCK) {
            let some = BLOCK.min(tiles.end - first);
            simd::run(Patches {
                images: self.inputs,
                first,
                some,
                channel: rows.start,
                channels: rows.len(),
                pitch: self.rows.pitch(),
                step: self.row_step,
                to: inputs,
            });
            simd::run(Patches {
                images: self.gradients,
                first,
                some,
                channel: columns.start,
                channels: columns.len(),
                pitch: self.columns.pitch(),
                step: self.column_step,
                to: gradients,
            });
            self.products(some, [rows.len(), columns.len()], inputs, gradients, sums, first > tiles.start);
        }
        simd::run(Taps { stage: self, rows, columns, sums, to, adds });
    }

    /// Adds the products of some tiles to the sums, or writes the first.
    fn products(
        &self,
        some: usize,
        [rows, columns]: [usize; 2],
        inputs: &[f32],
        gradients: &[f32],
        sums: &mut [f32],
        adds: bool,
    ) {
        let isa = self.isa;
        let at_once = isa.even_rows(rows);
        for product in 0..PRODUCTS {
            let sums = &mut sums[product * self.sum_step..][..rows * self.columns.each];
            for column in (0..columns).step_by(isa.cols) {
                let cols = isa.cols.min(columns - column);
                let b = gradients[product * self.column_step + column..].as_ptr();
                for first in (0..rows).step_by(at_once) {
                    let rows = at_once.min(rows - first);
                    let mut segment = Segment { b, len: some, ..Segment::EMPTY };
                    let mut c = [std::ptr::null_mut(); MAX_ROWS];
                    for row in 0..rows {
                        segment.rows[row] = inputs[product * self.row_step + first + row..].as_ptr();
                        c[row] = sums[(first + row) * self.columns.each + column..].as_mut_ptr();
                    }
                    let tile = Tile {
                        segments: &[segment],
                        a_step: self.rows.pitch(),
                        b_step: self.columns.pitch(),
                        rows,
                        cols,
                        c,
                        epilogue: Epilogue::gradient(c[0], adds),
                        ahead: Ahead::NONE,
                    };
                    // SAFETY: both operands have `some` rows, as far apart as they say, with room for whole vectors.
                    unsafe { isa.run(&tile) };
                }
            }
        }
    }
}

/// The last stage: from sums to taps.
struct Taps<'a> {
    stage: &'a Stage,
    rows: Range<usize>,
    columns: Range<usize>,
    sums: &'a [f32],
    to: Raw<f32>,
    adds: bool,
}

impl Kernel for Taps<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Stage { rows: Cut { all: channels, .. }, columns: Cut { all: filters, each }, sum_step, .. } =
            *self.stage;
        for row in 0..self.rows.len() {
            for column in (0..self.columns.len()).step_by(LANES) {
                let lanes = LANES.min(self.columns.len() - column);
                let at = row * each + column;
                let taps = transforms::taps::<L>(|product| {
                    self.sums[product * sum_step + at..].first_chunk().unwrap_or(&ZEROS)
                });
                for (tap, values) in taps.as_flattened().iter().enumerate() {
                    let start =
                        (tap * channels + self.rows.start + row) * filters + self.columns.start + column;
                    // SAFETY: filters of a tap and channel of the kernel that are this task's alone.
                    let to = unsafe { self.to.slice_mut(start, lanes) };
                    for l in 0..lanes {
                        to[l] = values[l] + if self.adds { to[l] } else { 0.0 };
                    }
                }
            }
        }
    }
}

const _: () = assert!(TAPS == REACH - SIDE + 1);
