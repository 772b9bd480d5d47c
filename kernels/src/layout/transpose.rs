//! The walk whose fast dimension on one side is a slow one on the other, in tiles that stay in the cache.

use super::nest::Nest;
use crate::cpu::raw::Raw;
use crate::cpu::threads;
use crate::{Element, MAX_RANK};

/// Rows and columns of a tile.
const TILE: usize = 32;

/// Copies a nest that writes with step one in its innermost loop and reads with step one in another. Returns
/// whether it did.
pub(super) fn run<E: Element>(nest: &Nest, from: Raw<E>, to: Raw<E>) -> bool {
    let inner = nest.rank - 1;
    if nest.to_strides[inner] != 1 || !nest.is_injective() {
        return false;
    }
    let Some(fast) = (0..inner).find(|i| nest.from_strides[*i] == 1) else { return false };
    let (rows, columns) = (nest.dims[fast], nest.dims[inner]);
    if rows < 4 || columns < 4 {
        return false;
    }
    // The other loops, outside.
    let mut outer = [0; MAX_RANK];
    let mut count = 0;
    for i in (0..inner).filter(|i| *i != fast) {
        outer[count] = i;
        count += 1;
    }
    let planes: usize = outer[..count].iter().map(|i| nest.dims[*i]).product();
    let bands = rows.div_ceil(TILE);
    let (to_step, from_step) = (nest.to_strides[fast], nest.from_strides[inner]);
    threads::tasks(planes * bands, planes * rows * columns, |task| {
        let (mut f, mut t) = (nest.from, nest.to);
        let mut rest = task / bands;
        for i in outer[..count].iter().rev() {
            let k = (rest % nest.dims[*i]) as isize;
            rest /= nest.dims[*i];
            f = f.wrapping_add_signed(nest.from_strides[*i] * k);
            t = t.wrapping_add_signed(nest.to_strides[*i] * k);
        }
        let band = task % bands * TILE;
        for column in (0..columns).step_by(TILE) {
            let width = TILE.min(columns - column);
            for row in band..(band + TILE).min(rows) {
                let f = (f + row).wrapping_add_signed(from_step * column as isize);
                let t = t.wrapping_add_signed(to_step * row as isize) + column;
                // SAFETY: every step of the walk was checked to lie inside both views; tasks write apart.
                let to = unsafe { to.slice_mut(t, width) };
                for (j, to) in to.iter_mut().enumerate() {
                    // SAFETY: as above.
                    *to = unsafe { from.get(f.wrapping_add_signed(from_step * j as isize)) };
                }
            }
        }
    });
    true
}
