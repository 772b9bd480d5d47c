//! Loops over wide rows: sums of each column, and what is computed from a column's constants.
//!
//! A step takes several wide rows at a vector of columns, so that constants are loaded and sums stored once for all of them.

use super::Kind;
use super::operands::Operands;
use super::rectifier::Clip;
use super::tiling::{Piece, Tiling, far};
use crate::Mode;
use crate::cpu::math::Real;
use crate::cpu::raw::{LANES, Raw, read, write};
use crate::cpu::simd::{Kernel, Level, fma};

/// Wide rows of a step.
const ROWS: usize = 8;

/// Longest rows that are written one by one: of 256 columns that took 2 ns an element instead of 0.3 (constants and results at one distance
/// from a page's start, it seems).
const IN_ORDER: usize = 128;

/// What is done with `R` wide rows, `stride` apart, at columns `column..column + N`; `at` is the first row's first element.
pub(super) trait Step {
    /// Whether rows are best taken one by one even in the cache, if they are narrow: constants are few, and nothing is summed.
    const WRITES_ONLY: bool = false;

    /// Implementations are `#[inline(always)]`.
    fn step<L: Level, const R: usize, const N: usize>(&self, at: usize, stride: usize, column: usize);
}

/// A step for all of a piece.
pub(super) struct Walk<S> {
    pub tiling: Tiling,
    pub piece: Piece,
    pub step: S,
}

impl<S: Step> Kernel for Walk<S> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Walk { tiling, piece, step } = self;
        let Tiling { row, copies, .. } = tiling;
        let far = far(tiling.samples * tiling.spatial * row);
        let in_order = if S::WRITES_ONLY { row * copies <= IN_ORDER } else { far };
        let (stride, places) = (row * copies, piece.end - piece.start);
        let (mut at, end) = (piece.start * row, piece.end * row);
        let blocks = if in_order { 0 } else { places / copies / ROWS };
        for _ in 0..blocks {
            line::<L, S, ROWS>(&step, at, stride, stride);
            at += ROWS * stride;
        }
        while at < end {
            let width = stride.min(end - at);
            line::<L, S, 1>(&step, at, stride, width);
            at += width;
        }
    }
}

#[inline(always)]
fn line<L: Level, S: Step, const R: usize>(step: &S, at: usize, stride: usize, width: usize) {
    let mut column = 0;
    while column + LANES <= width {
        step.step::<L, R, LANES>(at, stride, column);
        column += LANES;
    }
    while column < width {
        step.step::<L, R, 1>(at, stride, column);
        column += 1;
    }
}

/// Adds to sums of which there are two, `width` columns each.
///
/// # Safety
/// They belong to this task.
#[inline(always)]
pub(super) unsafe fn add<const N: usize>(sums: Raw<f64>, width: usize, column: usize, terms: [[f64; N]; 2]) {
    for (which, terms) in terms.into_iter().enumerate() {
        let at = which * width + column;
        // SAFETY: the caller's promise.
        unsafe {
            let mut sum = read::<f64, N>(sums, at);
            for i in 0..N {
                sum[i] += terms[i];
            }
            write(sums, at, sum);
        }
    }
}

/// A number that others are seen from: something near them.
#[inline(always)]
pub(super) fn origin<T: Real>(x: T) -> f64 {
    if x.is_finite() { x.wide() } else { 0.0 }
}

/// Sums of `x - origin` and of its square, both in 64 bits. Each column's origin is one of its elements, so that no digits are lost
/// where the mean is large beside the deviation.
pub(super) struct Squares<T> {
    pub x: Raw<T>,
    /// Where the row of origins is; zero if there is none.
    pub origins: Option<usize>,
    pub sums: Raw<f64>,
}

impl<T: Real> Step for Squares<T> {
    #[inline(always)]
    fn step<L: Level, const R: usize, const N: usize>(&self, at: usize, stride: usize, column: usize) {
        let (mut sum, mut square) = ([0.0; N], [0.0; N]);
        // SAFETY: elements that nothing writes during the pass; the sums belong to this task.
        unsafe {
            let from = match self.origins {
                Some(row) => read::<T, N>(self.x, row + column).map(origin),
                None => [0.0; N],
            };
            for r in 0..R {
                let x = read::<T, N>(self.x, at + r * stride + column);
                for i in 0..N {
                    let d = x[i].wide() - from[i];
                    sum[i] += d;
                    square[i] = fma::<L, f64>(d, d, square[i]);
                }
            }
            add(self.sums, stride, column, [sum, square]);
        }
    }
}

/// Constants of each column, one table after the other, for one sample.
#[derive(Clone, Copy)]
pub(super) struct Tables<T> {
    pub base: Raw<T>,
    pub width: usize,
}

/// The tables.
#[derive(Clone, Copy)]
pub(super) enum Table {
    Mean,
    /// `inverse * gamma`.
    Scale,
    /// `beta`.
    Offset,
    /// `inverse * mean(dy * gamma)`.
    Level,
    /// `inverse^2 * mean(dy * gamma * normalized)`.
    Tilt,
}

impl<T: Real> Tables<T> {
    /// Tables of a forward pass, and of a backward one.
    pub const FORWARD: usize = 3;
    pub const BACKWARD: usize = 5;

    /// # Safety
    /// The table has been filled, and nothing writes to it.
    #[inline(always)]
    unsafe fn read<const N: usize>(&self, table: Table, column: usize) -> [T; N] {
        // SAFETY: the caller's promise.
        unsafe { read(self.base, table as usize * self.width + column) }
    }

    /// Fills a table: `value(column)` for the columns of a row, again for each copy.
    pub fn fill(&self, table: Table, row: usize, value: impl Fn(usize) -> T) {
        // SAFETY: the table is filled before any task reads it.
        let table = unsafe { self.base.slice_mut(table as usize * self.width, self.width) };
        table[..row].iter_mut().enumerate().for_each(|(column, to)| *to = value(column));
        for copy in 1..self.width / row {
            table.copy_within(..row, copy * row);
        }
    }

    /// Sets one constant.
    pub fn set(&self, table: Table, column: usize, value: T) {
        // SAFETY: as above.
        unsafe { self.base.set(table as usize * self.width + column, value) };
    }
}

/// `(x - mean) * scale + offset`, clipped.
pub(super) struct Apply<T> {
    pub x: Raw<T>,
    pub y: Raw<T>,
    pub tables: Tables<T>,
    pub clip: Option<Clip<T>>,
}

impl<T: Real> Step for Apply<T> {
    const WRITES_ONLY: bool = true;

    #[inline(always)]
    fn step<L: Level, const R: usize, const N: usize>(&self, at: usize, stride: usize, column: usize) {
        // SAFETY: tables are filled; elements of this task, read before they may be overwritten.
        unsafe {
            let mean = self.tables.read::<N>(Table::Mean, column);
            let scale = self.tables.read::<N>(Table::Scale, column);
            let offset = self.tables.read::<N>(Table::Offset, column);
            for r in 0..R {
                let at = at + r * stride + column;
                let mut x = read::<T, N>(self.x, at);
                for i in 0..N {
                    x[i] = fma::<L, T>(x[i] - mean[i], scale[i], offset[i]);
                }
                if let Some(clip) = &self.clip {
                    for x in &mut x {
                        *x = clip.value(*x);
                    }
                }
                write(self.y, at, x);
            }
        }
    }
}

/// The gradient of what a clipped range was cut from.
pub(super) struct Through<T> {
    pub x: Raw<T>,
    pub dy: Raw<T>,
    pub tables: Tables<T>,
    pub clip: Option<Clip<T>>,
}

impl<T: Real> Through<T> {
    pub fn of(operands: &Operands<T>, dy: Raw<T>, tables: Tables<T>, clip: Option<Clip<T>>) -> Through<T> {
        Through { x: operands.x, dy, tables, clip }
    }

    /// `dy` before the clip at columns `column..column + N` of the element `at`, and `x - mean` there.
    ///
    /// # Safety
    /// As [`Tables::read`], and nothing writes to `x` or `dy` meanwhile.
    #[inline(always)]
    unsafe fn grad<L: Level, const N: usize>(
        &self,
        at: usize,
        [mean, scale, offset]: [[T; N]; 3],
    ) -> [[T; N]; 2] {
        // SAFETY: the caller's promise.
        let (mut x, mut dy) = unsafe { (read::<T, N>(self.x, at), read::<T, N>(self.dy, at)) };
        for i in 0..N {
            x[i] -= mean[i];
        }
        if let Some(clip) = &self.clip {
            for i in 0..N {
                dy[i] = clip.grad(fma::<L, T>(x[i], scale[i], offset[i]), dy[i]);
            }
        }
        [dy, x]
    }

    /// # Safety
    /// As [`Tables::read`].
    #[inline(always)]
    unsafe fn constants<const N: usize>(&self, column: usize) -> [[T; N]; 3] {
        // SAFETY: the caller's promise.
        unsafe { [Table::Mean, Table::Scale, Table::Offset].map(|t| self.tables.read::<N>(t, column)) }
    }
}

/// Sums of `dy` and of `dy * (x - mean)`: a few rows in the elements' type, the rest in 64 bits.
pub(super) struct GradSums<T> {
    pub through: Through<T>,
    pub sums: Raw<f64>,
}

impl<T: Real> Step for GradSums<T> {
    #[inline(always)]
    fn step<L: Level, const R: usize, const N: usize>(&self, at: usize, stride: usize, column: usize) {
        let (mut sum, mut product) = ([T::zero(); N], [T::zero(); N]);
        // SAFETY: tables are filled; elements that nothing writes during the pass; the sums belong to this task.
        unsafe {
            let constants = self.through.constants::<N>(column);
            for r in 0..R {
                let [dy, x] = self.through.grad::<L, N>(at + r * stride + column, constants);
                for i in 0..N {
                    sum[i] += dy[i];
                    product[i] = fma::<L, T>(dy[i], x[i], product[i]);
                }
            }
            add(self.sums, stride, column, [sum.map(T::wide), product.map(T::wide)]);
        }
    }
}

/// The gradient of the input: `scale * dy - level - (x - mean) * tilt`; where statistics are `fixed`, `scale * dy`.
pub(super) struct InputGrad<T> {
    pub through: Through<T>,
    pub fixed: bool,
    pub dx: Raw<T>,
    pub mode: Mode,
}

impl<T: Real> Step for InputGrad<T> {
    #[inline(always)]
    fn step<L: Level, const R: usize, const N: usize>(&self, at: usize, stride: usize, column: usize) {
        let tables = &self.through.tables;
        // SAFETY: tables are filled; elements of this task, read before they may be overwritten.
        unsafe {
            let constants = self.through.constants::<N>(column);
            let scale = constants[1];
            if self.fixed {
                for r in 0..R {
                    let at = at + r * stride + column;
                    let mut out = match self.through.clip {
                        Some(_) => self.through.grad::<L, N>(at, constants)[0],
                        None => read::<T, N>(self.through.dy, at),
                    };
                    for i in 0..N {
                        out[i] *= scale[i];
                    }
                    self.store(at, out);
                }
                return;
            }
            let (level, tilt) =
                (tables.read::<N>(Table::Level, column), tables.read::<N>(Table::Tilt, column));
            for r in 0..R {
                let at = at + r * stride + column;
                let [dy, x] = self.through.grad::<L, N>(at, constants);
                let mut out = [T::zero(); N];
                for i in 0..N {
                    out[i] = fma::<L, T>(scale[i], dy[i], -level[i]);
                    out[i] = fma::<L, T>(-x[i], tilt[i], out[i]);
                }
                self.store(at, out);
            }
        }
    }
}

impl<T: Real> InputGrad<T> {
    /// # Safety
    /// The elements belong to this task.
    #[inline(always)]
    unsafe fn store<const N: usize>(&self, at: usize, mut out: [T; N]) {
        // SAFETY: the caller's promise.
        unsafe {
            if self.mode == Mode::Add {
                let old = read::<T, N>(self.dx, at);
                for i in 0..N {
                    out[i] += old[i];
                }
            }
            write(self.dx, at, out);
        }
    }
}

/// The row that a sample's columns are seen from: its first, or the first that a mask counts.
pub(super) fn origins<T: Real>(operands: &Operands<T>, sample: usize) -> Option<usize> {
    let norm = &operands.norm;
    let mut places = sample * norm.spatial..(sample + 1) * norm.spatial;
    let first = match operands.mask {
        // SAFETY: one element a place, which nothing writes.
        Some(mask) => places.find(|place| unsafe { mask.get(*place) } != 0)?,
        None => places.start,
    };
    (norm.kind == Kind::Standard).then_some(first * norm.weights())
}
