//! Random data that suit a model.

use keras::DType;
use keras::engine::{Network, Source};
use keras::saving::Array;
use serde_json::Value;

/// SplitMix64 (Steele, Lea and Flood, 2014).
pub struct Random(u64);

impl Random {
    /// A stream of its own for each seed.
    pub fn new(seed: u64) -> Random {
        Random(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    }

    /// Between 0 and 1.
    fn unit(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Numbers between two others.
    pub fn floats(&mut self, shape: Vec<usize>, from: f64, to: f64) -> Array {
        let values: Vec<f64> =
            (0..shape.iter().product::<usize>()).map(|_| from + (to - from) * self.unit()).collect();
        Array::of(shape, DType::F32, &values)
    }

    /// Whole numbers from 0 on, below `end`.
    pub fn integers(&mut self, shape: Vec<usize>, dtype: DType, end: u64) -> Array {
        let values: Vec<f64> =
            (0..shape.iter().product::<usize>()).map(|_| (self.next() % end.max(1)) as f64).collect();
        Array::of(shape, dtype, &values)
    }
}

/// A batch of inputs: numbers between -1 and 1, numbers below an embedding's `input_dim`, and 0 or 1 for other integers.
pub fn inputs(network: &Network, batch: usize, random: &mut Random) -> Vec<Array> {
    let all = network.definition().inputs.iter().enumerate();
    all.map(|(at, input)| {
        let (dtype, shape) = (input.spec.dtype(), input.spec.shape_for(batch).to_vec());
        match embedded(network, at) {
            Some(end) => random.integers(shape, if dtype.is_float() { DType::F32 } else { dtype }, end),
            None if dtype.is_float() => random.floats(shape, -1.0, 1.0),
            None => random.integers(shape, dtype, 2),
        }
    })
    .collect()
}

/// How many entries the smallest embedding has that an input reaches through layers that only move numbers.
fn embedded(network: &Network, input: usize) -> Option<u64> {
    let flat = network.flat();
    let mut reached = vec![false; flat.nodes.len()];
    let mut least = None;
    for (at, node) in flat.nodes.iter().enumerate() {
        let from = |source: &Source| match *source {
            Source::Input(i) => i == input,
            Source::Node { node, .. } => reached[node],
        };
        if !node.inputs.iter().any(from) {
            continue;
        }
        if node.layer.class_name() == "Embedding" {
            let end = node.layer.config().get("input_dim").and_then(Value::as_u64);
            least = [least, end].into_iter().flatten().min();
        } else {
            reached[at] = flat.leaves[node.leaf].plan.weights.is_empty();
        }
    }
    least
}

/// A batch of labels for each output: numbers of classes where the loss takes such, else numbers between 0 and 1.
pub fn labels(network: &Network, sparse: &[bool], batch: usize, random: &mut Random) -> Vec<Array> {
    let definition = network.definition();
    let outputs = definition.outputs.iter().zip(sparse);
    outputs
        .map(|(output, sparse)| {
            let mut shape = definition.spec_of(output.source).shape_for(batch).to_vec();
            match sparse {
                true => {
                    let classes = shape.pop().unwrap_or(1);
                    random.integers(shape, DType::I32, classes as u64)
                }
                false => random.floats(shape, 0.0, 1.0),
            }
        })
        .collect()
}
