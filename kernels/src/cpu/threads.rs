//! Forking: only where it pays, and always into the same pieces.
//!
//! Work is cut by its size alone, never by the number of threads, so that sums come out the same to the last bit
//! on any machine. Forking costs a few microseconds; below [`FORK`] of work it is not worth it.

use rayon::prelude::*;

use super::pool;

/// Work, in elementary operations (about a quarter of a nanosecond each), above which forking pays.
pub const FORK: usize = 80_000;

/// Runs `task(i)` for every `i` in `0..tasks`, on several threads if all tasks together cost `work` operations
/// or more than [`FORK`].
#[inline]
pub fn tasks(tasks: usize, work: usize, task: impl Fn(usize) + Sync + Send) {
    dispatch(tasks, work, &task);
}

/// Not generic: rayon's machinery is compiled once, not once for every kernel.
fn dispatch(tasks: usize, work: usize, task: &(dyn Fn(usize) + Sync)) {
    if tasks <= 1 || work < FORK || !pool::fork(&|| (0..tasks).into_par_iter().for_each(task)) {
        (0..tasks).for_each(task);
    }
}

/// Cuts `0..len` into pieces of `piece` elements and runs `task(start, end)` on each; `cost` operations an element.
#[inline]
pub fn pieces(len: usize, piece: usize, cost: usize, task: impl Fn(usize, usize) + Sync + Send) {
    let piece = piece.max(1);
    tasks(len.div_ceil(piece), len.saturating_mul(cost), |i| task(i * piece, ((i + 1) * piece).min(len)));
}
