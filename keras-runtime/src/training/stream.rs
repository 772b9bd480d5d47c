//! Batches from iterators, made on a thread of their own.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc::sync_channel;

use crate::model::Port;
use crate::{Error, Result};

/// A batch that came from an iterator.
pub trait BatchPorts: Send {
    /// Inputs.
    fn x(&self) -> Vec<Port<'_>>;
    /// Labels.
    fn y(&self) -> Vec<Port<'_>>;
    /// Weights of samples.
    fn weights(&self) -> Option<&[f32]> {
        None
    }
}

/// Batches, one after the other; the first error ends them.
pub type Batches<'a> = Box<dyn Iterator<Item = Result<Box<dyn BatchPorts + 'a>>> + Send + 'a>;

/// Makes the batches of a pass: of an epoch, counted from 0, or of a validation.
pub type MakeBatches<'a> = Box<dyn FnMut(usize) -> Batches<'a> + Send + 'a>;

/// Batches that wait while a step runs. With the one that the step uses, and the one that is being made, four are in memory.
const AHEAD: usize = 2;

/// Runs `work`, which takes batches, while an iterator makes them on a thread of its own, at most `limit` of them.
///
/// A panic of the iterator is an error of the batch that it should have made. When `work` ends early, the iterator is asked for
/// no more, but one that is being made is waited for.
pub(crate) fn ahead<B: Send, T>(
    mut batches: impl Iterator<Item = Result<B>> + Send,
    limit: Option<usize>,
    work: impl FnOnce(&mut (dyn FnMut() -> Result<Option<B>> + Send)) -> T,
) -> T {
    std::thread::scope(|scope| {
        let (send, receive) = sync_channel(AHEAD);
        scope.spawn(move || {
            let mut made = 0;
            while limit.is_none_or(|limit| made < limit) {
                let next = caught(|| batches.next()).transpose().map(Result::flatten);
                let Some(batch) = next else { break };
                let failed = batch.is_err();
                // Training may have ended before the batches did.
                if send.send(batch).is_err() || failed {
                    break;
                }
                made += 1;
            }
            // Nobody waits for a batch any more, so nobody is told of a panic here.
            drop(send);
            let _ = caught(move || drop(batches));
        });
        let mut next = move || receive.recv().ok().transpose();
        let result = work(&mut next);
        // Frees the thread if it waits to hand a batch over.
        drop(next);
        result
    })
}

/// What the user's code answers, or an error if it panics.
fn caught<T>(code: impl FnOnce() -> T) -> Result<T> {
    // After a panic nothing of the iterator is used but its `drop`.
    catch_unwind(AssertUnwindSafe(code)).map_err(|panic| {
        let text = panic.downcast_ref::<&str>().copied();
        let text = text.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        Error::Data(format!("the iterator of batches panicked: {}", text.unwrap_or("(no text)")))
    })
}

#[cfg(test)]
mod tests {
    use std::sync::atomic::{AtomicUsize, Ordering};

    use super::*;

    #[test]
    fn no_more_than_a_few_batches_are_made_ahead() {
        let made = AtomicUsize::new(0);
        let batches = (0..).map(|i| {
            made.fetch_add(1, Ordering::SeqCst);
            Ok(i)
        });
        ahead(batches, None, |next| {
            assert_eq!(next().expect("no error"), Some(0));
            // However long the step takes: two wait, one is in the maker's hands.
            std::thread::sleep(std::time::Duration::from_millis(50));
            assert!(made.load(Ordering::SeqCst) <= 2 + AHEAD);
        });
        assert!(made.load(Ordering::SeqCst) <= 3 + AHEAD);
    }

    #[test]
    fn no_more_than_the_limit_are_asked_for() {
        let mut numbers = 0..10;
        let taken: Vec<i32> = ahead(numbers.by_ref().map(Ok), Some(4), |next| {
            std::iter::from_fn(|| next().expect("no error")).collect()
        });
        assert_eq!((taken, numbers.next()), (vec![0, 1, 2, 3], Some(4)));
    }

    #[test]
    fn a_panic_is_an_error_and_the_end() {
        let batches = (0..10).map(|i| if i == 2 { panic!("no file {i}") } else { Ok(i) });
        ahead(batches, None, |next| {
            assert_eq!(next().expect("no error"), Some(0));
            assert_eq!(next().expect("no error"), Some(1));
            let error = next().expect_err("a panic").to_string();
            assert_eq!(error, "the iterator of batches panicked: no file 2");
            assert_eq!(next().expect("no error"), None);
        });
    }

    #[test]
    fn the_makers_thread_ends_when_the_work_fails() {
        let caught = std::panic::catch_unwind(|| ahead((0..).map(Ok), None, |_| panic!("the work fails")));
        assert!(caught.is_err());
    }
}
