//! The functions of `keras::ops` compute what those of real Keras compute (`tests/fixtures/ops.json`, which `ops.py` beside it wrote),
//! and their gradients are those of finite differences.

extern crate keras_runtime as keras;

use keras::plan::Spec;
use keras::testing::{LayerCheck, run_layer};
use keras::{DType, Layer, Shape, Tensor};
use keras_macros::{Layer, call};
use serde_json::Value;

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/ops.json");

/// A case's inputs: specs and numbers.
type Inputs = Vec<(Spec, Vec<f64>)>;

fn numbers(json: &Value) -> Vec<f64> {
    json.as_array().expect("a list").iter().map(|v| v.as_f64().expect("a number")).collect()
}

fn shape(json: &Value) -> Shape {
    Shape::of(&numbers(&json["shape"]).iter().map(|n| *n as usize).collect::<Vec<_>>())
}

fn value(layer: &dyn Layer, inputs: &Inputs) -> (Spec, Vec<f64>) {
    let specs: Vec<Spec> = inputs.iter().map(|(spec, _)| *spec).collect();
    let plan = layer.plan_for(&specs).unwrap_or_else(|message| panic!("{message}"));
    let outputs = run_layer(layer, inputs, &[], DType::F32, false).expect("a layer that runs");
    (plan.outputs.as_slice()[0], outputs[0].clone())
}

/// The gradient by finite differences, on numbers from the range of the case's own, away from kinks.
fn gradient(layer: impl Layer + 'static, inputs: &Inputs) {
    let all = || inputs.iter().flat_map(|(_, values)| values).copied();
    let low = all().fold(f64::INFINITY, f64::min).max(-1.5);
    let high = all().fold(f64::NEG_INFINITY, f64::max).min(2.5);
    let check = LayerCheck::new(layer).across_samples().range(low, high).integers_below(3);
    inputs.iter().fold(check, |check, (spec, _)| check.input(*spec)).run();
}

/// `name(inputs) { body }`: a layer of each function, and what looks them up.
macro_rules! ops {
    ($($name:ident($($x:ident),*) { $($body:tt)* })*) => {
        $(
            #[derive(Layer, Clone)]
            #[allow(non_camel_case_types)]
            struct $name {}
            #[call]
            impl $name {
                fn call(&self, $($x: Tensor),*) -> Tensor { $($body)* }
            }
        )*
        const NAMES: &[&str] = &[$(stringify!($name)),*];
        fn value_of(name: &str, inputs: &Inputs) -> (Spec, Vec<f64>) {
            match name {
                $(stringify!($name) => value(&$name::new(), inputs),)*
                _ => panic!("there is no `{name}` here"),
            }
        }
        fn gradient_of(name: &str, inputs: &Inputs) {
            match name {
                $(stringify!($name) => gradient($name::new(), inputs),)*
                _ => panic!("there is no `{name}` here"),
            }
        }
    };
}

ops! {
    absolute(x) { absolute(x) }
    negative(x) { negative(x) }
    square(x) { square(x) }
    exp(x) { exp(x) }
    expm1(x) { expm1(x) }
    sin(x) { sin(x) }
    cos(x) { cos(x) }
    tan(x) { tan(x) }
    arctan(x) { arctan(x) }
    sinh(x) { sinh(x) }
    cosh(x) { cosh(x) }
    tanh(x) { tanh(x) }
    arcsinh(x) { arcsinh(x) }
    erf(x) { erf(x) }
    sigmoid(x) { sigmoid(x) }
    relu(x) { relu(x) }
    relu6(x) { relu6(x) }
    leaky_relu(x) { leaky_relu(x) }
    elu(x) { elu(x) }
    selu(x) { selu(x) }
    gelu(x) { gelu(x) }
    log_sigmoid(x) { log_sigmoid(x) }
    hard_sigmoid(x) { hard_sigmoid(x) }
    silu(x) { silu(x) }
    hard_silu(x) { hard_silu(x) }
    hard_tanh(x) { hard_tanh(x) }
    tanh_shrink(x) { tanh_shrink(x) }
    softplus(x) { softplus(x) }
    softsign(x) { softsign(x) }
    mish(x) { mish(x) }
    sign(x) { stop_gradient(sign(x)) }
    floor(x) { stop_gradient(floor(x)) }
    ceil(x) { stop_gradient(ceil(x)) }
    round(x) { stop_gradient(round(x)) }
    isfinite(x) { cast(isfinite(x), DType::F32) }
    isnan(x) { cast(isnan(x), DType::F32) }
    logical_not(x) { cast(logical_not(x), DType::F32) }
    log(x) { log(x) }
    log1p(x) { log1p(x) }
    log2(x) { log2(x) }
    log10(x) { log10(x) }
    sqrt(x) { sqrt(x) }
    rsqrt(x) { rsqrt(x) }
    reciprocal(x) { reciprocal(x) }
    arcsin(x) { arcsin(x) }
    arccos(x) { arccos(x) }
    arctanh(x) { arctanh(x) }
    arccosh(x) { arccosh(x) }
    add(x, y) { add(x, y) }
    subtract(x, y) { subtract(x, y) }
    multiply(x, y) { multiply(x, y) }
    divide(x, y) { divide(x, y) }
    power(x, y) { power(x, y) }
    maximum(x, y) { maximum(x, y) }
    minimum(x, y) { minimum(x, y) }
    arctan2(x, y) { arctan2(x, y) }
    mod_(x, y) { mod_(x, y) }
    floor_divide(x, y) { stop_gradient(floor_divide(x, y)) }
    less(x, y) { cast(less(x, y), DType::F32) }
    less_equal(x, y) { cast(less_equal(x, y), DType::F32) }
    greater(x, y) { cast(greater(x, y), DType::F32) }
    greater_equal(x, y) { cast(greater_equal(x, y), DType::F32) }
    equal(x, y) { cast(equal(x, y), DType::F32) }
    not_equal(x, y) { cast(not_equal(x, y), DType::F32) }
    logical_and(x, y) { cast(logical_and(x, y), DType::F32) }
    logical_or(x, y) { cast(logical_or(x, y), DType::F32) }
    equal_integers(x, y) { cast(equal(x, y), DType::F32) }
    where_(c, a, b) { where_(greater(c, 0.2), a, b) }
    clip(x) { clip(x, -0.4, 0.7) }
    matmul(x, y) { matmul(x, y) }
    matmul_broadcast(x, y) { matmul(x, y) }
    einsum_heads(x, y) { einsum("bqhd,bkhd->bhqk", x, y) }
    einsum_mixed(x, y) { einsum("bhqk,bkhd->bqhd", x, y) }
    einsum_outer(x, y) { einsum("bi,bj->bij", x, y) }
    einsum_inner(x, y) { einsum("bij,bij->b", x, y) }
    einsum_turned(x, y) { einsum("bij,bjk->bki", x, y) }
    einsum_dots(x, y) { einsum("...ij,...jk->...ik", x, y) }
    one_hot(ids) { one_hot(ids, 4) }
    one_hot_outside(ids) { one_hot(ids - 1, 3) }
    sum(x) { sum(x, -1) }
    sum_kept(x) { sum(x, keepdims([1, 2])) }
    mean(x) { mean(x, -1) }
    mean_kept(x) { mean(x, keepdims([1, 2])) }
    prod(x) { prod(x, -1) }
    prod_kept(x) { prod(x, keepdims([1, 2])) }
    max(x) { max(x, -1) }
    max_kept(x) { max(x, keepdims([1, 2])) }
    min(x) { min(x, -1) }
    min_kept(x) { min(x, keepdims([1, 2])) }
    logsumexp(x) { logsumexp(x, 1) }
    softmax(x) { softmax(x, 1) }
    log_softmax(x) { log_softmax(x, -1) }
    argmax(x) { cast(argmax(x, 1), DType::F32) }
    argmin(x) { cast(argmin(x, -1), DType::F32) }
    reshape(x) { reshape(x, [-1, 2, 10]) }
    transpose(x) { transpose(x, [0, 2, 3, 1]) }
    expand_dims(x) { expand_dims(x, 1) }
    squeeze(x) { squeeze(x, -2) }
    concatenate(x, y) { concatenate([x, y, x], -1) }
    stack(x, y) { stack([x, y], 1) }
    split(x) { let [a, b] = split(x, -1); a - b }
    slice(x) { slice(x, 1, -3..-1) }
    cast(x) { cast(cast(x * 3, DType::I32), DType::F32) }
}

fn cases() -> Vec<Value> {
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    file["ops"].as_array().expect("cases").clone()
}

fn inputs(case: &Value) -> Inputs {
    let input = |tensor: &Value| {
        let dtype = if tensor["dtype"] == "int32" { DType::I32 } else { DType::F32 };
        (Spec::sample(shape(tensor).remove(0)).with_dtype(dtype), numbers(&tensor["values"]))
    };
    case["inputs"].as_array().expect("inputs").iter().map(input).collect()
}

#[test]
fn values_are_those_of_keras() {
    let cases = cases();
    let mut names: Vec<&str> = cases.iter().map(|case| case["name"].as_str().expect("a name")).collect();
    for case in &cases {
        let name = case["name"].as_str().expect("a name");
        let (spec, found) = value_of(name, &inputs(case));
        assert_eq!(spec.shape(), shape(&case["output"]).remove(0), "{name}");
        for (i, (f, e)) in found.iter().zip(numbers(&case["output"]["values"])).enumerate() {
            // 32-bit floats: 24 bits of mantissa, a few operations.
            assert!((f - e).abs() <= 2e-6 + 1e-5 * e.abs(), "{name}: element {i} is {f}, Keras has {e}");
        }
    }
    let mut ours = NAMES.to_vec();
    names.sort_unstable();
    ours.sort_unstable();
    assert_eq!(ours, names, "every function has its case");
}

#[test]
fn gradients_are_those_of_finite_differences() {
    for case in &cases() {
        gradient_of(case["name"].as_str().expect("a name"), &inputs(case));
    }
}

#[derive(Layer, Clone)]
struct Contracted {
    units: usize,
    #[weight([input.last(), units, 2])]
    kernel: Weight,
}

use keras::Weight;

#[call]
impl Contracted {
    fn call(&self, x: Tensor) -> Tensor {
        // Over the batch too, and with a weight on either side.
        let y = einsum("bsc,cuh->bhsu", x, self.kernel);
        let z = einsum("cuh,bsc->bush", self.kernel, x);
        let w = einsum("bush,bhsu->hu", z, y);
        einsum("bhsu,hu->bs", tanh(y), w)
    }
}

#[test]
fn einsum_takes_weights() {
    LayerCheck::new(Contracted::new(3)).across_samples().input(Spec::of(&[4, 5])).run();
}

#[test]
fn einsum_refuses() {
    let message = |layer: &dyn Layer, a: &[usize], b: &[usize]| {
        layer.plan_for(&[Spec::of(a), Spec::of(b)]).expect_err("a mistake").to_string()
    };
    let table: [(&dyn Layer, &[usize], &[usize], &str); 5] = [
        (
            &einsum_outer::new(),
            &[3, 2],
            &[4],
            "the equation `bi,bj->bij` names 2 axes (batch included) of an operand that has 3",
        ),
        (&einsum_turned::new(), &[3, 4], &[5, 6], "axis `j` is 4 in the first operand and 5 in the second"),
        (
            &einsum_dots::new(),
            &[2, 3],
            &[2, 3, 3],
            "the ellipsis of `...ij,...jk->...ik` stands for unlike ranks",
        ),
        (&Unbatched::new(), &[3], &[3], "the batch must stay axis 0"),
        (&Alone::new(), &[3], &[3], "would sum axis `j` of the second operand alone: use `sum` before"),
    ];
    for (layer, a, b, expected) in table {
        assert_eq!(message(layer, a, b), format!("`einsum`: {expected}"));
    }
}

#[derive(Layer, Clone)]
struct Unbatched {}
#[call]
impl Unbatched {
    fn call(&self, x: Tensor, y: Tensor) -> Tensor {
        einsum("bi,bj->ijb", x, y)
    }
}

#[derive(Layer, Clone)]
struct Alone {}
#[call]
impl Alone {
    fn call(&self, x: Tensor, y: Tensor) -> Tensor {
        einsum("bi,bj->bi", x, y)
    }
}
