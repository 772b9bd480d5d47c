//! Products as tasks of tiles.

use super::cut::{Cut, cut};
use super::pack::pack;
use super::passes::{Operands, Room, depth, pass_by, read_in_place, reads_in_place};
use super::tile::{self, Isa, Tiled};
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
