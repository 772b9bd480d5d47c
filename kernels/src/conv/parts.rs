//! Gradients that are summed in a few parts, so that several threads sum one: how many is a matter of sizes alone.

use crate::cpu::raw::Raw;
use crate::cpu::{threads, workspace};
use crate::{Float, Grad};

/// Elements of one task.
const PIECE: usize = 4096;

/// Calls `fill` with room for `parts` gradients of `size` elements one after the other, which it is to write; their sum, in order, goes
/// to `to`. A single part is the gradient itself, and `fill` is told whether to add to it.
pub(super) fn sum<T: Float>(parts: usize, size: usize, to: Grad, fill: impl FnOnce(Raw<T>, bool)) {
    let (adds, to) = (to.adds(), Raw::<T>::sized(to.view, size));
    if parts == 1 {
        return fill(to, adds);
    }
    workspace::with::<T, _>(parts * size, |room| {
        let room = Raw::from_slice(room);
        fill(room, false);
        threads::pieces(size, PIECE, parts, |start, end| {
            for part in 0..parts {
                // SAFETY: the parts are written; this piece of the gradient is this task's alone.
                let (from, to) = unsafe {
                    let len = end - start;
                    (room.slice(part * size + start, len), to.slice_mut(start, len))
                };
                if part == 0 && !adds {
                    to.copy_from_slice(from);
                } else {
                    to.iter_mut().zip(from).for_each(|(to, from)| *to += *from);
                }
            }
        });
    });
}
