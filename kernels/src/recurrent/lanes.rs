//! Loops over the units of a row in pieces of a fixed width, which the compiler keeps in vector registers.

use crate::cpu::simd::Level;

/// What is computed for some adjacent units.
pub(super) trait Piece {
    /// For `W` units from `at` on.
    ///
    /// # Safety
    /// The units are there in every row that it reads and writes.
    unsafe fn piece<L: Level, const W: usize>(&self, at: usize);
}

/// Computes a row of so many units.
///
/// # Safety
/// See [`Piece::piece`].
#[inline(always)]
pub(super) unsafe fn along<L: Level>(units: usize, row: &impl Piece) {
    let mut at = 0;
    // SAFETY: the caller's promise; pieces end at `units`.
    unsafe {
        while at + 16 <= units {
            row.piece::<L, 16>(at);
            at += 16;
        }
        while at + 4 <= units {
            row.piece::<L, 4>(at);
            at += 4;
        }
        while at < units {
            row.piece::<L, 1>(at);
            at += 1;
        }
    }
}

/// # Safety
/// `W` numbers from `at` on are there, and nobody writes to them.
#[inline(always)]
pub(super) unsafe fn load<T: Copy, const W: usize>(row: *const T, at: usize) -> [T; W] {
    // SAFETY: the caller's promise; an array is aligned as its elements are.
    unsafe { *row.add(at).cast::<[T; W]>() }
}

/// Writes numbers, unless there is no row.
///
/// # Safety
/// Null, or `W` numbers from `at` on are the caller's.
#[inline(always)]
pub(super) unsafe fn store<T: Copy, const W: usize>(row: *mut T, at: usize, values: [T; W]) {
    if !row.is_null() {
        // SAFETY: as in `load`.
        unsafe { *row.add(at).cast::<[T; W]>() = values }
    }
}
