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
            // Eight columns at a time, so that a few streams are read and pieces of a cache line are written.
            for j in (0..cols).step_by(8) {
                let some = (cols - j).min(8);
                for l in 0..rows {
                    for jj in j..j + some {
                        *to.add(l * width + jj) = *b.add(l * row + jj * col);
                    }
                }
            }
        }
    }
}
