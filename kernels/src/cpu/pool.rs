//! Threads that work is handed to without an allocation.
//!
//! Rayon takes work from outside of its pool through a queue that allocates a block once in a while. Here one thread of the pool waits
//! for work instead: the caller leaves the address of its closure, wakes that thread, and waits until it is done. Everything that
//! forks inside stays inside the pool, where rayon allocates nothing.

use std::any::Any;
use std::cell::Cell;
use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::ptr::NonNull;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, Once, OnceLock, PoisonError};

/// Work that a caller waits for.
type Work<'a> = dyn FnMut() + Send + 'a;

/// Threads of a device.
pub(crate) struct Pool {
    /// None for one thread: then the caller does the work itself.
    threads: Option<rayon::ThreadPool>,
    door: Arc<Door>,
    /// One caller at a time goes through the door; others take rayon's queue.
    turn: Mutex<()>,
    opened: Once,
}

/// Where the caller and the waiting thread meet.
#[derive(Default)]
struct Door {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
enum State {
    /// Nobody wants anything.
    #[default]
    Waiting,
    /// Work for the thread.
    Asked(Address),
    /// It is done, or it panicked.
    Done(Result<(), Box<dyn Any + Send>>),
    /// The pool goes.
    Closed,
}

/// The address of a caller's work.
struct Address(NonNull<Work<'static>>);
// SAFETY: the work is `Send`, and its caller waits until it is done.
unsafe impl Send for Address {}

thread_local! {
    /// The pool of the device that works on this thread, where this is not a thread of a pool.
    static HERE: Cell<Option<NonNull<Pool>>> = const { Cell::new(None) };
}

impl Pool {
    /// With this many threads.
    ///
    /// # Panics
    /// If they cannot be started.
    pub(crate) fn new(threads: usize) -> Pool {
        let start = || rayon::ThreadPoolBuilder::new().num_threads(threads).build();
        let threads = (threads != 1).then(|| start().expect("start the threads of a pool"));
        Pool { threads, door: Arc::default(), turn: Mutex::new(()), opened: Once::new() }
    }

    /// The pool of devices that have none of their own, as large as rayon's global one.
    fn common() -> &'static Pool {
        static COMMON: OnceLock<Pool> = OnceLock::new();
        COMMON.get_or_init(|| Pool::new(rayon::current_num_threads()))
    }

    /// Runs `work` on a thread of the pool, or here if the pool has no threads.
    fn enter(&self, work: &mut Work<'_>) {
        let Some(threads) = &self.threads else { return self.here(work) };
        let Ok(_turn) = self.turn.try_lock() else { return threads.install(work) };
        self.opened.call_once(|| {
            let door = Arc::clone(&self.door);
            threads.spawn(move || door.serve());
        });
        let work: NonNull<Work<'_>> = work.into();
        // SAFETY: only the lifetime changes; `ask` returns when nobody uses the work any more.
        let address =
            Address(unsafe { std::mem::transmute::<NonNull<Work<'_>>, NonNull<Work<'static>>>(work) });
        let result = self.door.ask(address);
        // The turn ends before the panic goes on: it must not be poisoned.
        drop(_turn);
        if let Err(panic) = result {
            resume_unwind(panic);
        }
    }

    /// Runs `work` on this thread; what forks in it goes to this pool.
    fn here(&self, work: &mut Work<'_>) {
        struct Restore(Option<NonNull<Pool>>);
        impl Drop for Restore {
            fn drop(&mut self) {
                HERE.set(self.0);
            }
        }
        let _restore = Restore(HERE.replace(Some(self.into())));
        work();
    }
}

impl Drop for Pool {
    fn drop(&mut self) {
        *self.door.lock() = State::Closed;
        self.door.changed.notify_all();
    }
}

impl Door {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn wait<'a>(&self, state: MutexGuard<'a, State>) -> MutexGuard<'a, State> {
        self.changed.wait(state).unwrap_or_else(PoisonError::into_inner)
    }

    /// Leaves work and waits until it is done.
    fn ask(&self, work: Address) -> Result<(), Box<dyn Any + Send>> {
        let mut state = self.lock();
        *state = State::Asked(work);
        self.changed.notify_all();
        loop {
            match std::mem::take(&mut *state) {
                State::Done(result) => return result,
                other => *state = other,
            }
            state = self.wait(state);
        }
    }

    /// Does what is asked for until the pool goes.
    fn serve(&self) {
        let mut state = self.lock();
        loop {
            match std::mem::take(&mut *state) {
                State::Closed => return,
                State::Asked(Address(mut work)) => {
                    drop(state);
                    // SAFETY: the caller waits for `Done` and keeps the work until then.
                    let result = catch_unwind(AssertUnwindSafe(|| unsafe { work.as_mut() }()));
                    state = self.lock();
                    *state = State::Done(result);
                    self.changed.notify_all();
                }
                other => *state = other,
            }
            state = self.wait(state);
        }
    }
}

/// Runs `work` where kernels fork at no cost: on a thread of the pool if there is enough to do (`forks`), else here. Without a pool
/// of its own a device uses that of the caller, if it is a thread of one, or the common one.
pub(super) fn install(pool: Option<&Pool>, forks: bool, work: &mut Work<'_>) {
    match pool {
        None if rayon::current_thread_index().is_some() || HERE.get().is_some() => work(),
        None if forks => Pool::common().enter(work),
        None => work(),
        Some(Pool { threads: Some(threads), .. }) if threads.current_thread_index().is_some() => work(),
        Some(pool) if forks => pool.enter(work),
        Some(pool) => pool.here(work),
    }
}

/// The pool of the device that works on this thread, if it is not a thread of one.
fn here() -> Option<&'static Pool> {
    // SAFETY: a pool that is `HERE` outlives the call that put it there, which is not over; nobody keeps the reference longer.
    HERE.get().map(|pool| unsafe { pool.as_ref() })
}

/// How many threads [`fork`] has.
pub(super) fn threads() -> usize {
    match here() {
        Some(pool) => pool.threads.as_ref().map_or(1, rayon::ThreadPool::current_num_threads),
        None => rayon::current_num_threads(),
    }
}

/// The number of this thread among those of [`threads`], where forked work runs.
pub(super) fn thread() -> usize {
    if HERE.get().is_some() { 0 } else { rayon::current_thread_index().unwrap_or(0) }
}

/// Calls `fork` on a thread of a pool, or tells that there is but one thread.
pub(super) fn fork(fork: &(dyn Fn() + Sync)) -> bool {
    let (here, several) = (here(), threads() > 1);
    if several {
        match here {
            None if rayon::current_thread_index().is_some() => fork(),
            here => here.unwrap_or_else(Pool::common).enter(&mut || fork()),
        }
    }
    several
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    fn inside(pool: &Pool) -> usize {
        let mut threads = 0;
        install(Some(pool), true, &mut || threads = rayon::current_num_threads());
        threads
    }

    #[test]
    fn work_is_done_inside_and_the_caller_waits() {
        let pool = Pool::new(3);
        for _ in 0..200 {
            assert_eq!(inside(&pool), 3);
        }
        let mut deep = 0;
        install(Some(&pool), true, &mut || install(Some(&pool), true, &mut || deep += 1));
        assert_eq!(deep, 1);
    }

    #[test]
    fn several_callers_do_not_wait_for_each_other() {
        let pool = Pool::new(2);
        let meet = std::sync::Barrier::new(2);
        std::thread::scope(|scope| {
            for _ in 0..2 {
                // Each waits inside until the other is inside too.
                scope.spawn(|| {
                    install(Some(&pool), true, &mut || {
                        meet.wait();
                    })
                });
            }
        });
    }

    #[test]
    fn a_panic_reaches_the_caller_and_the_pool_goes_on() {
        let pool = Pool::new(2);
        for _ in 0..3 {
            let run = || install(Some(&pool), true, &mut || panic!("from inside"));
            let panic = catch_unwind(AssertUnwindSafe(run)).unwrap_err();
            assert_eq!(panic.downcast_ref(), Some(&"from inside"));
            assert_eq!(inside(&pool), 2);
        }
    }

    #[test]
    fn little_work_and_one_thread_stay_here() {
        let caller = std::thread::current().id();
        for (threads, forks) in [(1, true), (2, false)] {
            let mut at = None;
            install(Some(&Pool::new(threads)), forks, &mut || at = Some(std::thread::current().id()));
            assert_eq!(at, Some(caller));
        }
        // What forks there after all goes to that pool, or stays if it is one thread.
        let count = AtomicUsize::new(0);
        install(Some(&Pool::new(1)), true, &mut || {
            assert!(!fork(&|| unreachable!("there is one thread")));
        });
        install(Some(&Pool::new(3)), false, &mut || {
            assert!(fork(&|| {
                count.fetch_add(rayon::current_num_threads(), Ordering::Relaxed);
            }));
        });
        assert_eq!(count.into_inner(), 3);
    }
}
