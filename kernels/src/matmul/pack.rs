//! Copies pieces of B into panels: as many columns as a tile has, row after row.

use std::mem::MaybeUninit;

use super::tile::MAX_COLS;
use crate::Float;

/// Most rows of a panel: with [`MAX_COLS`] columns of `f32` it is 64 KiB, a small part of the second cache.
pub(crate) const MAX_DEPTH: usize = 512;

/// Room for one panel, on the stack of the thread that fills it.
pub(crate) struct Panel<T>(MaybeUninit<[T; MAX_DEPTH * MAX_COLS]>);

impl<T: Float> Panel<T> {
    #[inline(always)]
    pub(crate) fn new() -> Self {
        Panel(MaybeUninit::uninit())
    }

    /// Its start.
    #[inline]
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.0.as_mut_ptr().cast()
    }
}

/// Packs `rows` x `cols` elements of B, `row` and `col` apart, at `to`; the panel is `width` columns wide, those
/// beyond `cols` are zero.
///
/// # Safety
/// The elements of B are valid, and `to` has room for `rows * width`.
pub(crate) unsafe fn pack<T: Float>(
    b: *const T,
    row: usize,
    col: usize,
    rows: usize,
    cols: usize,
    width: usize,
    to: *mut T,
) {
    debug_assert!(cols <= width && width <= MAX_COLS);
    // SAFETY: all indices are within `rows` x `cols` of B and `rows` x `width` of the panel.
    unsafe {
        if cols < width {
            to.write_bytes(0, rows * width);
        }
        if col == 1 && cols == MAX_COLS {
            // A copy of a length known here becomes a few wide moves.
            for l in 0..rows {
                std::ptr::copy_nonoverlapping(b.add(l * row), to.add(l * width), MAX_COLS);
            }
        } else if col == 1 {
            for l in 0..rows {
                std::ptr::copy_nonoverlapping(b.add(l * row), to.add(l * width), cols);
            }
        } else {
            // Where the columns of B are adjacent in memory, squares are turned in registers.
            let turned = if row == 1 { turn(b, col, rows, cols, width, to) } else { (0, 0) };
            // The rest: eight columns at a time, so that a few streams are read and pieces of a cache line are written.
            for j in (0..cols).step_by(8) {
                let some = (cols - j).min(8);
                for l in if j + some <= turned.1 { turned.0 } else { 0 }..rows {
                    for jj in j..j + some {
                        *to.add(l * width + jj) = *b.add(l * row + jj * col);
                    }
                }
            }
        }
    }
}

/// Packs what it can of a B whose rows are steps of one: the first rows and columns, whose numbers it returns.
///
/// # Safety
/// As [`pack`].
#[inline(always)]
unsafe fn turn<T: Float>(
    b: *const T,
    col: usize,
    rows: usize,
    cols: usize,
    width: usize,
    to: *mut T,
) -> (usize, usize) {
    #[cfg(target_arch = "x86_64")]
    if T::DTYPE == crate::DType::F32 {
        let (rows, cols) = (rows / SIDE * SIDE, cols / 8 * 8);
        for j in (0..cols).step_by(8) {
            for l in (0..rows).step_by(SIDE) {
                for j in [j, j + SIDE] {
                    // SAFETY: `T` is `f32`; the square is inside both.
                    unsafe { square(b.add(j * col + l).cast(), col, to.add(l * width + j).cast(), width) };
                }
            }
        }
        return (rows, cols);
    }
    let _ = (b, col, rows, cols, width, to);
    (0, 0)
}

/// Side of a square that is turned in registers.
#[cfg(target_arch = "x86_64")]
const SIDE: usize = 4;

/// Transposes a square: columns are `col` apart in `from`, rows `width` apart in `to`.
///
/// # Safety
/// All elements of both are valid.
#[cfg(target_arch = "x86_64")]
#[inline(always)]
unsafe fn square(from: *const f32, col: usize, to: *mut f32, width: usize) {
    use std::arch::x86_64::*;
    // SAFETY: the caller's promise; every processor of this kind has these instructions.
    unsafe {
        let (a, b) = (_mm_loadu_ps(from), _mm_loadu_ps(from.add(col)));
        let (c, d) = (_mm_loadu_ps(from.add(2 * col)), _mm_loadu_ps(from.add(3 * col)));
        let (low, high) = (_mm_unpacklo_ps(a, b), _mm_unpackhi_ps(a, b));
        let (low2, high2) = (_mm_unpacklo_ps(c, d), _mm_unpackhi_ps(c, d));
        _mm_storeu_ps(to, _mm_movelh_ps(low, low2));
        _mm_storeu_ps(to.add(width), _mm_movehl_ps(low2, low));
        _mm_storeu_ps(to.add(2 * width), _mm_movelh_ps(high, high2));
        _mm_storeu_ps(to.add(3 * width), _mm_movehl_ps(high2, high));
    }
}
