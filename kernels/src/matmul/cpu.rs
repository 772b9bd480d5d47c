//! The product in tiles: B is packed panel by panel on the stack, A is read where it lies.

use super::pack::{MAX_DEPTH, Panel, pack};
use super::tile::{self, Isa, MAX_COLS, MAX_ROWS, Segment, Tile, Tiled};
use super::{Epilogue, Gemm, Matmul, Strides, packed_len};
use crate::activation::{Activation, Activations};
use crate::cpu::threads;
use crate::{Cpu, Grad, View, with_float};

impl Matmul for Cpu {
    fn gemm(&self, gemm: &Gemm, a: View, b: View, bias: Option<View>, activation: Activation, c: Grad) {
        assert!(!c.adds() || (bias.is_none() && activation.is_linear()), "an added product has no epilogue");
        self.gemm_fused(gemm, a, b, &Epilogue { bias, activation, ..c.epilogue() }, c.view);
    }

    fn gemm_fused(&self, gemm: &Gemm, a: View, b: View, epilogue: &Epilogue, c: View) {
        with_float!(c.dtype(), T => product(<T as Tiled>::isa(), gemm, a, b, epilogue, c));
        if let Some(activation) = epilogue.rest() {
            self.activation(activation, c, c);
        }
    }

    fn pack_b(&self, n: usize, k: usize, layout: Strides, from: View, to: View) {
        with_float!(to.dtype(), T => pack_all(<T as Tiled>::isa(), n, k, layout, from, to));
    }
}

/// Packs a whole matrix: all rows of its first columns, then those of the next.
pub(super) fn pack_all<T: Tiled>(isa: Isa<T>, n: usize, k: usize, layout: Strides, from: View, to: View) {
    assert!(to.size() >= packed_len(n, k), "{to:?} for {n} packed columns of {k}");
    // Only the type is checked, as in a product.
    // SAFETY: nothing writes to B during the call, `to` is this call's alone.
    let (b, to) = unsafe { (from.slice::<T>().as_ptr(), to.slice_mut::<T>().as_mut_ptr()) };
    let all = Operands { a: std::ptr::null(), b, c: to };
    threads::tasks(n.div_ceil(isa.cols), n * k, |panel| {
        let all = &all;
        let j = panel * isa.cols;
        let cols = (n - j).min(isa.cols);
        // SAFETY: columns `j..j + cols` are inside B, as the trait demands. Panels before this one are full, `j * k` elements; this one
        // ends at `(j + width) * k`, and `width` divides `MAX_COLS`, to a multiple of which `to` is rounded.
        unsafe {
            let (b, to) = (all.b.wrapping_add(j * layout.col), all.c.add(j * k));
            pack(b, layout.row, layout.col, k, cols, isa.width(cols), to);
        }
    });
}

/// Multiplications that take about as long as one operation of [`threads::FORK`].
pub(crate) const MULTIPLICATIONS: usize = 10;

/// Rows of C in one task: A's part of a task stays in the second cache.
const TASK_ROWS: usize = 252;

/// Multiplications that a task should have at least.
const TASK_WORK: usize = 1 << 20;

/// Longest row distance at which B is read in place: longer ones, often powers of two, collide in the caches.
const NEAR: usize = 256;

/// For so many tiles of rows B is read in place up to a row distance of [`FAR`]: packing would take longer than the collisions.
const SOME: usize = 3;

/// See [`SOME`].
const FAR: usize = 512;

/// One product of the batch, as pointers.
#[derive(Clone, Copy)]
struct Operands<T> {
    a: *const T,
    b: *const T,
    c: *mut T,
}

// SAFETY: the addresses of views, which may be sent; tasks write to parts of C of their own.
unsafe impl<T> Send for Operands<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Operands<T> {}

/// The product, with what tiles do of the epilogue.
pub(crate) fn product<T: Tiled>(isa: Isa<T>, gemm: &Gemm, a: View, b: View, epilogue: &Epilogue, c: View) {
    let Gemm { m, n, k, .. } = *gemm;
    let products = gemm.batch[0] * gemm.batch[1];
    if products * m * n == 0 {
        return;
    }
    assert!(epilogue.scale.is_none() || gemm.alpha == 1.0, "a scaled product has no other factor");
    // Only the type is checked: the trait says that shapes are not looked at.
    // SAFETY: the operands are not written during the call, C is by this call alone.
    let all = unsafe {
        Operands::<T> { a: a.slice().as_ptr(), b: b.slice().as_ptr(), c: c.slice_mut().as_mut_ptr() }
    };
    let epilogue = tile::Epilogue {
        alpha: <T as crate::Element>::from_f64(gemm.alpha),
        // As of C, the size of what is added is not looked at.
        ..epilogue.tile(n, 0, all.c)
    };
    let rows = m.div_ceil(m.div_ceil(TASK_ROWS));
    let panels = n.div_ceil(isa.cols);
    let group = TASK_WORK.div_ceil(rows * isa.cols * k.max(1)).clamp(1, panels);
    let (down, across) = (m.div_ceil(rows), panels.div_ceil(group));
    let work = products.saturating_mul(m * n).saturating_mul(k) / MULTIPLICATIONS;
    threads::tasks(products * down * across, work, |task| {
        // Capture the whole, which may be sent, not its pointers.
        let all = &all;
        let (product, task) = (task / (down * across), task % (down * across));
        let (outer, inner) = (product / gemm.batch[1], product % gemm.batch[1]);
        let start = |s: &Strides| outer * s.batch[0] + inner * s.batch[1];
        let (i, j) = (task / across * rows, task % across * group * isa.cols);
        // SAFETY: within the views, as the trait demands.
        let part = unsafe {
            Operands {
                a: all.a.add(start(&gemm.a) + i * gemm.a.row),
                // Panels of a packed B lie one after the other.
                b: all.b.add(start(&gemm.b) + j * if gemm.packed { k } else { gemm.b.col }),
                c: all.c.add(start(&gemm.c) + i * gemm.c.row + j * gemm.c.col),
            }
        };
        let part_gemm = Gemm { m: rows.min(m - i), n: (group * isa.cols).min(n - j), ..*gemm };
        // SAFETY: as above; the parts of C are disjoint.
        unsafe { block(isa, &part_gemm, part, j, &epilogue) }
    });
}

/// What one task computes: panel after panel, each against all rows. Its first column is column `column` of C.
///
/// # Safety
/// The operands are valid for the sizes and strides of `gemm`, and no other thread touches C.
#[inline(never)]
unsafe fn block<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    part: Operands<T>,
    column: usize,
    epilogue: &tile::Epilogue<T>,
) {
    let Gemm { m, n, k, .. } = *gemm;
    let mut panel = Panel::<T>::new();
    let depth = k.div_ceil(k.div_ceil(MAX_DEPTH).max(1));
    let tile_rows = isa.even_rows(m);
    // Tiles of few rows are wider where each row of B is one stretch.
    let low = !gemm.packed && m <= tile_rows && gemm.b.col == 1 && gemm.c.col == 1 && isa.exact;
    let mut j = 0;
    while j < n {
        let cols = (n - j).min(if low { isa.next_cols(m, n - j) } else { isa.cols });
        let width = isa.width(cols);
        let in_place = gemm.b.col == 1
            && (isa.exact || cols == width)
            && (gemm.b.row <= NEAR || m <= isa.rows || (m <= SOME * isa.rows && gemm.b.row <= FAR));
        let mut from = 0;
        // Runs once for `k == 0` too: C is written all the same.
        loop {
            let len = (k - from).min(depth);
            let b = part.b.wrapping_add(from * gemm.b.row + j * gemm.b.col);
            let (b, b_step) = if gemm.packed {
                (part.b.wrapping_add(j * k + from * width), width)
            } else if in_place {
                (b, gemm.b.row)
            } else {
                // SAFETY: rows `from..from + len` and columns `j..j + cols` are inside B; `len` is at most `MAX_DEPTH`, `width` at most `MAX_COLS`.
                unsafe { pack(b, gemm.b.row, gemm.b.col, len, cols, width, panel.as_mut_ptr()) };
                (panel.as_mut_ptr().cast_const(), width)
            };
            let now = epilogue.run(column + j, from == 0, from + len == k);
            for i in (0..m).step_by(tile_rows) {
                let rows = (m - i).min(tile_rows);
                let mut segment = Segment { b, len, ..Segment::EMPTY };
                let mut c = [std::ptr::null_mut(); MAX_ROWS];
                for r in 0..rows {
                    segment.rows[r] = part.a.wrapping_add((i + r) * gemm.a.row + from * gemm.a.col);
                    c[r] = part.c.wrapping_add((i + r) * gemm.c.row + j * gemm.c.col);
                }
                let tile =
                    Tile { segments: &[segment], a_step: gemm.a.col, b_step, rows, cols, c, epilogue: now };
                // SAFETY: inside the operands, as said above.
                unsafe {
                    if gemm.c.col == 1 {
                        isa.run(&tile);
                    } else {
                        scattered(isa, tile, gemm.c.col);
                    }
                }
            }
            from += len;
            if from >= k {
                break;
            }
        }
        j += cols;
    }
}

/// A product of few rows on this thread alone, for kernels whose tasks have many of them: `C = A B + bias`, or `C += A B`. Batches do not count.
///
/// # Safety
/// The operands are valid for the sizes and strides of `gemm` (the bias has an element a column, or is null), and no other thread touches C.
pub(crate) unsafe fn few_rows<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    a: *const T,
    b: *const T,
    bias: *const T,
    c: *mut T,
    adds: bool,
) {
    let epilogue = tile::Epilogue { bias, ..tile::Epilogue::gradient(c, adds) };
    // SAFETY: the caller's promise.
    unsafe { block(isa, gemm, Operands { a, b, c }, 0, &epilogue) }
}

/// A tile whose columns are not adjacent in C: it is computed beside it.
///
/// # Safety
/// As [`Isa::run`], with columns `step` apart.
unsafe fn scattered<T: Tiled>(isa: Isa<T>, mut tile: Tile<'_, T>, step: usize) {
    let mut beside = [[T::zero(); MAX_COLS]; MAX_ROWS];
    let c = tile.c;
    for r in 0..tile.rows {
        for j in 0..tile.cols {
            let added = tile.epilogue.beside(c[r].wrapping_add(j * step));
            // SAFETY: the tile's elements of C are valid, and so are those that lie as they do.
            beside[r][j] = if tile.epilogue.added.is_null() { T::zero() } else { unsafe { *added } };
        }
        tile.c[r] = beside[r].as_mut_ptr();
    }
    tile.epilogue.c = tile.c[0];
    tile.epilogue.added = tile.c[0];
    // SAFETY: the caller's promise; a row of `beside` has room for all columns.
    unsafe { isa.run(&tile) };
    for r in 0..tile.rows {
        for j in 0..tile.cols {
            // SAFETY: as above.
            unsafe { *c[r].add(j * step) = *tile.c[r].add(j) };
        }
    }
}
