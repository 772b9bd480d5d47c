//! The loops of every reduction, over elements that lie in memory or are computed as they are needed.
//!
//! After neighbouring dimensions of one kind have been joined, elements are seen as
//! `[outer (kept and reduced mixed), rows (reduced), columns (kept)]`, and a block of rows and columns at a time is
//! fetched. Work is cut along the outputs, or, where these are few and the rows many, along the rows: then every
//! task leaves partial results on the caller's stack, which are merged in order. Both cuts look at sizes alone.

use std::mem::MaybeUninit;

use super::Axes;
use super::fold::Fold;
use crate::cpu::math::Real;
use crate::cpu::raw::BLOCK;
use crate::cpu::simd::{Kernel, Level};
use crate::cpu::threads;
use crate::{MAX_RANK, Shape};

/// Where elements come from, numbered in row-major order.
pub(crate) trait Source<T>: Sync {
    /// What one task keeps.
    type State;
    /// The start of a task.
    fn state(&self) -> Self::State;
    /// Elements `start..start + len`, at most [`BLOCK`] of them. Implementations are `#[inline(always)]`.
    fn block<'a, L: Level>(&'a self, state: &'a mut Self::State, start: usize, len: usize) -> &'a [T];
    /// Operations an element.
    fn cost(&self) -> usize;
}

/// Elements of one task, about.
const PIECE: usize = 16_384;
/// Most partial results on the stack.
const PARTIALS: usize = 2_048;
/// Most tasks along the rows.
const CHUNKS: usize = 32;
/// Rows up to this length are fetched several at a time.
const SHORT: usize = 32;
/// Partial results that run side by side where rows have one column.
const LANES: usize = 16;

/// The loops of a reduction.
#[derive(Clone, Copy, Debug)]
struct Plan {
    /// Kept dimensions outside the rows: sizes and steps.
    kept: Loops,
    /// Reduced dimensions outside the rows.
    reduced: Loops,
    /// Innermost reduced dimension.
    rows: usize,
    /// Columns, kept; rows follow each other at this distance.
    columns: usize,
}

#[derive(Clone, Copy, Debug)]
struct Loops {
    count: usize,
    dims: [usize; MAX_RANK],
    steps: [usize; MAX_RANK],
}

impl Loops {
    const NONE: Loops = Loops { count: 0, dims: [1; MAX_RANK], steps: [0; MAX_RANK] };

    fn push(&mut self, n: usize, step: usize) {
        self.dims[self.count] = n;
        self.steps[self.count] = step;
        self.count += 1;
    }

    fn size(&self) -> usize {
        self.dims[..self.count].iter().product()
    }

    /// Where iteration `i` starts.
    #[inline]
    fn offset(&self, mut i: usize) -> usize {
        let mut at = 0;
        for k in (0..self.count).rev() {
            at += i % self.dims[k] * self.steps[k];
            i /= self.dims[k];
        }
        at
    }
}

impl Plan {
    fn of(shape: Shape, axes: Axes) -> Plan {
        // Joined dimensions: size, and whether it is reduced.
        let (mut dims, mut count) = ([(1, false); MAX_RANK], 0);
        for axis in (0..shape.rank()).filter(|a| shape.dim(*a) != 1) {
            let (n, reduce) = (shape.dim(axis), axes.has(axis));
            if count > 0 && dims[count - 1].1 == reduce {
                dims[count - 1].0 *= n;
            } else {
                dims[count] = (n, reduce);
                count += 1;
            }
        }
        let mut columns = 1;
        if count > 0 && !dims[count - 1].1 {
            columns = dims[count - 1].0;
            count -= 1;
        }
        let mut rows = 1;
        if count > 0 {
            rows = dims[count - 1].0;
            count -= 1;
        }
        let (mut kept, mut reduced) = (Loops::NONE, Loops::NONE);
        let mut step = rows * columns;
        let mut steps = [0; MAX_RANK];
        for i in (0..count).rev() {
            steps[i] = step;
            step *= dims[i].0;
        }
        for i in 0..count {
            if dims[i].1 { reduced.push(dims[i].0, steps[i]) } else { kept.push(dims[i].0, steps[i]) }
        }
        Plan { kept, reduced, rows, columns }
    }

    /// Whether every output is the reduction of a short run of its own, and the runs follow each other.
    fn has_short_rows(&self) -> bool {
        self.columns == 1
            && self.reduced.count == 0
            && self.kept.count == 1
            && (1..=SHORT).contains(&self.rows)
    }
}

/// Reduces columns `column..column + width` (at most [`BLOCK`]) of output row `out` over reduced rows
/// `start..end`, into `acc`.
struct Strip<'a, S, F, A, St> {
    plan: &'a Plan,
    source: &'a S,
    state: &'a mut St,
    fold: F,
    out: usize,
    column: usize,
    start: usize,
    end: usize,
    acc: &'a mut [A],
    _type: std::marker::PhantomData<A>,
}

impl<S, F, A: Copy, St> Strip<'_, S, F, A, St> {
    #[inline(always)]
    fn run<T: Real, L: Level>(self)
    where
        S: Source<T, State = St>,
        F: Fold<T, Acc = A>,
    {
        let Strip { plan, source, state, fold, out, column, start, end, acc, .. } = self;
        let (columns, width) = (plan.columns, acc.len());
        let base = plan.kept.offset(out) + column;
        let mut lanes = [fold.init(); LANES];
        acc.fill(fold.init());
        let per_block = if width == columns { BLOCK / columns } else { 1 };
        let mut row = start;
        while row < end {
            // Rows that follow each other in memory.
            let (group, first) = (row / plan.rows, row % plan.rows);
            let run = (plan.rows - first).min(end - row).min(per_block);
            let at = base + plan.reduced.offset(group) + first * columns;
            let block = source.block::<L>(state, at, run * width);
            if columns == 1 {
                let mut chunks = block.chunks_exact(LANES);
                let mut index = row;
                for chunk in &mut chunks {
                    for i in 0..LANES {
                        lanes[i] = fold.push::<L>(lanes[i], chunk[i], index + i);
                    }
                    index += LANES;
                }
                for (i, x) in chunks.remainder().iter().enumerate() {
                    lanes[i] = fold.push::<L>(lanes[i], *x, index + i);
                }
            } else {
                for (j, line) in block.chunks_exact(width).enumerate() {
                    for i in 0..width {
                        acc[i] = fold.push::<L>(acc[i], line[i], row + j);
                    }
                }
            }
            row += run;
        }
        if columns == 1 {
            acc[0] = lanes.iter().fold(fold.init(), |a, b| fold.merge::<L>(a, *b));
        }
    }
}

/// Output strips `start..end` over all rows, handed to `emit(index, result)`.
struct Strips<'a, T, S, F, E> {
    plan: &'a Plan,
    source: &'a S,
    fold: F,
    start: usize,
    end: usize,
    emit: &'a E,
    _type: std::marker::PhantomData<T>,
}

impl<T: Real, S: Source<T>, F: Fold<T>, E: Fn(usize, f64)> Kernel for Strips<'_, T, S, F, E> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Strips { plan, source, fold, .. } = self;
        let rows = plan.rows * plan.reduced.size();
        let strips = plan.columns.div_ceil(BLOCK);
        let mut state = source.state();
        if plan.has_short_rows() {
            // Several outputs to a block: their elements follow each other.
            let per_block = BLOCK / rows;
            for first in (self.start..self.end).step_by(per_block) {
                let n = per_block.min(self.end - first);
                let block = source.block::<L>(&mut state, first * rows, n * rows);
                for (k, line) in block.chunks_exact(rows).enumerate() {
                    let mut acc = fold.init();
                    for (i, x) in line.iter().enumerate() {
                        acc = fold.push::<L>(acc, *x, i);
                    }
                    (self.emit)(first + k, fold.finish(acc, rows));
                }
            }
            return;
        }
        let mut acc = [fold.init(); BLOCK];
        for i in self.start..self.end {
            let (out, column) = (i / strips, i % strips * BLOCK);
            let acc = &mut acc[..BLOCK.min(plan.columns - column)];
            let _type = std::marker::PhantomData;
            let state = &mut state;
            Strip { plan, source, state, fold, out, column, start: 0, end: rows, acc, _type }.run::<T, L>();
            for (j, acc) in acc.iter().enumerate() {
                (self.emit)(out * plan.columns + column + j, fold.finish(*acc, rows));
            }
        }
    }
}

/// All outputs over rows `start..end`, left in `partial`.
struct Chunk<'a, T, S, F, A> {
    plan: &'a Plan,
    source: &'a S,
    fold: F,
    start: usize,
    end: usize,
    partial: &'a mut [A],
    _type: std::marker::PhantomData<T>,
}

impl<T: Real, S: Source<T>, F: Fold<T>> Kernel for Chunk<'_, T, S, F, F::Acc> {
    type Output = ();
    #[inline(always)]
    fn run<L: Level>(self) {
        let Chunk { plan, source, fold, start, end, partial, .. } = self;
        let mut state = source.state();
        for (out, line) in partial.chunks_mut(plan.columns).enumerate() {
            for (strip, acc) in line.chunks_mut(BLOCK).enumerate() {
                let (column, state, _type) = (strip * BLOCK, &mut state, std::marker::PhantomData);
                Strip { plan, source, state, fold, out, column, start, end, acc, _type }.run::<T, L>();
            }
        }
    }
}

/// Merges partial results.
struct Merge<'a, T, F, A> {
    fold: F,
    chunks: &'a [MaybeUninit<A>],
    outputs: usize,
    out: usize,
    _type: std::marker::PhantomData<T>,
}

impl<T: Real, F: Fold<T>> Kernel for Merge<'_, T, F, F::Acc> {
    type Output = F::Acc;
    #[inline(always)]
    fn run<L: Level>(self) -> F::Acc {
        let mut acc = self.fold.init();
        for chunk in self.chunks.chunks_exact(self.outputs) {
            // SAFETY: every chunk's task wrote all of its partial results.
            acc = self.fold.merge::<L>(acc, unsafe { chunk[self.out].assume_init() });
        }
        acc
    }
}

/// Reduces elements of `shape` over `axes`; calls `emit(index, result)` once for every output, on any thread.
pub(crate) fn run<T: Real, S: Source<T>, F: Fold<T>>(
    shape: Shape,
    axes: Axes,
    source: &S,
    fold: F,
    emit: impl Fn(usize, f64) + Sync + Send,
) {
    let plan = &Plan::of(shape, axes);
    let _type = std::marker::PhantomData;
    let rows = plan.rows * plan.reduced.size();
    let outer = plan.kept.size();
    let outputs = outer * plan.columns;
    let strips = outer * plan.columns.div_ceil(BLOCK);
    let total = rows * outputs;
    if outputs == 0 {
        return;
    }
    let chunks = (PARTIALS / outputs).min(CHUNKS).min(total / PIECE).min(rows);
    if strips >= 8 || chunks < 2 {
        let group = PIECE / (rows * plan.columns.min(BLOCK)).max(1);
        threads::pieces(strips, group, (total / strips).max(1) * source.cost(), |start, end| {
            T::dispatch(Strips { plan, source, fold, start, end, emit: &emit, _type });
        });
        return;
    }
    let mut partials = [const { MaybeUninit::<F::Acc>::uninit() }; PARTIALS];
    let per_chunk = rows.div_ceil(chunks);
    let chunks = rows.div_ceil(per_chunk);
    let partials = &mut partials[..chunks * outputs];
    let base = Address(partials.as_mut_ptr());
    threads::tasks(chunks, total * source.cost(), |i| {
        let (start, end) = (i * per_chunk, ((i + 1) * per_chunk).min(rows));
        // SAFETY: chunk `i`'s part of the array, which this task alone touches while the tasks run.
        let partial = unsafe { std::slice::from_raw_parts_mut(base.get().add(i * outputs), outputs) };
        partial.fill(MaybeUninit::new(fold.init()));
        // SAFETY: just initialised, and of the same layout.
        let partial = unsafe { &mut *(partial as *mut [MaybeUninit<F::Acc>] as *mut [F::Acc]) };
        T::dispatch(Chunk { plan, source, fold, start, end, partial, _type });
    });
    for out in 0..outputs {
        let acc = T::dispatch(Merge { fold, chunks: &*partials, outputs, out, _type });
        emit(out, fold.finish(acc, rows));
    }
}

/// An address that tasks share.
struct Address<A>(*mut A);
// SAFETY: tasks use disjoint parts, see where it is made.
unsafe impl<A: Send> Sync for Address<A> {}
impl<A> Address<A> {
    fn get(&self) -> *mut A {
        self.0
    }
}
