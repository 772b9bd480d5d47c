//! How many floating-point operations a model takes, counted from its plan.
//!
//! Counted are the multiplications and additions of matrix products and convolutions, two for each pair: what decides the time of
//! most models. Elementwise work, pooling, normalization and the optimizer are not. A training step does each product up to three
//! times: forward, for the gradient of the weights if they are trained, and for that of the input if anything before is.

use std::collections::BTreeMap;

use keras::Config;
use keras::Shape;
use keras::engine::{FlatNode, Network, Source};
use keras::plan::Spec;
use serde_json::Value;

/// Operations for one sample.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Flops {
    /// To predict.
    pub forward: f64,
    /// In a training step.
    pub training: f64,
}

/// Counts the operations of a network for one sample.
pub fn count(network: &Network) -> Flops {
    let (flat, inputs) = (network.flat(), &network.definition().inputs);
    let spec = |source: &Source| match *source {
        Source::Input(input) => inputs[input].spec,
        Source::Node { node, output } => flat.nodes[node].plan.outputs.as_slice()[output],
    };
    // Whether a gradient passes through each call.
    let mut needs = vec![false; flat.nodes.len()];
    let mut out = Flops::default();
    for (at, node) in flat.nodes.iter().enumerate() {
        let leaf = &flat.leaves[node.leaf];
        let weights = leaf.trainable && !leaf.plan.weights.is_empty();
        let before = node.inputs.iter().any(|s| matches!(s, Source::Node { node, .. } if needs[*node]));
        needs[at] = weights || before;
        let specs: Vec<Spec> = node.inputs.iter().map(spec).collect();
        let products = of_call(node, &specs);
        let once = products.weighted + products.free;
        out.forward += once;
        // A product of two values has two gradients.
        let gradients = products.weighted * f64::from(u8::from(weights) + u8::from(before))
            + products.free * if before || weights { 2.0 } else { 0.0 };
        out.training += once + gradients;
    }
    out
}

/// Operations of products with weights, and of those of two values (attention).
#[derive(Clone, Copy, Debug, Default)]
struct Products {
    weighted: f64,
    free: f64,
}

fn of_call(node: &FlatNode, inputs: &[Spec]) -> Products {
    // A wrapper works as the layer inside it.
    let (mut class, mut config) = (node.layer.class_name().to_string(), node.layer.config());
    while let Some(Value::Object(inner)) = config.get("layer").cloned() {
        class = inner.get("class_name").and_then(Value::as_str).unwrap_or("").into();
        config = inner.get("config").and_then(Value::as_object).cloned().unwrap_or_default();
    }
    let outputs = node.plan.outputs.as_slice();
    let weights = node.plan.weights.as_slice();
    let (Some(input), Some(output)) = (inputs.first(), outputs.first()) else { return Products::default() };
    // Numbers in the kernels: weights with this many dimensions or more.
    let kernels = |rank: usize| -> f64 {
        weights.iter().filter(|w| w.shape.rank() >= rank).map(|w| w.shape.size() as f64).sum()
    };
    let rows = |spec: &Spec| (spec.size() / spec.last().max(1)) as f64;
    let weighted = |pairs: f64| Products { weighted: 2.0 * pairs, free: 0.0 };
    let free = |pairs: f64| Products { weighted: 0.0, free: 2.0 * pairs };
    let positions = |spec: &Spec| {
        let first = config.get("data_format").and_then(Value::as_str) == Some("channels_first");
        let channels = if first { spec.dim(0) } else { spec.last() };
        (spec.size() / channels.max(1)) as f64
    };
    match class.as_str() {
        "Dense" | "LSTM" | "GRU" | "SimpleRNN" => weighted(rows(input) * kernels(2)),
        name if name.contains("Conv") && name.ends_with("Transpose") => {
            weighted(positions(input) * kernels(3))
        }
        name if name.contains("Conv") => weighted(positions(output) * kernels(3)),
        "EinsumDense" => {
            let kernel =
                weights.iter().find(|w| w.name == "kernel").map(|w| w.shape.to_vec()).unwrap_or_default();
            weighted(einsum(&config, &[with_batch(input.shape()), kernel]))
        }
        "MultiHeadAttention" | "GroupQueryAttention" => attention(node, inputs),
        "Attention" | "AdditiveAttention" => {
            let value = inputs.get(1).unwrap_or(input);
            // Scores, and the values that they weigh.
            free(rows(input) * rows(value) * (input.last() + value.last()) as f64)
        }
        "Matmul" => free((output.size() * input.last()) as f64),
        "Dot" => free(output.size() as f64 * contracted(&config, input)),
        "Einsum" => free(einsum(&config, &inputs.iter().map(|s| with_batch(s.shape())).collect::<Vec<_>>())),
        _ => Products::default(),
    }
}

fn with_batch(shape: Shape) -> Vec<usize> {
    std::iter::once(1).chain(shape.to_vec()).collect()
}

/// Projections of query, key, value and result, scores, and the values that they weigh.
fn attention(node: &FlatNode, inputs: &[Spec]) -> Products {
    let rows = |spec: Option<&Spec>| spec.map_or(0.0, |spec| (spec.size() / spec.last().max(1)) as f64);
    let query = rows(inputs.first());
    let value = inputs.get(1).map_or(query, |spec| rows(Some(spec)));
    let mut out = Products::default();
    for weight in node.plan.weights.as_slice().iter().filter(|w| w.name == "kernel") {
        let part = weight.path.as_slice().first().copied().unwrap_or("");
        let of_query = part.contains("query") || part.contains("output");
        out.weighted += 2.0 * weight.shape.size() as f64 * if of_query { query } else { value };
        // A kernel has the shape [features, heads, size]: each head compares, or weighs, vectors of that size.
        let heads = weight.shape.to_vec();
        if part.contains("query") && heads.len() == 3 {
            out.free += 2.0 * query * value * (heads[1] * heads[2]) as f64;
        }
        if part.contains("output") && heads.len() == 3 {
            out.free += 2.0 * query * value * (heads[0] * heads[1]) as f64;
        }
    }
    out
}

/// The dimension that `Dot` sums over.
fn contracted(config: &Config, input: &Spec) -> f64 {
    let axis = match config.get("axes") {
        Some(Value::Array(axes)) => axes.first().and_then(Value::as_i64),
        Some(axis) => axis.as_i64(),
        None => None,
    };
    let at = axis.and_then(|axis| input.axis(axis as isize));
    at.map_or(1.0, |at| input.dim(at) as f64)
}

/// The product of all dimensions that an equation names: pairs of numbers that are multiplied.
fn einsum(config: &Config, operands: &[Vec<usize>]) -> f64 {
    let equation = ["equation", "subscripts"].iter().find_map(|key| config.get(*key)).and_then(Value::as_str);
    let Some(equation) = equation else { return 0.0 };
    let terms = equation.split("->").next().unwrap_or("").split(',');
    let mut dims: BTreeMap<String, usize> = BTreeMap::new();
    for (term, shape) in terms.zip(operands) {
        let term: String = term.chars().filter(|c| !c.is_whitespace()).collect();
        let (head, tail) = term.split_once("...").unwrap_or((&term, ""));
        let open = shape.len().saturating_sub(head.len() + tail.len());
        let open = if term.contains("...") { open } else { 0 };
        let letters = head.chars().map(String::from);
        let letters =
            letters.chain((0..open).map(|at| format!("...{at}"))).chain(tail.chars().map(String::from));
        for (letter, dim) in letters.zip(shape) {
            dims.entry(letter).and_modify(|known| *known = (*known).max(*dim)).or_insert(*dim);
        }
    }
    dims.values().map(|dim| *dim as f64).product()
}

#[cfg(test)]
mod tests {
    use super::*;
    use keras::Device;
    use keras::graph::{Functional, Input, LoadedModel, On, Sequential, model_from_json};
    use keras::layers::{Conv2D, Dense, MultiHeadAttention};

    fn flops(model: LoadedModel) -> Flops {
        count(model.network().expect("its shapes are known"))
    }

    #[test]
    fn dense_layers_by_hand() {
        let model =
            Sequential::new([3]).add(Dense::new(4)).add(Dense::new(5)).build(Device::cpu()).expect("a model");
        // Forward 2 (3 4 + 4 5); no gradient for the input of the first.
        assert_eq!(flops(model), Flops { forward: 64.0, training: 24.0 * 2.0 + 40.0 * 3.0 });
    }

    #[test]
    fn convolutions_by_hand() {
        let conv = Conv2D::new(8, 3);
        let model = Sequential::new([10, 10, 2]).add(conv).build(Device::cpu()).expect("a model");
        assert_eq!(flops(model).forward, 2.0 * 64.0 * (3 * 3 * 2 * 8) as f64);
    }

    #[test]
    fn both_directions_by_hand() {
        let json = r#"{"class_name": "Sequential", "config": {"name": "net", "layers": [
            {"class_name": "InputLayer", "config": {"name": "x", "batch_shape": [null, 5, 3]}},
            {"class_name": "Bidirectional", "config": {"name": "both",
                "layer": {"class_name": "LSTM", "config": {"name": "lstm", "units": 4}}}}]}}"#;
        // Two directions, five steps, kernels of 3 x 16 and 4 x 16.
        assert_eq!(flops(model_from_json(json).expect("a model")).forward, 2.0 * 2.0 * 5.0 * 112.0);
    }

    #[test]
    fn attention_by_hand() {
        let x = Input::new([5, 3]).tensor();
        let y = MultiHeadAttention::new(2, 4).on([&x, &x]).expect("it takes them");
        let model = Functional::new("net", [&x], [&y]).build(Device::cpu()).expect("a model");
        // Four projections between 3 and 2 x 4 numbers; 5 x 5 scores for each of the heads; as much to weigh the values.
        assert_eq!(flops(model).forward, 2.0 * (4.0 * 5.0 * 24.0 + 2.0 * 25.0 * 8.0));
    }

    #[test]
    fn equations() {
        let config = |text: &str| Config::from_iter([("equation".to_string(), Value::from(text))]);
        assert_eq!(einsum(&config("abc,cd->abd"), &[vec![1, 5, 3], vec![3, 7]]), 105.0);
        assert_eq!(einsum(&config("...x,xy->...y"), &[vec![1, 5, 3], vec![3, 7]]), 105.0);
    }
}
