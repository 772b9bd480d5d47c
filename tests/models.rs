//! Models in source, run through the engine: what `model!` expands to computes what its layers compute.

#![deny(missing_docs, warnings)]
#![forbid(unsafe_code)]

use std::sync::Arc;

use keras::Device;
use keras::engine::{Definition, Network};
use keras::model::Architecture;
use keras::prelude::*;

model! {
    /// A perceptron for 28x28 grey images.
    pub Mlp([28, 28, 1]) -> [10] = [
        Flatten,
        Dense(128, activation = relu),
        Dropout(0.2),
        Dense(10, activation = softmax),
    ]
}

model! {
    pub Ranker(user: [32], item: [32]) -> (score: [1], aux: [10]) {
        let shared = Dense(64, activation = relu);
        let mut x = concat(shared(user), shared(item));
        let block = |x, units| { let y = Dense(units, activation = relu)(x); x + Dense(128)(y) };
        for i in 0..3 { x = block(x, 64 + i); }
        (Dense(1, activation = sigmoid)(x), Dense(10)(x))
    }
}

model! { pub Wide<const HIDDEN: usize = 64, const OUT: usize = 10>([784]) -> [OUT] =
[Dense(HIDDEN * 2, activation = relu), Dense(OUT)] }

model! { Tower([6, 8]) -> [6, 8] = [Dense(8, activation = tanh), Dense(8)] }
model! { Twin(x: [6, 8]) -> [6, 4] { let t = Tower(); Dense(4)(t(x) + t(x)) } }

/// The outputs of a model for inputs that count up, through the generated code.
fn run<M: Architecture>(batch: usize) -> Vec<Vec<f32>> {
    let definition = Arc::new(Definition::from_spec(M::GRAPH));
    let mut network = Network::new(definition, Device::default(), 7).unwrap();
    let program = network.prepare(batch, false).unwrap();
    let inputs = network.program(program).inputs.clone();
    for input in &inputs {
        let bytes = (0..input.size()).flat_map(|i| ((i % 7) as f32 / 7.0 - 0.4).to_ne_bytes());
        network.device().upload(&bytes.collect::<Vec<u8>>(), *input);
    }
    network.forward(program, false, |run| {
        assert_eq!(M::forward(run, 0), run.program.calls.len());
    });
    let outputs = network.program(program).outputs.clone();
    let numbers = outputs.iter().map(|output| {
        let mut bytes = vec![0; output.size() * 4];
        network.device().download(*output, &mut bytes);
        bytes.chunks(4).map(|b| f32::from_ne_bytes([b[0], b[1], b[2], b[3]])).collect()
    });
    numbers.collect()
}

#[test]
fn sequential() {
    assert_eq!(Mlp::PARAMS, 784 * 128 + 128 + 128 * 10 + 10);
    let names: Vec<&str> = Mlp::GRAPH.layers.iter().map(|layer| layer.name).collect();
    assert_eq!(names, ["flatten", "dense", "dropout", "dense_1"]);
    let outputs = run::<Mlp>(3);
    assert_eq!(outputs[0].len(), 30);
    for sample in outputs[0].chunks(10) {
        assert!((sample.iter().sum::<f32>() - 1.0).abs() < 1e-5);
    }
}

#[test]
fn functional() {
    let names: Vec<&str> = Ranker::GRAPH.layers.iter().map(|layer| layer.name).collect();
    assert_eq!(
        names,
        [
            "shared",
            "concatenate",
            "dense",
            "dense_1",
            "add",
            "dense_2",
            "dense_3",
            "add_1",
            "dense_4",
            "dense_5",
            "add_2",
            "dense_6",
            "dense_7"
        ]
    );
    // Shared, three blocks of two, two heads.
    let blocks = [64, 65, 66].map(|units| 128 * units + units + units * 128 + 128);
    assert_eq!(Ranker::PARAMS, 32 * 64 + 64 + blocks.iter().sum::<usize>() + 129 + 1290);
    let outputs = run::<Ranker>(2);
    assert_eq!((outputs[0].len(), outputs[1].len()), (2, 20));
    assert!(outputs[0].iter().all(|p| *p > 0.0 && *p < 1.0));
}

#[test]
fn generic() {
    assert_eq!(<Wide>::PARAMS, 784 * 128 + 128 + 128 * 10 + 10);
    assert_eq!(Wide::<1, 2>::PARAMS, 784 * 2 + 2 + 2 * 2 + 2);
    keras::check!(Wide<31>, Wide<31, 7>);
    assert_eq!(run::<Wide<3, 5>>(2)[0].len(), 10);
}

#[test]
fn a_model_is_a_layer() {
    assert_eq!(Tower::PARAMS, 2 * 72);
    assert_eq!(Twin::PARAMS, Tower::PARAMS + 8 * 4 + 4);
    assert_eq!(run::<Twin>(2)[0].len(), 2 * 6 * 4);
}

#[test]
fn weights_are_read_by_their_names() {
    let model = keras::model::Model::<Twin>::new(Device::default());
    let kernel = model.dense().kernel();
    assert_eq!(kernel.shape(), [8, 4]);
    let of_network =
        model.network().variables().iter().find(|v| v.path() == "dense/kernel").expect("it has one");
    let values: Vec<f32> = model.network().read(of_network).iter().map(|v| *v as f32).collect();
    assert_eq!(kernel.as_slice(), Some(&values[..]));
    assert_eq!(model.dense().bias().expect("it has one").shape(), [4]);
    assert_eq!(model.dense().layer().units, 4);
}
