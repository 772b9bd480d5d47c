//! The micro-kernel of every product and convolution: a small tile of C kept in registers.
//!
//! Rows of A are given by pointers, so that one kernel serves matrices, the windows of a convolution and the columns
//! of a transposed operand. Each instruction set has a tile size of its own; which one runs is decided once.

#[cfg(target_arch = "x86_64")]
mod x86;

use crate::Float;
use crate::cpu::simd::{Level, fma};

/// Most rows of a tile on any instruction set.
pub(crate) const MAX_ROWS: usize = 14;

/// Most columns of a tile on any instruction set.
pub(crate) const MAX_COLS: usize = 32;

/// A stretch of the sum over `k`: `len` steps, in which row `i` of A starts at `rows[i]` and B at `b`; or several such runs, if the rows
/// lie alike in all of them.
#[derive(Clone, Copy)]
pub(crate) struct Segment<T> {
    pub(crate) rows: [*const T; MAX_ROWS],
    /// Rows of B of all runs, one after the other.
    pub(crate) b: *const T,
    /// Steps of a run.
    pub(crate) len: usize,
    /// How far from `rows` each run begins.
    pub(crate) starts: *const usize,
    pub(crate) runs: usize,
}

impl<T> Segment<T> {
    /// Of one run, without steps.
    pub(crate) const EMPTY: Self =
        Segment { rows: [std::ptr::null(); MAX_ROWS], b: std::ptr::null(), len: 0, starts: &0, runs: 1 };

    /// Where run `run` begins.
    ///
    /// # Safety
    /// There is such a run.
    #[inline(always)]
    unsafe fn start(&self, run: usize) -> usize {
        // SAFETY: the caller's promise.
        unsafe { *self.starts.add(run) }
    }
}

/// Addresses that are fetched into the cache while a tile is computed, one a step: what the next tile reads. They need not be valid. Portable
/// kernels leave that to the processor.
#[derive(Clone, Copy)]
#[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
pub(crate) struct Ahead<T> {
    pub(crate) at: *const T,
    /// Elements from one to the next.
    pub(crate) step: usize,
    /// After so many of them it goes on `skip` elements further.
    pub(crate) run: usize,
    /// See `run`.
    pub(crate) skip: usize,
}

impl<T> Ahead<T> {
    /// Nothing.
    pub(crate) const NONE: Self = Ahead { at: std::ptr::null(), step: 0, run: usize::MAX, skip: 0 };
}

/// What happens to a sum on its way to memory: `clip((alpha or scale) * sum + bias + added)`.
#[derive(Clone, Copy)]
pub(crate) struct Epilogue<T> {
    /// Factor of all sums, if `scale` is null.
    pub(crate) alpha: T,
    /// Factor of each column of the tile, or null.
    pub(crate) scale: *const T,
    /// One element a column of the tile, or null.
    pub(crate) bias: *const T,
    /// Start of what is added, which lies as C does (and may be C), or null.
    pub(crate) added: *const T,
    /// Start of C.
    pub(crate) c: *mut T,
    /// What is stored lies between these.
    pub(crate) bounds: Bounds<T>,
}

// SAFETY: the addresses of views, which may be sent; tasks write to parts of C of their own.
unsafe impl<T> Send for Epilogue<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Epilogue<T> {}

impl<T: Float> Epilogue<T> {
    /// Writes sums to C.
    pub(crate) fn write(c: *mut T) -> Epilogue<T> {
        let null = std::ptr::null();
        Epilogue { alpha: T::one(), scale: null, bias: null, added: null, c, bounds: Bounds::none() }
    }

    /// Writes sums to C, or adds them to what is there.
    pub(crate) fn gradient(c: *mut T, adds: bool) -> Epilogue<T> {
        let written = Epilogue::write(c);
        Epilogue { added: if adds { c } else { written.added }, ..written }
    }

    /// What one of several runs over parts of a sum does, in the columns from `column` on: the first adds what is to be added, the others
    /// add to the run before; the last one adds the bias and clips.
    #[inline]
    pub(crate) fn run(&self, column: usize, first: bool, last: bool) -> Epilogue<T> {
        let from = |start: *const T| if start.is_null() { start } else { start.wrapping_add(column) };
        Epilogue {
            scale: from(self.scale),
            bias: if last { from(self.bias) } else { std::ptr::null() },
            added: if first { self.added } else { self.c },
            bounds: if last { self.bounds } else { Bounds::none() },
            ..*self
        }
    }

    /// Scale and bias of the columns from `column` on, `count` of them.
    ///
    /// # Safety
    /// They are there, and nobody writes to them.
    #[inline(always)]
    pub(crate) unsafe fn columns<const N: usize>(&self, column: usize, count: usize) -> [[T; N]; 2] {
        let (mut scale, mut bias) = ([self.alpha; N], [T::zero(); N]);
        for (from, to) in [(self.scale, &mut scale), (self.bias, &mut bias)] {
            if !from.is_null() {
                // SAFETY: by the contract.
                to[..count].copy_from_slice(unsafe { std::slice::from_raw_parts(from.add(column), count) });
            }
        }
        [scale, bias]
    }

    /// Brings the sums of `count` columns, of which this is scale and bias, to `to`.
    ///
    /// # Safety
    /// They are in C, and no other thread touches them.
    #[inline(always)]
    pub(crate) unsafe fn store<L: Level, const N: usize>(
        &self,
        [scale, bias]: &[[T; N]; 2],
        sums: &[T; N],
        to: *mut T,
        count: usize,
    ) {
        let mut values = [T::zero(); N];
        for i in 0..N {
            values[i] = fma::<L, T>(sums[i], scale[i], bias[i]);
        }
        if count == N {
            if !self.added.is_null() {
                // SAFETY: what is added lies as C does.
                let added = unsafe { *self.beside(to).cast::<[T; N]>() };
                (0..N).for_each(|i| values[i] += added[i]);
            }
            // SAFETY: by the contract.
            unsafe { *to.cast() = values.map(|value| self.bounds.clip(value)) };
            return;
        }
        for (i, value) in values.iter_mut().enumerate().take(count) {
            let to = to.wrapping_add(i);
            if !self.added.is_null() {
                // SAFETY: as above.
                *value += unsafe { *self.beside(to) };
            }
            // SAFETY: as above.
            unsafe { *to = self.bounds.clip(*value) };
        }
    }

    /// The address of what is added to the element of C at `to`.
    #[inline(always)]
    pub(crate) fn beside(&self, to: *mut T) -> *const T {
        self.added.wrapping_byte_add(to.addr().wrapping_sub(self.c.addr()))
    }
}

/// An interval that numbers are clipped to; NaN stays NaN.
#[derive(Clone, Copy)]
pub(crate) struct Bounds<T> {
    pub(crate) low: T,
    pub(crate) high: T,
    /// Whether any number lies outside.
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) clips: bool,
}

impl<T: Float> Bounds<T> {
    /// All numbers.
    pub(crate) fn none() -> Bounds<T> {
        Bounds { low: T::neg_infinity(), high: T::infinity(), clips: false }
    }

    /// These.
    pub(crate) fn new([low, high]: [f64; 2]) -> Bounds<T> {
        let clips = low > f64::NEG_INFINITY || high < f64::INFINITY;
        Bounds { low: T::from_f64(low), high: T::from_f64(high), clips }
    }

    /// The nearest number inside.
    #[inline(always)]
    pub(crate) fn clip(&self, value: T) -> T {
        let value = if self.low > value { self.low } else { value };
        if self.high < value { self.high } else { value }
    }
}

/// One tile: `C[i][j] = epilogue(sum over the segments and l of A[i][l] * B[l][j])`.
pub(crate) struct Tile<'a, T> {
    pub(crate) segments: &'a [Segment<T>],
    /// From one step of a row of A to the next.
    pub(crate) a_step: usize,
    /// From one row of B to the next.
    pub(crate) b_step: usize,
    /// Rows, at most [`Isa::rows`].
    pub(crate) rows: usize,
    /// Columns, at most [`Isa::cols`], or as many as [`Isa::next_cols`] says.
    pub(crate) cols: usize,
    /// Where each row of C starts; its columns are adjacent.
    pub(crate) c: [*mut T; MAX_ROWS],
    pub(crate) epilogue: Epilogue<T>,
    #[cfg_attr(not(target_arch = "x86_64"), allow(dead_code))]
    pub(crate) ahead: Ahead<T>,
}

/// The kernels of one instruction set for one element type.
#[derive(Clone, Copy)]
pub(crate) struct Isa<T: 'static> {
    /// Its name.
    #[cfg_attr(not(test), allow(dead_code))]
    pub(crate) name: &'static str,
    /// Rows of a full tile.
    pub(crate) rows: usize,
    /// Columns of a full tile: the width of a packed panel of B.
    pub(crate) cols: usize,
    /// Tiles of few rows: rows at most, and columns exactly, more than [`Isa::cols`]; the widest first. They read B in long stretches, at
    /// the speed of memory, and have sums enough to keep the multipliers busy.
    pub(crate) low: &'static [(usize, usize)],
    /// Columns that are read of each row of B if the tile has no more than that.
    pub(crate) narrow: usize,
    /// Whether B is read only where the tile has columns; if not, [`Isa::width`] of each row must be
    /// readable.
    pub(crate) exact: bool,
    /// The kernel.
    run: unsafe fn(&Tile<'_, T>),
}

impl<T: Float> Isa<T> {
    /// Computes a tile.
    ///
    /// # Safety
    /// All that the tile points to is valid: rows of A for `len` steps, rows of B as [`Isa::exact`] says, scale and bias, rows of C and
    /// what is added to them for `cols` elements. No other thread touches C.
    #[inline]
    pub(crate) unsafe fn run(&self, tile: &Tile<'_, T>) {
        debug_assert!((1..=self.rows).contains(&tile.rows));
        debug_assert!((1..=self.next_cols(tile.rows, tile.cols)).contains(&tile.cols));
        // SAFETY: the caller's promise; the instruction set was detected when this table was chosen.
        unsafe { (self.run)(tile) }
    }

    /// Width of a packed panel of this many columns.
    #[inline]
    pub(crate) fn width(&self, cols: usize) -> usize {
        if cols <= self.narrow { self.narrow } else { self.cols }
    }

    /// Columns of the next tile of so many rows where so many columns of B, read in place, are left.
    #[inline]
    pub(crate) fn next_cols(&self, rows: usize, left: usize) -> usize {
        let low = self.low.iter().find(|(most, cols)| rows <= *most && *cols <= left);
        low.map_or(self.cols, |(_, cols)| *cols)
    }

    /// How many rows each tile gets, so that `rows` are cut into tiles of nearly one size.
    #[inline]
    pub(crate) fn even_rows(&self, rows: usize) -> usize {
        rows.div_ceil(rows.div_ceil(self.rows).max(1)).max(1)
    }
}

/// An element type that tiles are computed in.
pub(crate) trait Tiled: Float {
    /// The fastest kernels of this machine.
    fn isa() -> Isa<Self>;

    /// Every set of kernels that this machine can run.
    #[cfg(test)]
    fn all() -> Vec<Isa<Self>>;
}

impl Tiled for f32 {
    #[inline]
    fn isa() -> Isa<f32> {
        #[cfg(target_arch = "x86_64")]
        if let Some(isa) = x86::isa() {
            return isa;
        }
        portable()
    }

    #[cfg(test)]
    fn all() -> Vec<Isa<f32>> {
        let mut all = vec![portable()];
        #[cfg(target_arch = "x86_64")]
        all.extend(x86::all());
        all
    }
}

impl Tiled for f64 {
    #[inline]
    fn isa() -> Isa<f64> {
        portable()
    }

    #[cfg(test)]
    fn all() -> Vec<Isa<f64>> {
        vec![portable()]
    }
}

const PORTABLE_ROWS: usize = 4;
const PORTABLE_COLS: usize = 8;

/// Kernels that the compiler vectorises for whatever every machine of the target has.
const fn portable<T: Float>() -> Isa<T> {
    Isa {
        name: "portable",
        rows: PORTABLE_ROWS,
        cols: PORTABLE_COLS,
        low: &[],
        narrow: PORTABLE_COLS,
        exact: false,
        run: run_portable::<T>,
    }
}

/// # Safety
/// See [`Isa::run`].
unsafe fn run_portable<T: Float>(tile: &Tile<'_, T>) {
    let mut sums = [[T::zero(); PORTABLE_COLS]; PORTABLE_ROWS];
    for segment in tile.segments {
        // Missing rows repeat the last one: their sums are never stored.
        let rows: [*const T; PORTABLE_ROWS] = std::array::from_fn(|i| segment.rows[i.min(tile.rows - 1)]);
        let mut b = segment.b;
        for run in 0..segment.runs {
            // SAFETY: one of the segment's runs.
            let mut at = unsafe { segment.start(run) };
            for _ in 0..segment.len {
                // SAFETY: B has a full row of columns, by the contract of `run`.
                let columns = unsafe { &*b.cast::<[T; PORTABLE_COLS]>() };
                for i in 0..PORTABLE_ROWS {
                    // SAFETY: rows of A are valid for `len` steps.
                    let a = unsafe { *rows[i].add(at) };
                    for j in 0..PORTABLE_COLS {
                        sums[i][j] += a * columns[j];
                    }
                }
                b = b.wrapping_add(tile.b_step);
                at += tile.a_step;
            }
        }
    }
    // SAFETY: the tile's rows and columns of C and the bias are valid.
    unsafe { store(tile, &sums) }
}

/// Brings sums to memory one by one.
///
/// # Safety
/// See [`Isa::run`].
#[inline(always)]
unsafe fn store<T: Float, const COLS: usize>(tile: &Tile<'_, T>, sums: &[[T; COLS]]) {
    let epilogue = &tile.epilogue;
    let Epilogue { alpha, scale, bias, added, bounds, .. } = *epilogue;
    for j in 0..tile.cols {
        // SAFETY: scale and bias have an element a column.
        let factor = if scale.is_null() { alpha } else { unsafe { *scale.add(j) } };
        // SAFETY: as above.
        let bias = if bias.is_null() { T::zero() } else { unsafe { *bias.add(j) } };
        for i in 0..tile.rows {
            let mut value = factor * sums[i][j] + bias;
            let to = tile.c[i].wrapping_add(j);
            if !added.is_null() {
                // SAFETY: what is added lies as C does.
                value += unsafe { *epilogue.beside(to) };
            }
            // SAFETY: within the tile, by the contract.
            unsafe { *to = bounds.clip(value) };
        }
    }
}
