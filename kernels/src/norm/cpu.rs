//! Passes over wide rows: sums of the columns, statistics from them, and one pass over the elements.

use super::columns::{
    Apply, GradSums, InputGrad, Squares, Step, Table, Tables, Through, Walk, origin, origins,
};
use super::operands::Operands;
use super::rectifier::Clip;
use super::tiling::{Piece, Pieces, Tiling, count};
use super::{Affine, Kind, Moments, Moving, Norm, NormGrads, Normalizations, Statistics, rows};
use crate::cpu::math::Real;
use crate::cpu::raw::Raw;
use crate::cpu::workspace;
use crate::reduce::cpu::emit;
use crate::{Cpu, View, with_float};

/// Operations an element of a pass.
const COST: usize = 4;
/// Most partial sums of a sample's column.
const PARTIALS: usize = 32;
/// Wide rows of a partial sum, at least.
const PARTIAL_ROWS: usize = 8;

/// Where the tasks of a pass leave the sums of their columns: two of each, sample by sample, piece by piece.
struct Sums {
    pieces: Pieces,
    /// Columns of a wide row.
    width: usize,
}

impl Sums {
    fn of(tiling: &Tiling) -> Sums {
        let most = (tiling.spatial / (tiling.copies * PARTIAL_ROWS)).clamp(1, PARTIALS);
        Sums { pieces: tiling.cut(most), width: tiling.width() }
    }

    /// Numbers to work in.
    fn size(&self, tiling: &Tiling) -> usize {
        tiling.samples * self.pieces.count * 2 * self.width
    }

    /// Runs a pass, and merges the pieces of each sample into its first.
    fn run(&self, partials: &mut [f64], pass: impl Fn(Piece, Raw<f64>) + Sync + Send) {
        let size = 2 * self.width;
        let all = Raw::from_slice(partials);
        self.pieces.run(COST, |number, piece| {
            // SAFETY: the sums of this piece, which this task alone touches.
            let sums = unsafe { all.slice_mut(number * size, size) };
            sums.fill(0.0);
            pass(piece, Raw::from_slice(sums));
        });
        for sample in partials.chunks_exact_mut(self.pieces.count * size) {
            let (first, others) = sample.split_at_mut(size);
            for other in others.chunks_exact(size) {
                first.iter_mut().zip(other).for_each(|(sum, term)| *sum += *term);
            }
        }
    }

    /// The sums of a sample.
    fn sample<'a>(&self, partials: &'a [f64], sample: usize) -> [&'a [f64]; 2] {
        let at = sample * self.pieces.count * 2 * self.width;
        [0, 1].map(|which| &partials[at + which * self.width..][..self.width])
    }
}

/// Runs a step for the elements of every piece.
fn pass<T: Real, S: Step>(tiling: &Tiling, step: impl Fn(Piece) -> S + Sync + Send) {
    tiling.cut(usize::MAX).run(COST, |_, piece| walk::<T, S>(tiling, piece, step(piece)));
}

fn walk<T: Real, S: Step>(tiling: &Tiling, piece: Piece, step: S) {
    T::dispatch(Walk { tiling: *tiling, piece, step });
}

/// Tables of every sample, one after the other.
#[derive(Clone, Copy)]
struct AllTables<T> {
    base: Raw<T>,
    width: usize,
    each: usize,
}

impl<T: Real> AllTables<T> {
    fn of(tables: &mut [T], tiling: &Tiling, each: usize) -> AllTables<T> {
        AllTables { base: Raw::from_slice(tables), width: tiling.width(), each }
    }

    fn sample(&self, sample: usize) -> Tables<T> {
        let size = self.each * self.width;
        Tables { base: self.base.cut(sample * size, size), width: self.width }
    }

    /// Fills the tables that both passes read.
    fn fill(&self, operands: &Operands<T>, tiling: &Tiling) {
        for sample in 0..tiling.samples {
            let tables = self.sample(sample);
            // SAFETY: statistics, which nothing writes any more.
            let at = |column: usize| unsafe {
                let statistic = operands.statistic(sample, column);
                (operands.mean.get(statistic), operands.inverse.get(statistic))
            };
            let centered = operands.norm.kind == Kind::Standard;
            tables.fill(Table::Mean, tiling.row, |column| if centered { at(column).0 } else { T::zero() });
            tables.fill(Table::Scale, tiling.row, |column| at(column).1 * operands.gamma(column));
            tables.fill(Table::Offset, tiling.row, |column| operands.beta(column));
        }
    }
}

/// Mean and biased variance of one statistic, from the sums of its columns.
fn moment<T: Real>(
    operands: &Operands<T>,
    tiling: &Tiling,
    [sums, squares]: [&[f64]; 2],
    row: Option<usize>,
    group: usize,
    count: f64,
) -> [f64; 2] {
    // SAFETY: elements of the input, which nothing has written yet.
    let from = |column: usize| row.map_or(0.0, |row| origin(unsafe { operands.x.get(row + column) }));
    let channels = operands.norm.channels;
    let first = from(group * channels);
    let (mut sum, mut square) = (0.0, 0.0);
    for copy in 0..tiling.copies {
        let places =
            (tiling.spatial / tiling.copies + usize::from(copy < tiling.spatial % tiling.copies)) as f64;
        for channel in 0..channels {
            let column = copy * tiling.row + group * channels + channel;
            // Every column of a group is seen from the group's first.
            let away = from(column) - first;
            square += squares[column] + 2.0 * away * sums[column] + places * away * away;
            sum += sums[column] + places * away;
        }
    }
    if operands.norm.kind == Kind::RootMeanSquare {
        return [0.0, square / count];
    }
    let variance = (square - sum * sum / count) / count;
    [first + sum / count, if variance < 0.0 { 0.0 } else { variance }]
}

/// Leaves mean and inverse deviation in the moments, and moves the moving ones.
fn statistics<T: Real>(
    operands: &Operands<T>,
    tiling: &Tiling,
    mask: Option<View>,
    moving: Option<Moving>,
    partials: &mut [f64],
) {
    let norm = &operands.norm;
    let (count, sums) = (count(norm, mask), Sums::of(tiling));
    sums.run(partials, |piece, sums| {
        let origins = origins(operands, piece.sample);
        piece.runs(operands.mask, |counts, run| {
            if counts {
                walk::<T, _>(tiling, run, Squares { x: operands.x, origins, sums });
            }
        });
    });
    let shift = |slot: View, i: usize, momentum: f64, new: T| {
        let slot = Raw::<T>::of(slot);
        // SAFETY: moving statistics, which this thread alone touches.
        unsafe { slot.set(i, slot.get(i) * T::lit(momentum) + new * T::lit(1.0 - momentum)) };
    };
    for sample in 0..norm.samples {
        let (sums, row) = (sums.sample(partials, sample), origins(operands, sample));
        for group in 0..norm.groups {
            let [mean, variance] = moment(operands, tiling, sums, row, group, count).map(T::lit);
            let i = sample * norm.groups + group;
            // SAFETY: statistics, which this thread alone touches.
            unsafe {
                operands.mean.set(i, mean);
                operands.inverse.set(i, (variance + T::lit(norm.epsilon)).sqrt().recip());
            }
            if let Some(moving) = moving {
                shift(moving.mean, i, moving.momentum, mean);
                shift(moving.variance, i, moving.momentum, variance);
            }
        }
    }
}

fn apply<T: Real>(operands: &Operands<T>, tiling: &Tiling, tables: &mut [T], clip: Option<Clip<T>>, y: View) {
    assert!(y.size() == operands.norm.size(), "the result of a normalization");
    let tables = AllTables::of(tables, tiling, Tables::<T>::FORWARD);
    tables.fill(operands, tiling);
    let y = Raw::of(y);
    pass::<T, _>(tiling, |piece| Apply { x: operands.x, y, tables: tables.sample(piece.sample), clip });
}

fn gradients<T: Real>(
    operands: &Operands<T>,
    clip: Option<Clip<T>>,
    fixed: bool,
    count: f64,
    dy: View,
    grads: NormGrads,
) {
    let norm = &operands.norm;
    let tiling = &Tiling::of(norm, operands.mask.is_some());
    let sums = Sums::of(tiling);
    let d = Raw::<T>::of(dy);
    let weights = norm.weights();
    let partials = sums.size(tiling);
    let tables = tiling.samples * Tables::<T>::BACKWARD * tiling.width();
    workspace::with_both(partials + 2 * weights, tables, |numbers: &mut [f64], tables: &mut [T]| {
        let tables = AllTables::of(tables, tiling, Tables::<T>::BACKWARD);
        tables.fill(operands, tiling);
        let through = |piece: Piece| Through::of(operands, d, tables.sample(piece.sample), clip);
        let wanted = grads.gamma.is_some() || grads.beta.is_some();
        if wanted || !fixed {
            let (partials, totals) = numbers.split_at_mut(partials);
            sums.run(partials, |piece, sums| {
                walk::<T, _>(tiling, piece, GradSums { through: through(piece), sums });
            });
            totals.fill(0.0);
            let (offsets, scales) = totals.split_at_mut(weights);
            for sample in 0..norm.samples {
                let sums = sums.sample(partials, sample);
                let tables = tables.sample(sample);
                for group in 0..norm.groups {
                    let statistic = sample * norm.groups + group;
                    // SAFETY: statistics, which nothing writes.
                    let inverse = unsafe { operands.inverse.get(statistic) }.wide();
                    let columns = group * norm.channels..(group + 1) * norm.channels;
                    let [mut level, mut tilt] = [0.0; 2];
                    for column in columns.clone() {
                        let [plain, normalized] = sums.map(|sums| {
                            (0..tiling.copies).map(|copy| sums[copy * tiling.row + column]).sum::<f64>()
                        });
                        let normalized = normalized * inverse;
                        offsets[column] += plain;
                        scales[column] += normalized;
                        let gamma = operands.gamma(column).wide();
                        level += gamma * plain;
                        tilt += gamma * normalized;
                    }
                    let level = if norm.kind == Kind::Standard { level / count } else { 0.0 };
                    let (level, tilt) = (T::lit(inverse * level), T::lit(inverse * inverse * (tilt / count)));
                    for column in columns {
                        for copy in 0..tiling.copies {
                            tables.set(Table::Level, copy * tiling.row + column, level);
                            tables.set(Table::Tilt, copy * tiling.row + column, tilt);
                        }
                    }
                }
            }
            for (to, totals) in [(grads.beta, offsets), (grads.gamma, scales)] {
                if let Some(to) = to {
                    totals.iter().enumerate().for_each(|(i, total)| emit(to, i, *total));
                }
            }
        }
        let Some(dx) = grads.x else { return };
        assert!(dx.view.size() == norm.size(), "the gradient of {norm:?}");
        let (to, mode) = (Raw::of(dx.view), dx.mode);
        tiling.cut(usize::MAX).run(2 * COST, |_, piece| {
            piece.runs(operands.mask, |counts, run| {
                let fixed = fixed || !counts;
                walk::<T, _>(tiling, run, InputGrad { through: through(piece), fixed, dx: to, mode });
            });
        });
    });
}

impl Normalizations for Cpu {
    fn norm(
        &self,
        norm: &Norm,
        x: View,
        mask: Option<View>,
        affine: Affine,
        moments: Moments,
        moving: Option<Moving>,
        y: View,
    ) {
        with_float!(x.dtype(), T => {
            let operands = Operands::<T>::of(norm, x, moments, affine, mask);
            let clip = affine.rectifier.clip();
            if norm.size() == 0 {
                return;
            }
            if rows::fits(norm) && moving.is_none() && mask.is_none() {
                return rows::forward(operands, clip, y);
            }
            let tiling = &Tiling::of(norm, mask.is_some());
            let tables = tiling.samples * Tables::<T>::FORWARD * tiling.width();
            workspace::with_both(Sums::of(tiling).size(tiling), tables, |partials, tables| {
                statistics(&operands, tiling, mask, moving, partials);
                apply(&operands, tiling, tables, clip, y);
            });
        });
    }

    fn norm_fixed(&self, norm: &Norm, x: View, affine: Affine, variance: View, moments: Moments, y: View) {
        with_float!(x.dtype(), T => {
            let operands = Operands::<T>::of(norm, x, moments, affine, None);
            let variance = Raw::<T>::of(variance);
            for i in 0..norm.statistics() {
                // SAFETY: one element a statistic; nothing else touches them.
                unsafe {
                    operands.inverse.set(i, (variance.get(i) + T::lit(norm.epsilon)).sqrt().recip());
                }
            }
            if norm.size() == 0 {
                return;
            }
            let tiling = &Tiling::of(norm, false);
            let tables = tiling.samples * Tables::<T>::FORWARD * tiling.width();
            workspace::with(tables, |tables| apply(&operands, tiling, tables, affine.rectifier.clip(), y));
        });
    }

    fn norm_grad(
        &self,
        norm: &Norm,
        statistics: Statistics,
        x: View,
        affine: Affine,
        moments: Moments,
        dy: View,
        grads: NormGrads,
    ) {
        assert!(dy.size() == norm.size(), "the gradient of the result of {norm:?}");
        if norm.size() == 0 {
            let weights = [grads.gamma, grads.beta].into_iter().flatten();
            return weights.for_each(|to| (0..to.view.size()).for_each(|i| emit(to, i, 0.0)));
        }
        with_float!(x.dtype(), T => {
            let (fixed, mask) = match statistics {
                Statistics::Fixed => (true, None),
                Statistics::OfInput(mask) => (false, mask),
            };
            let operands = Operands::<T>::of(norm, x, moments, affine, mask);
            let clip = affine.rectifier.clip();
            if !fixed && mask.is_none() && rows::fits(norm) {
                rows::backward(&operands, clip, dy, grads);
            } else {
                gradients::<T>(&operands, clip, fixed, count(norm, mask), dy, grads);
            }
        });
    }
}
