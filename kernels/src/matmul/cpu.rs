//! The product in tiles: B is packed panel by panel on the stack, A is read where it lies.

use super::pack::{Panel, pack};
use super::tile::{self, Ahead, Isa, MAX_COLS, MAX_ROWS, Segment, Tile, Tiled};
use super::{Epilogue, Gemm, Matmul, Strides, packed_len};
use crate::activation::{Activation, Activations};
use crate::cpu::simd::{self, Kernel, Level};
use crate::cpu::{threads, workspace};
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

/// Rows of C in one task at most: what is packed of B for a task is read by so many.
const TASK_ROWS: usize = 504;

/// Panels of B in one task at most: they stay in the second cache while the rows of A pass by, and what is copied of A is read by so many.
const GROUP: usize = 8;

/// Stretch of the common dimension at most: of as many rows of A and panels of B as a task has, it fits into the second cache.
const DEPTH: usize = 256;

/// Multiplications that a task should have at least.
const TASK_WORK: usize = 1 << 20;

/// Tasks that are enough for several threads to have their share.
const TASKS: usize = 8;

/// Elements of the common dimension in a part at least.
const PART: usize = 1024;

/// Elements of the sums of all parts at most.
const PARTS: usize = 1 << 20;

/// A row of a task costs as much as so many panels cost: what is packed of B against what is copied of A.
const ROWS_A_PANEL: usize = 47;

/// For so many tiles of rows B is read in place up to a row distance of [`FAR`]: packing would take longer than the collisions that
/// long distances, often powers of two, have in the caches.
const SOME: usize = 3;

/// See [`SOME`].
const FAR: usize = 512;

/// Lines of an operand that are copied together, from the first element to the last: their pages stay at hand.
const LINES: usize = 16;

/// From so many panels on, rows of A are copied once and read several times: where they lie, their distances collide in the caches.
const COPIED: usize = 3;

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
    let task = cut(isa, gemm);
    let work = products.saturating_mul(m * n).saturating_mul(k) / MULTIPLICATIONS;
    let packed = if gemm.packed { 0 } else { task.panels * isa.cols };
    let room = if reads_in_place(isa, gemm) { 0 } else { depth(k) * (packed + isa.rows) };
    if task.parts == 1 {
        workspace::tasks(task.count(isa, gemm), work, room, |at, room| {
            // Capture the whole, which may be sent, not its pointers.
            let (all, epilogue) = (&all, &epilogue);
            // SAFETY: C is this call's alone, the operands are valid as the trait demands.
            unsafe { run_task(isa, gemm, &task, at, *all, epilogue, room) }
        });
        return;
    }
    // Each part of the common dimension has sums of its own.
    workspace::with(task.parts * m * n, |sums: &mut [T]| {
        let beside = Operands { c: sums.as_mut_ptr(), ..all };
        let written = tile::Epilogue::write(beside.c);
        let as_rows = Gemm { c: Strides::rows(n), ..*gemm };
        workspace::tasks(task.count(isa, gemm), work, room, |at, room| {
            let (beside, written) = (&beside, &written);
            // SAFETY: as above, and there is a matrix of sums for each part.
            unsafe { run_task(isa, &as_rows, &task, at, *beside, written, room) }
        });
        let sums = &*sums;
        threads::tasks(m, task.parts * m * n, |i| {
            let (all, epilogue) = (&all, &epilogue);
            let c = all.c.wrapping_add(i * gemm.c.row);
            let sums = &sums[i * n..];
            simd::run(AddParts {
                sums,
                parts: task.parts,
                distance: m * n,
                n,
                c,
                step: gemm.c.col,
                epilogue,
            });
        });
    });
}

/// Writes a row of C: what the epilogue makes of the sums of all parts, which lie `distance` apart, in their order.
struct AddParts<'a, T> {
    sums: &'a [T],
    parts: usize,
    distance: usize,
    n: usize,
    /// The row's elements are `step` apart.
    c: *mut T,
    step: usize,
    epilogue: &'a tile::Epilogue<T>,
}

impl<T: Tiled> AddParts<'_, T> {
    /// Adds `count` columns from column `j` on.
    #[inline(always)]
    fn columns<const N: usize>(&self, j: usize, count: usize) -> [T; N] {
        let mut sums = [T::zero(); N];
        for part in 0..self.parts {
            let from = &self.sums[part * self.distance + j..][..count];
            (0..count).for_each(|i| sums[i] += from[i]);
        }
        sums
    }
}

impl<T: Tiled> Kernel for AddParts<'_, T> {
    type Output = ();

    #[inline(always)]
    fn run<L: Level>(self) {
        let mut j = 0;
        while self.step == 1 && j + LANES <= self.n {
            let sums = self.columns::<LANES>(j, LANES);
            // SAFETY: the row's elements of C and of what goes with them are valid, and this task's alone.
            unsafe {
                let ends = self.epilogue.columns(j, LANES);
                self.epilogue.store::<L, LANES>(&ends, &sums, self.c.add(j), LANES);
            }
            j += LANES;
        }
        for j in j..self.n {
            let sums = self.columns::<1>(j, 1);
            // SAFETY: as above.
            unsafe {
                let ends = self.epilogue.columns(j, 1);
                self.epilogue.store::<L, 1>(&ends, &sums, self.c.add(j * self.step), 1);
            }
        }
    }
}

/// Columns of sums that are added at once.
const LANES: usize = 16;

/// Runs task `at` of a cut.
///
/// # Safety
/// The operands are valid for the sizes and strides of `gemm`, C has a matrix for each part, and nobody else touches the task's part of it.
unsafe fn run_task<T: Tiled>(
    isa: Isa<T>,
    gemm: &Gemm,
    cut: &Cut,
    at: usize,
    all: Operands<T>,
    epilogue: &tile::Epilogue<T>,
    room: &mut [T],
) {
    let Gemm { m, n, k, .. } = *gemm;
    let (down, across) = (m.div_ceil(cut.rows), n.div_ceil(cut.panels * isa.cols));
    let (part, at) = (at % cut.parts, at / cut.parts);
    let (product, at) = (at / (down * across), at % (down * across));
    let (outer, inner) = (product / gemm.batch[1], product % gemm.batch[1]);
    let start = |s: &Strides| outer * s.batch[0] + inner * s.batch[1];
    let (i, j) = (at / across * cut.rows, at % across * cut.panels * isa.cols);
    let len = k.div_ceil(cut.parts);
    let span = [(part * len).min(k), ((part + 1) * len).min(k)];
    // SAFETY: within the operands, as the caller promises.
    unsafe {
        let mine = Operands {
            a: all.a.add(start(&gemm.a) + i * gemm.a.row),
            // Panels of a packed B lie one after the other.
            b: all.b.add(start(&gemm.b) + j * if gemm.packed { k } else { gemm.b.col }),
            c: all.c.add(part * m * n + start(&gemm.c) + i * gemm.c.row + j * gemm.c.col),
        };
        let gemm_of_task = Gemm { m: cut.rows.min(m - i), n: (cut.panels * isa.cols).min(n - j), ..*gemm };
        if reads_in_place(isa, gemm) {
            read_in_place(isa, &gemm_of_task, mine, span, j, epilogue);
        } else {
            let rows = room.as_mut_ptr();
            let room = Room { rows, panels: rows.add(isa.rows * depth(span[1] - span[0])) };
            pass_by(isa, &gemm_of_task, mine, span, j, epilogue, room);
        }
    }
}

/// How a product is cut into tasks.
struct Cut {
    /// Rows of C in a task.
    rows: usize,
    /// Panels of B in a task.
    panels: usize,
    /// Parts of the common dimension, each with sums of its own.
    parts: usize,
}

impl Cut {
    fn count<T: Tiled>(&self, isa: Isa<T>, gemm: &Gemm) -> usize {
        let of_product = gemm.m.div_ceil(self.rows) * gemm.n.div_ceil(self.panels * isa.cols);
        gemm.batch[0] * gemm.batch[1] * of_product * self.parts
    }
}

/// Length of a stretch of the common dimension.
fn depth(k: usize) -> usize {
    k.div_ceil(k.div_ceil(DEPTH).max(1))
}

/// Cuts a product by its size alone.
fn cut<T: Tiled>(isa: Isa<T>, gemm: &Gemm) -> Cut {
    let Gemm { m, n, k, .. } = *gemm;
    let products = gemm.batch[0] * gemm.batch[1];
    let panels = n.div_ceil(isa.cols);
    let mut cut = Cut { rows: m.div_ceil(m.div_ceil(TASK_ROWS)), panels: panels.min(GROUP), parts: 1 };
    let want = (products.saturating_mul(m * n).saturating_mul(k) / TASK_WORK).min(TASKS);
    // A long sum of a small matrix: the operands are read once.
    let parts = (want / cut.count(isa, gemm)).min(k / PART);
    if products == 1 && parts > 1 && parts * m * n <= PARTS {
        return Cut { parts, ..cut };
    }
    while cut.count(isa, gemm) < want {
        if cut.panels > 1 && (cut.rows <= ROWS_A_PANEL * cut.panels || cut.rows <= 2 * isa.rows) {
            cut.panels = cut.panels.div_ceil(2);
        } else if cut.rows > 2 * isa.rows {
            cut.rows = cut.rows.div_ceil(2).next_multiple_of(isa.rows);
        } else {
            break;
        }
    }
    cut
}

/// Whether B is read where it lies: packing it would take longer than it saves.
fn reads_in_place<T: Tiled>(isa: Isa<T>, gemm: &Gemm) -> bool {
    !gemm.packed
        && gemm.b.col == 1
        && (isa.exact || gemm.n.is_multiple_of(isa.cols) || gemm.n == isa.narrow)
        && (gemm.m <= isa.rows
            || (gemm.m <= SOME * isa.rows && gemm.b.row <= FAR)
            || gemm.n <= isa.cols && gemm.b.row <= isa.cols)
}

/// A product of few rows: panel after panel, each against all rows, over a span of the common dimension. Its first column is column
/// `column` of C.
///
/// # Safety
/// The operands are valid for the sizes and strides of `gemm`, and no other thread touches C.
#[inline(never)]
unsafe fn read_in_place<T: Tiled>(
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
struct Room<T> {
    /// As many rows as a tile has; null if nothing is to be copied.
    rows: *mut T,
    /// All panels, unless B is packed.
    panels: *mut T,
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
unsafe fn pass_by<T: Tiled>(
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
