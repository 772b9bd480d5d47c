//! A training step and predicting into a given place allocate nothing. One test, as the counter belongs to the process.

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

model! {
    Net([12]) -> [4] = [Dense(32, activation = relu), Dropout(0.2), Dense(4, activation = softmax)]
}

#[test]
fn steps_and_predictions_allocate_nothing() -> keras::Result<()> {
    let x: Batch<D1<12>> = Batch::new((0..1200).map(|i| (i as f32).sin()).collect())?;
    let y: Batch<D0, u8> = Batch::new((0..100).map(|i| i % 4).collect())?;
    let mut net = Model::<Net>::new(Device::cpu_with_threads(1)).compile(
        Adam::new(1e-3).clipnorm(1.0),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    );
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
    net.fit(&x, &y).epochs(3).batch_size(32).callback(callback).verbose(Verbose::Silent).run()?;
    assert_eq!(counts.len(), 12);
    // The first step names its logs.
    assert_eq!(counts[1..], [0; 11], "allocations by step: {counts:?}");

    let mut out = Batch::zeros(100);
    net.predict_into(&x, &mut out)?;
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    net.predict_into(&x, &mut out)?;
    // A pool of one thread is entered through a job on the stack.
    assert_eq!(ALLOCATIONS.load(Ordering::Relaxed) - before, 0);
    Ok(())
}
