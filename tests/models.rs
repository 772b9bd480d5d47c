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

/// A layer with a gate.
#[derive(Layer, Clone)]
pub struct Gated {
    units: usize,
    #[config(default = true)]
    residual: bool,
    #[weight([input.last(), units], init = GlorotUniform)]
    gate: Weight,
    #[weight([input.last(), units], init = GlorotUniform)]
    value: Weight,
}

#[call]
impl Gated {
    fn call(&self, x: Tensor) -> Tensor {
        let y = sigmoid(matmul(x, self.gate)) * matmul(x, self.value);
        if self.residual { y + x } else { y }
    }
}

model! { pub Tower([6, 8]) -> [6, 8] = [Gated(8), Dense(8)] }
model! { pub Twin(x: [6, 8]) -> [6, 4] { let t = Tower(); Dense(4)(t(x) + t(x)) } }
model! { pub Frozen(x: [6, 8]) -> [6, 4] { let t = Tower(trainable = false); Dense(4)(t(Dense(8)(x))) } }

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
    assert_eq!(Tower::PARAMS, 2 * 64 + 72);
    assert_eq!(Twin::PARAMS, Tower::PARAMS + 8 * 4 + 4);
    assert_eq!(run::<Twin>(2)[0].len(), 2 * 6 * 4);
}

/// Numbers between -1 and 1 that look random and are always the same.
fn numbers(n: usize) -> Vec<f32> {
    (0..n).map(|i| ((i as f32 * 12.9898).sin() * 43758.547).fract()).collect()
}

#[test]
fn program_1_trains_and_predicts() -> keras::Result<()> {
    let x: Batch<D3<28, 28, 1>> = Batch::new(numbers(64 * 784))?;
    let y: Batch<D0, u8> = Batch::new((0..64).map(|i| i % 10).collect())?;
    let mut mlp = Model::<Mlp>::new(Device::default()).compile(
        Adam::new(1e-3),
        SparseCategoricalCrossentropy::new(),
        metrics![Accuracy],
    );
    let history = mlp
        .fit(&x, &y)
        .epochs(10)
        .batch_size(16)
        .validation_split(0.1)
        .callback(EarlyStopping::new("val_loss").patience(3))
        .verbose(Verbose::Silent)
        .run()?;
    let losses = history.get("loss").expect("the loss is reported");
    assert!(losses.last() < losses.first(), "{losses:?}");
    let probabilities = mlp.predict(&x)?;
    assert!(probabilities.as_slice().chunks(10).all(|p| (p.iter().sum::<f32>() - 1.0).abs() < 1e-5));
    assert!(mlp.evaluate(&x, &y)?.to_string().contains("accuracy"));
    Ok(())
}

#[test]
fn program_2_trains_with_two_inputs_and_two_outputs() -> keras::Result<()> {
    let x = (Batch::<D1<32>>::new(numbers(32 * 20))?, Batch::<D1<32>>::new(numbers(32 * 20))?);
    let score: Batch<D1<1>> = Batch::new((0..20).map(|i| (i % 2) as f32).collect())?;
    let aux: Batch<D0, i32> = Batch::new((0..20).map(|i| i % 10).collect())?;
    let y = (score, aux);
    let mut model = Model::<Ranker>::new(Device::default()).compile(
        SGD::new(0.01),
        (BinaryCrossentropy::new(), SparseCategoricalCrossentropy::new().from_logits(true)),
        (metrics![BinaryAccuracy::new()], metrics![Accuracy]),
    );
    let history = model.fit(&x, &y).epochs(3).verbose(Verbose::Silent).run()?;
    let losses = history.get("loss").expect("the loss is reported");
    assert!(losses.last() < losses.first(), "{losses:?}");
    let (score, aux) = model.predict(&x)?;
    assert_eq!((score.len(), aux.len()), (20, 20));
    Ok(())
}

#[test]
fn program_3_trains_in_any_size() -> keras::Result<()> {
    let x: Batch<D1<784>> = Batch::new(numbers(784 * 8))?;
    let y: Batch<D1<3>> = Batch::new(numbers(3 * 8))?;
    let mut model = Model::<Wide<4, 3>>::new(Device::default()).compile(
        Adam::new(1e-3),
        MeanSquaredError::new(),
        metrics![],
    );
    model.fit(&x, &y).epochs(1).verbose(Verbose::Silent).run()?;
    assert_eq!(model.predict(&x)?.as_slice().len(), 24);
    assert_eq!(model.dense().kernel().shape(), [784, 8]);
    Ok(())
}

/// Trains one epoch; returns the values of all variables before and after it.
fn train<M>(seed: u64) -> keras::Result<[Vec<(String, Vec<f64>)>; 2]>
where
    M: Architecture<Input = Batch<D2<6, 8>>, Output = Batch<D2<6, 4>>>,
{
    let x: Batch<D2<6, 8>> = Batch::new(numbers(6 * 8 * 10))?;
    let y: Batch<D2<6, 4>> = Batch::new(numbers(6 * 4 * 10))?;
    let mut model = Model::<M>::with_seed(Device::default(), seed).compile(
        SGD::new(0.1),
        MeanSquaredError::new(),
        metrics![],
    );
    let values = |network: &Network| {
        network.variables().iter().map(|v| (v.path(), network.read(v))).collect::<Vec<_>>()
    };
    let before = values(model.network());
    model.fit(&x, &y).epochs(1).verbose(Verbose::Silent).run()?;
    model.predict(&x)?;
    Ok([before, values(model.network())])
}

#[test]
fn program_5_trains_through_a_model_and_leaves_a_frozen_one() -> keras::Result<()> {
    let [before, after] = train::<Twin>(1)?;
    assert_eq!(before.len(), 6);
    for ((path, old), (_, new)) in before.iter().zip(&after) {
        assert_ne!(old, new, "`{path}` was not trained");
    }
    let [before, after] = train::<Frozen>(1)?;
    assert_eq!(before.len(), 8);
    for ((path, old), (_, new)) in before.iter().zip(&after) {
        // The layer before the frozen model gets its gradient through it.
        assert_eq!(path.starts_with("t/"), old == new, "`{path}`");
    }
    Ok(())
}
