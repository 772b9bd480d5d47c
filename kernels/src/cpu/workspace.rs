//! Memory that tasks work in: more than the stack should hold, kept from one kernel to the next.
//!
//! The thread that forks owns it, a part for each thread of the pool. It grows in the first call of a size; later calls allocate
//! nothing, wherever rayon runs their tasks.

use std::cell::Cell;
use std::thread::LocalKey;

use super::{pool, threads};
use crate::Float;

/// A cache line, which is read and written through addresses alone.
#[derive(Clone, Copy)]
#[repr(align(64))]
struct Line(#[expect(dead_code)] [f32; LINE]);

/// Elements of a cache line.
pub(crate) const LINE: usize = 16;

thread_local! {
    /// What one call works in ([`with`]), and beside it what each of its tasks does ([`tasks`]).
    static SHARED: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
    static WORKSPACE: Cell<Vec<Line>> = const { Cell::new(Vec::new()) };
}

/// Where the parts lie.
#[derive(Clone, Copy)]
struct Parts(*mut Line);
// SAFETY: an address; each thread makes a slice of a part of its own.
unsafe impl Send for Parts {}
// SAFETY: as above.
unsafe impl Sync for Parts {}

impl Parts {
    /// # Safety
    /// The elements are there, and nobody else uses them.
    unsafe fn part<'a, T: Float>(self, line: usize, len: usize) -> &'a mut [T] {
        // SAFETY: the caller's promise; every pattern of bits is a number.
        unsafe { std::slice::from_raw_parts_mut(self.0.add(line).cast(), len) }
    }
}

/// Takes so many lines of a workspace of this thread.
///
/// Whoever is called on this thread meanwhile finds none and makes one of its own.
fn take(workspace: &'static LocalKey<Cell<Vec<Line>>>, lines: usize) -> Vec<Line> {
    let workspace = workspace.take();
    if workspace.len() >= lines {
        return workspace;
    }
    drop(workspace);
    vec![Line([0.0; LINE]); lines]
}

/// Calls `work` with `elements` numbers to work in: aligned to a cache line, of whatever value. [`tasks`] within have others.
pub(crate) fn with<T: Float, R>(elements: usize, work: impl FnOnce(&mut [T]) -> R) -> R {
    with_both(elements, 0, |numbers, _: &mut [T]| work(numbers))
}

/// Calls `work` with so many numbers of two types to work in: aligned to a cache line, of whatever value.
pub(crate) fn with_both<A: Float, B: Float, R>(
    first: usize,
    second: usize,
    work: impl FnOnce(&mut [A], &mut [B]) -> R,
) -> R {
    let lines = |bytes: usize| bytes.div_ceil(size_of::<Line>());
    let (before, after) = (lines(first * size_of::<A>()), lines(second * size_of::<B>()));
    let mut workspace = take(&SHARED, before + after);
    let (left, right) = workspace.split_at_mut(before);
    // SAFETY: each part has room for its numbers, and they do not overlap; every pattern of bits is a number.
    let (left, right) = unsafe {
        (
            std::slice::from_raw_parts_mut(left.as_mut_ptr().cast(), first),
            std::slice::from_raw_parts_mut(right.as_mut_ptr().cast(), second),
        )
    };
    let result = work(left, right);
    SHARED.set(workspace);
    result
}

/// As [`threads::tasks`], where each task works in `elements` numbers: aligned to a cache line, of whatever value.
pub(crate) fn tasks<T: Float>(
    tasks: usize,
    work: usize,
    elements: usize,
    task: impl Fn(usize, &mut [T]) + Sync + Send,
) {
    let (lines, threads) = ((elements * size_of::<T>()).div_ceil(size_of::<Line>()), pool::threads());
    let mut workspace = take(&WORKSPACE, lines * threads);
    let parts = Parts(workspace.as_mut_ptr());
    threads::tasks(tasks, work, |at| {
        let thread = pool::thread();
        assert!(thread < threads, "thread {thread} of {threads}");
        // SAFETY: the workspace has `lines` for each thread. A thread does one task at a time, since tasks do not fork.
        task(at, unsafe { parts.part(thread * lines, elements) });
    });
    WORKSPACE.set(workspace);
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;
    use crate::Device;

    #[test]
    fn tasks_have_parts_of_their_own() {
        for threads in [1, 3] {
            Device::cpu_with_threads(threads).install(usize::MAX, &mut || {
                for elements in [5, 1000, 7] {
                    let done = AtomicUsize::new(0);
                    tasks(50, usize::MAX, elements, |at, part: &mut [f32]| {
                        assert_eq!(part.len(), elements);
                        assert_eq!(part.as_ptr() as usize % 64, 0);
                        part.fill(at as f32);
                        std::thread::yield_now();
                        assert!(part.iter().all(|v| *v == at as f32));
                        done.fetch_add(1, Ordering::Relaxed);
                    });
                    assert_eq!(done.into_inner(), 50);
                }
            });
        }
    }
}
