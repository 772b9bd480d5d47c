//! A training step and predicting into a given place allocate nothing, whatever the model, the optimizer and the threads. One test, as
//! the counter belongs to the process.

use std::alloc::{GlobalAlloc, Layout, System};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use keras::graph::{LoadedModel, Sequential};
use keras::layers::{Dense, Dropout, LSTM, Registry};
use keras::model::{Architecture, Port, Ports};
use keras::prelude::*;
use keras::saving::Array;
use keras::training::FitOptions;

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

/// Counts the allocations of each step: between these two hooks lies nothing else.
fn count_steps<'c>(counter: &'c Mutex<(&'c mut usize, &'c mut Vec<usize>)>) -> LambdaCallback<'c> {
    LambdaCallback::new()
        .on_train_batch_begin(|_, _| {
            *counter.lock().unwrap().0 = ALLOCATIONS.load(Ordering::Relaxed);
            Ok(())
        })
        .on_train_batch_end(|_, _| {
            let mut counter = counter.lock().unwrap();
            let made = ALLOCATIONS.load(Ordering::Relaxed) - *counter.0;
            counter.1.push(made);
            Ok(())
        })
}

/// A data set as arrays of files.
fn arrays<P: Ports>(data: &P) -> Vec<Array> {
    let array = |port: Port<'_>| {
        let shape = std::iter::once(port.len).chain(port.shape.dims()).collect();
        Array::new(shape, port.dtype.into(), port.bytes.to_vec()).unwrap()
    };
    (0..P::PORTS).map(|at| array(data.port(at))).collect()
}

/// The model from its file predicts the same, and allocates nothing either.
fn check_file<M: Architecture, X: Ports>(
    device: &Device,
    name: &str,
    kind: &str,
    model: &Model<M>,
    x: &X,
    expected: &M::Output,
) {
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("allocations_{name}.keras"));
    model.save(&path).unwrap();
    let registry = Registry::new().register::<zoo::Gated>();
    let mut loaded = LoadedModel::open(&path, &registry, device.clone()).unwrap();
    let (x, expected) = (arrays(x), arrays(expected));
    let mut out: Vec<Array> = expected.iter().map(|array| array.pick(&vec![0; array.shape[0]])).collect();
    loaded.predict_into(&x, &mut out).unwrap();
    assert_eq!(out, expected, "{name}, {kind}");
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..70).for_each(|_| loaded.predict_into(&x, &mut out).unwrap());
    let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(made, 0, "{name} of a file, {kind}: allocations of 70 predictions");
    let shapes: Vec<&[usize]> = x.iter().map(|array| &array.shape[..]).collect();
    let mut function = loaded.make_predict_function(&shapes).unwrap();
    let before = ALLOCATIONS.load(Ordering::Relaxed);
    (0..70).for_each(|_| function.run().unwrap());
    let made = ALLOCATIONS.load(Ordering::Relaxed) - before;
    assert_eq!(made, 0, "{name} of a file, {kind}: allocations of 70 runs");
    // Room that does not fit is refused.
    let few = [out[0].pick(&[0])];
    assert!(loaded.predict_into(&x, &mut few.clone()).unwrap_err().to_string().contains("room"), "{name}");
    assert!(loaded.predict_into(&x, &mut []).unwrap_err().to_string().contains("room"), "{name}");
}

fn check(device: &Device, kind: &str) {
    every_model!(device.clone(), |name, model, x, y| {
        let (mut before, mut counts) = (0, Vec::with_capacity(100));
        let counter = Mutex::new((&mut before, &mut counts));
        let fit = model.fit(&x, &y).epochs(6).batch_size(32).callback(count_steps(&counter));
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
        check_file(device, name, kind, &model, &x, &out);
    });
}

/// A model that was made at run time, with sequences of two lengths in turn: their plans are made once.
fn check_shapes(device: &Device, kind: &str) {
    let mut model = Sequential::new([None, Some(3)])
        .add(LSTM::new(16))
        .add(Dropout::new(0.2))
        .add(Dense::new(2))
        .build(device.clone())
        .unwrap();
    model.compile(Adam::new(0.01), MeanSquaredError::new(), [metrics![MeanAbsoluteError::new()]]).unwrap();
    let data =
        |shape: &[usize]| Array::of(shape.to_vec(), keras::DType::F32, &vec![0.5; shape.iter().product()]);
    let (mut before, mut counts) = (0, Vec::with_capacity(100));
    for _ in 0..3 {
        for steps in [20, 7] {
            let counter = Mutex::new((&mut before, &mut counts));
            let options = FitOptions {
                verbose: Verbose::Silent,
                callbacks: vec![Box::new(count_steps(&counter))],
                ..FitOptions::default()
            };
            model.fit(&[data(&[40, steps, 3])], &[data(&[40, 2])], options).unwrap();
        }
    }
    assert_eq!(counts.len(), 12);
    let late = &counts[4..];
    assert!(late.iter().all(|n| *n == 0), "two lengths, {kind}: allocations by step: {counts:?}");
}

#[test]
fn steps_and_predictions_allocate_nothing() {
    check(&Device::cpu_with_threads(1), "one thread");
    check_shapes(&Device::cpu_with_threads(1), "one thread");
    check_shapes(&Device::default(), "the common pool");
    check(&Device::cpu_with_threads(2), "two threads");
    check(&Device::default(), "the common pool");
    // On a thread of somebody else's pool.
    let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().unwrap();
    // A thread allocates when it takes work of another one for the first time: both must have done so.
    let both = std::sync::Barrier::new(2);
    pool.install(|| rayon::join(|| both.wait(), || both.wait()));
    pool.install(|| check(&Device::default(), "inside a pool"));
}
