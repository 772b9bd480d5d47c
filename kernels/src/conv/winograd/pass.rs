//! Tiles through the three stages.

use super::super::{Conv, Epilogue};
use super::patches::{Images, Patches};
use super::tiles::Tiles;
use super::transformed_len;
use super::transforms::{self, LANES, Lanes, PRODUCTS, REACH, SIDE, ZEROS};
use crate::View;
use crate::cpu::raw::Raw;
use crate::cpu::simd::{self, Kernel, Level};
use crate::cpu::workspace;
use crate::matmul::cpu::MULTIPLICATIONS;
use crate::matmul::tile::{self, Ahead, Isa, MAX_ROWS, Segment, Tile};

/// Tiles of a task: a few rows of the micro-kernel's, so that a transformed kernel is read for many tiles at once.
const BLOCK: usize = 28;

/// Elements of transformed inputs that stay in the second cache; beyond them a task takes half the tiles.
const CACHED: usize = 192 * 1024;

/// Tasks that are wanted at least; with fewer blocks of tiles the columns are cut as well.
const TASKS: usize = 8;

/// A convolution with a transformed kernel: `y` is what tiles make of `x * kernel` by the epilogue.
pub(in super::super) struct Pass<'a> {
    /// With dimensions aligned to the end.
    pub(in super::super) conv: &'a Conv,
    pub(in super::super) x: View,
    pub(in super::super) packed: View,
    pub(in super::super) epilogue: &'a Epilogue,
    pub(in super::super) y: View,
}

impl Pass<'_> {
    pub(in super::super) fn run(&self, isa: Isa<f32>) {
        let conv = self.conv;
        let (x_size, _, y_size) = conv.sizes();
        let tiles = Tiles::of(conv);
        // One line more than the channels: rows a power of two apart would meet in the cache.
        let pitch = conv.channels.next_multiple_of(LANES) + LANES;
        let full = BLOCK / isa.rows * isa.rows;
        let most = if PRODUCTS * full * pitch > CACHED { full / 2 } else { full };
        let blocks = tiles.count().div_ceil(most);
        let block = tiles.count().div_ceil(blocks);
        let panels = conv.filters.div_ceil(isa.cols);
        let cuts = TASKS.div_ceil(blocks).min(panels);
        let per_cut = panels.div_ceil(cuts);
        let cuts = panels.div_ceil(per_cut);
        let y = Raw::sized(self.y, y_size);
        let stage = Stage {
            conv,
            images: Images {
                tiles,
                from: Raw::sized(self.x, x_size),
                size: [conv.input[1], conv.input[2]],
                padding: [conv.padding[1], conv.padding[2]],
                channels: conv.channels,
            },
            isa,
            packed: Raw::sized(self.packed, transformed_len(conv.channels, conv.filters)),
            epilogue: self.epilogue.tile(conv.filters, y_size, y.at(0)),
            y,
            pitch,
            width: isa.cols.next_multiple_of(LANES),
            step: block * pitch + LANES,
            sum_step: block * isa.cols.next_multiple_of(LANES) + LANES,
        };
        let work = PRODUCTS * tiles.count() * conv.channels * conv.filters / MULTIPLICATIONS;
        workspace::tasks(blocks * cuts, work, PRODUCTS * (stage.step + stage.sum_step), |task, room| {
            let (first, cut) = (task / cuts * block, task % cuts * per_cut);
            let some = block.min(tiles.count().saturating_sub(first));
            let (inputs, sums) = room.split_at_mut(PRODUCTS * stage.step);
            if some == 0 {
                return;
            }
            simd::run(Patches {
                images: stage.images,
                first,
                some,
                channel: 0,
                channels: conv.channels,
                pitch,
                step: stage.step,
                to: inputs,
            });
            for panel in cut..(cut + per_cut).min(panels) {
                let j = panel * isa.cols;
                let cols = (conv.filters - j).min(isa.cols);
                stage.products(inputs, some, [j, cols], sums);
                simd::run(Outputs { stage: &stage, first, some, sums, j, cols });
            }
        });
    }
}

/// What all tasks know.
struct Stage<'a> {
    conv: &'a Conv,
    images: Images<REACH>,
    isa: Isa<f32>,
    packed: Raw<f32>,
    epilogue: tile::Epilogue<f32>,
    y: Raw<f32>,
    /// From one tile's transformed inputs to the next one's, and of one product's to the next one's.
    pitch: usize,
    step: usize,
    /// The same of sums.
    width: usize,
    sum_step: usize,
}

impl Stage<'_> {
    /// The 36 products of a block of tiles with a panel: columns `j`, and how many.
    fn products(&self, inputs: &mut [f32], some: usize, [j, cols]: [usize; 2], sums: &mut [f32]) {
        let (channels, isa) = (self.conv.channels, self.isa);
        let width = isa.width(cols);
        let rows_at_once = isa.even_rows(some);
        for product in 0..PRODUCTS {
            let b = self.packed.at(PRODUCTS * channels * j + product * channels * width).cast_const();
            for first in (0..some).step_by(rows_at_once) {
                let rows = rows_at_once.min(some - first);
                let mut segment = Segment { b, len: channels, ..Segment::EMPTY };
                let mut c = [std::ptr::null_mut(); MAX_ROWS];
                for row in 0..rows {
                    segment.rows[row] = inputs[product * self.step + (first + row) * self.pitch..].as_ptr();
                    c[row] = sums[product * self.sum_step + (first + row) * self.width..].as_mut_ptr();
                }
                let epilogue = tile::Epilogue::write(c[0]);
                let segments = &[segment];
                let tile =
                    Tile { segments, a_step: 1, b_step: width, rows, cols, c, epilogue, ahead: Ahead::NONE };
                // SAFETY: a row of inputs has `pitch` elements, at least the channels; a row of sums `width`, at least the columns; the
                // panel is `channels` rows of `width`.
                unsafe { isa.run(&tile) };
            }
        }
    }
}

/// The last stage: from sums to outputs, in the columns of a panel.
struct Outputs<'a> {
    stage: &'a Stage<'a>,
    first: usize,
    some: usize,
    sums: &'a [f32],
    j: usize,
    cols: usize,
}

impl Kernel for Outputs<'_> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Stage { conv, images: Images { tiles, .. }, epilogue, y, width, sum_step, .. } = *self.stage;
        let [_, height, across] = conv.output;
        for j in (0..self.cols).step_by(LANES) {
            let lanes = LANES.min(self.cols - j);
            // SAFETY: scale and bias have an element a column.
            let ends: [Lanes; 2] = unsafe { epilogue.columns(self.j + j, lanes) };
            for tile in 0..self.some {
                let (sample, [row, column]) = tiles.place(self.first + tile);
                let (rows, columns) = (SIDE.min(height - row), SIDE.min(across - column));
                let at = tile * width + j;
                let outputs = transforms::output::<L>(|product| {
                    let lanes = self.sums[product * sum_step + at..].first_chunk();
                    lanes.unwrap_or(&ZEROS)
                });
                for i in 0..rows {
                    let first = (sample * height + row + i) * across + column;
                    for (k, values) in outputs[i].iter().enumerate().take(columns) {
                        let to = y.at((first + k) * conv.filters + self.j + j);
                        // SAFETY: `lanes` columns of a pixel inside `y`, which belong to this task alone.
                        unsafe { epilogue.store::<L, LANES>(&ends, values, to, lanes) };
                    }
                }
            }
        }
    }
}
