//! Operations of `keras.ops` in the bodies of models. Each by itself is held against Keras by `tests/import/tests/operations.rs`.

use keras::graph::LoadedModel;
use keras::layers::Registry;
use keras::losses::MeanSquaredError;
use keras::metrics;
use keras::prelude::*;
use keras::saving::Array;
use keras::training::Verbose;

model! {
    Mixed(x: [3, 4], ids: [i32; 3]) -> (y: [4], z: [3, 2]) {
        let a = (x - mean(x, axis = 1, keepdims = true)) / (std(x, axis = 1, keepdims = true) + 1e-3);
        let b = exp(-abs(a)) * [1.0, 2.0, 3.0, 4.0];
        let scores = softmax(matmul(b, transpose(b, axes = (0, 2, 1))), axis = 2);
        let c = ops::concatenate([b[.., 1..], b[.., 0, None]], axis = 1);
        let chosen = one_hot(ids, 4);
        let d = where_(chosen > 0.5, c, clip(x, -0.5, 0.5));
        let e = einsum("bij,bjd->bid", scores, d);
        let (left, right) = split(e, 2, axis = -1);
        (sum(e, axis = 1), maximum(left, 0.0) + power(right, 2) % 3)
    }
}

fn numbers(count: usize) -> Vec<f32> {
    (0..count).map(|i| ((i * 7919 + 13) % 1000) as f32 / 500.0 - 1.0).collect()
}

/// What is saved says the same again.
#[test]
fn a_model_of_operations_is_read_from_its_file() {
    let mut model = Model::<Mixed>::new(Device::default());
    let path = std::path::Path::new(env!("CARGO_TARGET_TMPDIR")).join("operations.keras");
    model.save(&path).unwrap();
    let (x, ids) = (numbers(24), vec![0, 3, 1, 2, 7, -1]);
    let inputs =
        [Array::of(vec![2, 3, 4], keras::DType::F32, &x.iter().map(|n| f64::from(*n)).collect::<Vec<_>>())]
            .into_iter()
            .chain([Array::of(
                vec![2, 3],
                keras::DType::I32,
                &ids.iter().map(|n| f64::from(*n)).collect::<Vec<_>>(),
            )]);
    let mut loaded = LoadedModel::open(&path, &Registry::new(), Device::default()).unwrap();
    let expected = loaded.predict(&inputs.collect::<Vec<_>>()).unwrap();
    let (y, z) =
        model.predict(&(Batch::<D2<3, 4>>::new(x).unwrap(), Batch::<D1<3>, i32>::new(ids).unwrap())).unwrap();
    let values = |array: &Array| array.to_f64().iter().map(|n| *n as f32).collect::<Vec<_>>();
    assert_eq!((y.as_slice().to_vec(), z.as_slice().to_vec()), (values(&expected[0]), values(&expected[1])));
    assert!(y.as_slice().iter().all(|n| n.is_finite() && *n != 0.0));
}

model! {
    Lengths(x: [3, 4]) -> (a: [3], b: [3], c: [1, 4], d: [1, 4]) {
        let sizes = sum(abs(x), axis = 1, keepdims = true);
        (norm(x, axis = -1), sqrt(sum(square(x), axis = -1)), norm(x, ord = 1, axis = 1, keepdims = true), sizes)
    }
}

/// Of vectors, which no graph of Keras on JAX can compute.
#[test]
fn norms_are_lengths() {
    let x = Batch::<D2<3, 4>>::new(numbers(24)).unwrap();
    let (a, b, c, d) = Model::<Lengths>::new(Device::default()).predict(&x).unwrap();
    let close = |a: &[f32], b: &[f32]| a.iter().zip(b).all(|(a, b)| (a - b).abs() <= 1e-6 * b.abs());
    assert!(close(a.as_slice(), b.as_slice()) && close(c.as_slice(), d.as_slice()));
}

const ROWS: usize = 3;

// Loops, blocks, constants and a model inside: what a body has goes with operations.
model! {
    Learner(x: [ROWS, 4]) -> [1] {
        let scaled = |x, by| x * by + cumsum(x, axis = 1) / ROWS;
        let mut y = Dense(8)(x);
        for by in [0.5, 1.0, 1.5] { y = y + Dense(8, activation = tanh)(scaled(y, by)[.., (..).step_by(-1)]); }
        let y = normalize(y[.., ROWS - 1]) - take(y, (0, -1), axis = 1)[.., 0];
        Dense(1)(y)
    }
}

#[test]
fn a_model_with_operations_learns() {
    let x = Batch::<D2<3, 4>>::new(numbers(64 * 12)).unwrap();
    let y = Batch::<D1<1>>::new(x.as_slice().chunks(12).map(|row| row[0] * row[5]).collect()).unwrap();
    let model = Model::<Learner>::with_seed(Device::default(), 2);
    let mut model = model.compile(Adam::new(1e-2), MeanSquaredError::new(), metrics![]);
    let before = model.evaluate(&x, &y).unwrap().get("loss").unwrap();
    model.fit(&x, &y).epochs(30).batch_size(16).verbose(Verbose::Silent).run().unwrap();
    let after = model.evaluate(&x, &y).unwrap().get("loss").unwrap();
    assert!(after < before / 4.0, "{before} became {after}");
}
