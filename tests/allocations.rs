//! A training step and predicting into a given place allocate nothing, whatever the model, the optimizer and the threads. One test, as
//! the counter belongs to the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::atomic::{AtomicUsize, Ordering};

use keras::prelude::*;

struct Counting;

static ALLOCATIONS: AtomicUsize = AtomicUsize::new(0);

// SAFETY: everything is passed on to the system's allocator.
unsafe impl GlobalAlloc for Counting {
    unsafe fn alloc(&self, layout: Layout) -> *mut u8 {
        ALLOCATIONS.fetch_add(1, Ordering::Relaxed);
        // SAFETY: the caller's contract is the same.
        unsafe { System.alloc(layout) }
    }
    unsafe fn dealloc(&self, at: *mut u8, layout: Layout) {
        // SAFETY: as above.
        unsafe { System.dealloc(at, layout) }
    }
}

#[global_allocator]
static COUNTING: Counting = Counting;

mod zoo;

/// Steps of the first epochs, in which threads and logs may still set themselves up.
const WARM: usize = 6;

fn check(device: &Device, kind: &str) {
    every_model!(device.clone(), |name, model, x, y| {
        let (mut before, mut counts) = (0, Vec::with_capacity(100));
        // Between these two hooks lies nothing but the step itself.
        let counter = std::sync::Mutex::new((&mut before, &mut counts));
        let callback = LambdaCallback::new()
            .on_train_batch_begin(|_, _| {
                *counter.lock().unwrap().0 = ALLOCATIONS.load(Ordering::Relaxed);
                Ok(())
            })
            .on_train_batch_end(|_, _| {
                let mut counter = counter.lock().unwrap();
                let made = ALLOCATIONS.load(Ordering::Relaxed) - *counter.0;
                counter.1.push(made);
                Ok(())
            });
        let fit = model.fit(&x, &y).epochs(6).batch_size(32).callback(callback);
        fit.verbose(Verbose::Silent).run().unwrap();
        assert_eq!(counts.len(), 12);
        let late = &counts[WARM..];
        assert!(late.iter().all(|n| *n == 0), "{name}, {kind}: allocations by step: {counts:?}");

        let mut out = model.predict(&x).unwrap();
        model.predict_into(&x, &mut out).unwrap();
        let before = ALLOCATIONS.load(Ordering::Relaxed);
        // Rayon's own queue would allocate within so many entries into its pool.
        (0..70).for_each(|_| model.predict_into(&x, &mut out).unwrap());
        let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
        assert_eq!(made, 0, "{name}, {kind}: allocations of 70 predictions");
    });
}

#[test]
fn steps_and_predictions_allocate_nothing() {
    check(&Device::cpu_with_threads(1), "one thread");
    check(&Device::cpu_with_threads(2), "two threads");
    check(&Device::default(), "the common pool");
    // On a thread of somebody else's pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    pool.install(|| check(&Device::default(), "inside a pool"));
}
