//! What a task of a product does: tiles, in an order in which what several of them read stays in the caches.

use super::pack::{MAX_DEPTH, Panel, pack};
use super::tile::{self, Ahead, Isa, MAX_COLS, MAX_ROWS, Segment, Tile, Tiled};
use super::{Gemm, Strides};

/// For so many tiles of rows B is read in place up to a row distance of [`FAR`]: packing would take longer than the collisions that
/// long distances, often powers of two, have in the caches.
const SOME: usize = 3;

/// See [`SOME`].
const FAR: usize = 512;

/// As [`FAR`], where there are more tiles, up to as many rows.
const NEAR: usize = 256;

/// Lines of an operand that are copied together, from the first element to the last: their pages stay at hand.
const LINES: usize = 16;

/// From so many panels on, rows of A are copied once and read several times: where they lie, their distances collide in the caches.
const COPIED: usize = 3;

/// One product of the batch, as pointers.
#[derive(Clone, Copy)]
pub(super) struct Operands<T> {
    pub(super) a: *const T,
    pub(super) b: *const T,
    pub(super) c: *mut T,
}

// SAFETY: the addresses of views, which may be sent; tasks write to parts of C of their own.
unsafe impl<T> Send for Operands<T> {}
// SAFETY: as above.
unsafe impl<T> Sync for Operands<T> {}

/// Length of a stretch of the common dimension.
pub(super) fn depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(MAX_DEPTH).max(1))
}

/// Whether B is read where it lies: packing it would take longer than it saves.
pub(super) fn reads_in_place<T: Tiled>(isa: Isa<T>, gemm: &Gemm) -> bool {
    !gemm.packed
        && gemm.b.col == 1
        && (isa.exact || gemm.n.is_multiple_of(isa.cols) || gemm.n == isa.narrow)
        && (gemm.m <= isa.rows
            || (gemm.m <= SOME * isa.rows && gemm.b.row <= FAR)
            || (gemm.m <= NEAR && gemm.b.row <= NEAR)
            // One panel, as it would be packed.
            || (gemm.n <= isa.cols && gemm.b.row <= isa.cols))
}

/// A product of few rows: panel after panel, each against all rows, over a span of the common dimension. Its first column is column
/// `column` of C.
///
/// # Safety
/// The operands are valid for the sizes and strides of `gemm`, and no other thread touches C.
#[inline(never)]
pub(super) unsafe fn read_in_place<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    part: Operands<T>,
    span: [usize; 2],
    column: usize,
    epilogue: &tile::Epilogue<T>,
) {
    let Gemm { m, n, .. } = *gemm;
    let depth = depth(span[1] - span[0]);
    let tile_rows = isa.even_rows(m);
    // Tiles of few rows are wider where each row of B is one stretch.
    let low = m <= tile_rows && gemm.c.col == 1 && isa.exact;
    let mut j = 0;
    while j < n {
        let cols = (n - j).min(if low { isa.next_cols(m, n - j) } else { isa.cols });
        let mut from = span[0];
        // Runs once for `k == 0` too: C is written all the same.
        loop {
            let len = (span[1] - from).min(depth);
            let b = part.b.wrapping_add(from * gemm.b.row + j);
            let now = epilogue.run(column + j, from == span[0], from + len == span[1]);
            for i in (0..m).step_by(tile_rows) {
                let rows = (m - i).min(tile_rows);
                let a = part.a.wrapping_add(i * gemm.a.row + from * gemm.a.col);
                let c = part.c.wrapping_add(i * gemm.c.row + j * gemm.c.col);
                let ahead = next_rows(gemm, a.wrapping_add(rows * gemm.a.row), len);
                // SAFETY: inside the operands, as the caller says.
                unsafe {
                    tile(
                        isa,
                        gemm,
                        [a, b],
                        [gemm.a.row, gemm.a.col, gemm.b.row],
                        len,
                        c,
                        [rows, cols],
                        now,
                        ahead,
                    )
                };
            }
            from += len;
            if from >= span[1] {
                break;
            }
        }
        j += cols;
    }
}

/// Where [`pass_by`] works, for one stretch of the common dimension.
pub(super) struct Room<T> {
    /// As many rows as a tile has; null if nothing is to be copied.
    pub(super) rows: *mut T,
    /// All panels, unless B is packed.
    pub(super) panels: *mut T,
}

impl<T> Room<T> {
    /// For packed B and rows that are read where they lie.
    const NONE: Self = Room { rows: std::ptr::null_mut(), panels: std::ptr::null_mut() };
}

/// A product of many rows: stretch after stretch of the common dimension, whose panels of B stay in the cache while the rows of A pass by
/// all of them.
///
/// # Safety
/// As [`read_in_place`]; the room is as large as it says.
#[inline(never)]
pub(super) unsafe fn pass_by<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    part: Operands<T>,
    span: [usize; 2],
    column: usize,
    epilogue: &tile::Epilogue<T>,
    room: Room<T>,
) {
    let Gemm { m, n, k, .. } = *gemm;
    let depth = depth(span[1] - span[0]);
    let tile_rows = isa.even_rows(m);
    let copies = !room.rows.is_null() && gemm.a.col == 1 && n > (COPIED - 1) * isa.cols;
    let mut from = span[0];
    // Runs once for `k == 0` too: C is written all the same.
    loop {
        let len = (span[1] - from).min(depth);
        let a = part.a.wrapping_add(from * gemm.a.col);
        if !gemm.packed {
            let b = part.b.wrapping_add(from * gemm.b.row);
            // SAFETY: rows `from..from + len` of B are valid, and there is room for them.
            unsafe { pack_group(isa, b, gemm.b, len, n, room.panels) };
        }
        for i in (0..m).step_by(tile_rows) {
            let rows = (m - i).min(tile_rows);
            let (mut a, mut steps) = (a.wrapping_add(i * gemm.a.row), [gemm.a.row, gemm.a.col]);
            // What comes next is fetched while this is computed.
            let mut ahead = next_rows(gemm, a.wrapping_add(rows * gemm.a.row), len);
            if copies {
                // SAFETY: these elements of A are valid, and there is room for a tile's rows.
                unsafe { copy_along(a, gemm.a.row, [rows, len], room.rows) };
                (a, steps) = (room.rows.cast_const(), [len, 1]);
            }
            for j in (0..n).step_by(isa.cols) {
                let cols = (n - j).min(isa.cols);
                let width = isa.width(cols);
                let b = if gemm.packed {
                    part.b.wrapping_add(j * k + from * width)
                } else {
                    room.panels.wrapping_add(j * len).cast_const()
                };
                let c = part.c.wrapping_add(i * gemm.c.row + j * gemm.c.col);
                let now = epilogue.run(column + j, from == span[0], from + len == span[1]);
                // SAFETY: inside the operands, as the caller says.
                unsafe {
                    tile(isa, gemm, [a, b], [steps[0], steps[1], width], len, c, [rows, cols], now, ahead)
                };
                ahead = Ahead::NONE;
            }
        }
        from += len;
        if from >= span[1] {
            break;
        }
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
    let (all, span) = (Operands { a, b, c }, [0, gemm.k]);
    // SAFETY: the caller's promise; the panel has room for a stretch of one.
    unsafe {
        if gemm.packed {
            return pass_by(isa, gemm, all, span, 0, &epilogue, Room::NONE);
        }
        if reads_in_place(isa, gemm) {
            return read_in_place(isa, gemm, all, span, 0, &epilogue);
        }
        let mut panel = Panel::<T>::new();
        for j in (0..gemm.n).step_by(isa.cols) {
            let of_panel = Gemm { n: isa.cols.min(gemm.n - j), ..*gemm };
            let part = Operands { a, b: b.wrapping_add(j * gemm.b.col), c: c.wrapping_add(j * gemm.c.col) };
            pass_by(
                isa,
                &of_panel,
                part,
                span,
                j,
                &epilogue,
                Room { rows: std::ptr::null_mut(), panels: panel.as_mut_ptr() },
            );
        }
    }
}

/// Copies rows of A, whose elements are adjacent, side by side.
///
/// # Safety
/// The elements of A are valid, and there is room for them.
unsafe fn copy_along<T: Tiled>(a: *const T, row: usize, [rows, len]: [usize; 2], to: *mut T) {
    for i in 0..rows {
        // SAFETY: the caller's promise.
        unsafe { std::ptr::copy_nonoverlapping(a.add(i * row), to.add(i * len), len) };
    }
}

/// The cache lines of some rows of A, if elements of a row are adjacent. If those of different rows are, the next rows are in lines that are
/// read already.
fn next_rows<T: Tiled>(gemm: &Gemm, at: *const T, len: usize) -> Ahead<T> {
    if gemm.a.col != 1 {
        return Ahead::NONE;
    }
    let line = 64 / size_of::<T>();
    let run = len.div_ceil(line).max(1);
    Ahead { at, step: line, run, skip: gemm.a.row.wrapping_sub(run * line) }
}

/// Packs `len` rows of `n` columns of B into panels, one after the other.
///
/// # Safety
/// The elements of B are valid; `to` has room for full panels.
unsafe fn pack_group<T: Tiled>(isa: Isa<T>, b: *const T, layout: Strides, len: usize, n: usize, to: *mut T) {
    // Along the rows of B, a few at a time, where these are what is adjacent; else whole panels.
    let lines = if layout.col == 1 { LINES } else { len.max(1) };
    for from in (0..len).step_by(lines) {
        let some = lines.min(len - from);
        for j in (0..n).step_by(isa.cols) {
            let cols = (n - j).min(isa.cols);
            let width = isa.width(cols);
            let to = to.wrapping_add(j * len + from * width);
            let b = b.wrapping_add(from * layout.row + j * layout.col);
            // SAFETY: the caller's promise; panels before this one are full.
            unsafe { pack(b, layout.row, layout.col, some, cols, width, to) };
        }
    }
}

/// One tile, from operands that start at `a` and `b`, with the distances between A's rows, between elements of one, and between B's rows.
///
/// # Safety
/// As [`Isa::run`].
#[inline(always)]
unsafe fn tile<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    [a, b]: [*const T; 2],
    [a_row, a_step, b_step]: [usize; 3],
    len: usize,
    c: *mut T,
    [rows, cols]: [usize; 2],
    epilogue: tile::Epilogue<T>,
    ahead: Ahead<T>,
) {
    let mut segment = Segment { b, len, ..Segment::EMPTY };
    let mut c_rows = [std::ptr::null_mut(); MAX_ROWS];
    for r in 0..rows {
        segment.rows[r] = a.wrapping_add(r * a_row);
        c_rows[r] = c.wrapping_add(r * gemm.c.row);
    }
    let tile = Tile { segments: &[segment], a_step, b_step, rows, cols, c: c_rows, epilogue, ahead };
    // SAFETY: the caller's promise.
    unsafe {
        if gemm.c.col == 1 {
            isa.run(&tile);
        } else {
            scattered(isa, tile, gemm.c.col);
        }
    }
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
