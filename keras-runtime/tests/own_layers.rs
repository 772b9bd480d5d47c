//! Layers of one's own: `#[derive(Layer)]` and `#[call]`, their gradients against finite differences, their plans and messages.

extern crate keras_runtime as keras;

use keras::plan::Spec;
use keras::testing::LayerCheck;
use keras::{DType, Tensor, Weight};
use keras_macros::{Layer, activation, call};

fn check<L: keras::Layer + 'static>(layer: L, inputs: &[&[usize]]) {
    inputs.iter().fold(LayerCheck::new(layer), |check, dims| check.input(Spec::of(dims))).run();
}

/// The gated layer of the book.
#[derive(Layer, Clone)]
struct Gated {
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

#[test]
fn gated() {
    check(Gated::new(4), &[&[4]]);
    check(Gated::new(5).residual(false), &[&[2, 3]]);
    let plan = Gated::new(4).plan(&[Spec::of(&[4])]).unwrap();
    assert_eq!(plan.params(), 32);
    let message = Gated::new(3).plan(&[Spec::of(&[4])]).unwrap_err().to_string();
    assert_eq!(message, "`+`: shapes `[3]` and `[4]` do not broadcast: dimensions must agree or be 1");
}

/// Attention with several heads.
#[derive(Layer, Clone)]
struct Attention {
    heads: usize,
    units: usize,
    #[weight([input.last(), heads * units])]
    query: Weight,
    #[weight([input.last(), heads * units])]
    key: Weight,
    #[weight([input.last(), heads * units])]
    value: Weight,
}

#[call]
impl Attention {
    fn call(&self, x: Tensor) -> Tensor {
        let (steps, heads, units) = (x.dim(1) as isize, self.heads as isize, self.units as isize);
        let scale = 1.0 / (self.units as f64).sqrt();
        let query = transpose(reshape(matmul(x, self.query), [-1, steps, heads, units]), [0, 2, 1, 3]);
        let key = transpose(reshape(matmul(x, self.key), [-1, steps, heads, units]), [0, 2, 3, 1]);
        let value = transpose(reshape(matmul(x, self.value), [-1, steps, heads, units]), [0, 2, 1, 3]);
        let scores = softmax(matmul(query, key) * scale, -1);
        let mixed = transpose(matmul(scores, value), [0, 2, 1, 3]);
        reshape(mixed, [-1, steps, heads * units])
    }
}

#[test]
fn attention() {
    check(Attention::new(2, 3), &[&[4, 5]]);
}

/// Normalization with a centred scale; fields that are numbers and fields that are weights in one chain.
#[derive(Layer, Clone)]
struct Normalized {
    #[config(default = 1e-3)]
    epsilon: f64,
    #[config(default = true)]
    center: bool,
    #[weight([input.last()], init = Zeros)]
    gamma: Weight,
    #[weight([input.last()], init = Zeros, when = center)]
    beta: Weight,
    #[weight([input.last()], init = Zeros, trainable = false)]
    offset: Weight,
}

#[call]
impl Normalized {
    fn call(&self, x: Tensor) -> Tensor {
        let centred = x - mean(x, keepdims(-1));
        let variance = mean(square(centred), keepdims([-1]));
        let mut y = (1.0 + self.gamma) * centred * rsqrt(variance + self.epsilon) + self.offset;
        if self.center {
            y = y + self.beta;
        }
        y
    }
}

#[test]
fn normalization() {
    check(Normalized::new(), &[&[2, 5]]);
    check(Normalized::new().center(false), &[&[5]]);
}

#[derive(Layer, Clone)]
struct Functions {}

#[call]
impl Functions {
    fn call(&self, x: Tensor) -> Tensor {
        let a = exp(x) + 2.0 * log(x) - 3 * sqrt(x) + 0.5 * rsqrt(x) + reciprocal(x) * square(x + 1);
        let b = sin(x) * cos(x) + tan(x) - arcsin(x) * arccos(x) + arctan(x) / sinh(x) + cosh(x);
        let c = arcsinh(x) + arccosh(x + 1.5) * arctanh(x) - erf(x) + expm1(x) * log1p(x);
        let d = log2(x) - log10(x) + absolute(-x) + tanh(x) * sigmoid(x) + softplus(x) + negative(x);
        let flat = stop_gradient(floor(x) + ceil(x) + sign(x) + round(x * 0.4) + floor_divide(x, 0.3));
        let flat = flat + cast(greater(x, 2.0), DType::F32) + where_(isfinite(x), x, 0.0);
        a * b + c * d + flat
    }
}

#[test]
fn functions_of_one_element() {
    LayerCheck::new(Functions::new()).input(Spec::of(&[7])).range(0.3, 0.8).run();
}

#[derive(Layer, Clone)]
struct Activations {}

#[call]
impl Activations {
    fn call(&self, x: Tensor) -> Tensor {
        let x = 5.0 * x;
        let a = relu(x) + relu6(x + 2.0) + leaky_relu(x) * elu(x) - selu(x) + gelu(x) + log_sigmoid(x);
        let b =
            hard_sigmoid(x) + silu(x) * softsign(x) - hard_silu(x) + hard_tanh(x) + tanh_shrink(x) + mish(x);
        concatenate([a, b, log_softmax(x, -1)], -1)
    }
}

#[test]
fn activations() {
    // Third derivatives of the products at 5x are in the hundreds: the central difference is that much further off.
    LayerCheck::new(Activations::new()).input(Spec::of(&[11])).tolerance(1e-5).run();
}

#[derive(Layer, Clone)]
struct Pairs {
    #[config(default = 0.7)]
    factor: f64,
    #[weight([1, 4])]
    row: Weight,
}

#[call]
impl Pairs {
    fn call(&self, a: Tensor, b: Tensor) -> Tensor {
        let y = maximum(a, b) * self.factor + minimum(a, self.row) / (b + 2.0) + power(square(a) + 0.5, b);
        let z = arctan2(a, b + 3.0) + clip(a * b, -0.2, 0.2) - (a + 5.0) % (b + 1.7) + exp(self.row) * a;
        where_(greater(a, b), y, z) + where_(less(b, 0.0), self.row, 1.0)
    }
}

#[test]
fn functions_of_two_elements_broadcast() {
    check(Pairs::new(), &[&[3, 4], &[3, 4]]);
    check(Pairs::new(), &[&[3, 1], &[1, 4]]);
}

#[derive(Layer, Clone)]
struct Reductions {}

#[call]
impl Reductions {
    fn call(&self, x: Tensor) -> (Tensor, Tensor) {
        let a = sum(x, 1) + mean(x, [1]) * max(x, 1) - min(x, -2);
        let b = logsumexp(x, keepdims([1, 2])) * x + prod(x, keepdims(-1));
        // Over the batch.
        (a + sum(x * x, [0, 1]), b - mean(x, keepdims(0)))
    }
}

#[test]
fn reductions() {
    LayerCheck::new(Reductions::new()).input(Spec::of(&[3, 4])).across_samples().run();
}

/// With one zero in a product only the gradient of the zero is not zero.
#[derive(Layer, Clone)]
struct Products {}

#[call]
impl Products {
    fn call(&self, x: Tensor) -> Tensor {
        prod(relu(x), -1)
    }
}

#[test]
fn products_with_zeros() {
    check(Products::new(), &[&[3]]);
}

#[derive(Layer, Clone)]
struct Moves {}

#[call]
impl Moves {
    fn call(&self, x: Tensor) -> Tensor {
        let [a, b] = split(x, -1);
        let c = stack([a, b, a * b], 2);
        let d = transpose(c, [0, 2, 1, 3]);
        let e = concatenate([slice(d, 1, 0..2), slice(d, 1, -1..)], 1);
        let f = squeeze(expand_dims(e, 1), 1) * e;
        sum(f, 1) + reshape(slice(x, 2, ..2), [-1, x.dim(1) as isize, 2]) + a
    }
}

#[test]
fn moves() {
    check(Moves::new(), &[&[3, 4]]);
    let message = Moves::new().plan(&[Spec::of(&[3, 5])]).unwrap_err().to_string();
    assert_eq!(message, "`split`: cannot split axis -1 of `[3, 5]` into 2 equal parts");
}

#[derive(Layer, Clone)]
struct Products4 {
    #[weight([2, 5, 3])]
    left: Weight,
    #[weight([4, 6])]
    right: Weight,
}

#[call]
impl Products4 {
    fn call(&self, x: Tensor, y: Tensor) -> Tensor {
        // [5, 3] twice against the one matrix of each sample, a matrix for all, and two broadcast against each other.
        matmul(matmul(self.left, x), self.right) + matmul(matmul(self.left, x), y)
    }
}

#[test]
fn products_broadcast() {
    check(Products4::new(), &[&[1, 3, 4], &[2, 4, 6]]);
    let message =
        Products4::new().plan(&[Spec::of(&[1, 2, 4]), Spec::of(&[2, 4, 6])]).unwrap_err().to_string();
    assert_eq!(
        message,
        "`matmul`: the last axis of `[2, 5, 3]` and the last but one of `[1, 2, 4]` must agree"
    );
}

/// Inputs and outputs in unusual roles: one input is returned as it is and used besides, one is not used, one output is returned
/// twice, a weight gets no gradient.
#[derive(Layer, Clone)]
struct Odd {
    #[weight([3])]
    used: Weight,
    #[weight([2])]
    unused: Weight,
}

#[call]
impl Odd {
    fn call(&self, x: Tensor, _y: Tensor) -> (Tensor, Tensor, Tensor, Tensor) {
        let z = tanh(x) * self.used + stop_gradient(0.0 * mean(self.unused, []));
        (x, z, z, expand_dims(z + square(z), 1))
    }
}

#[test]
fn odd_roles() {
    check(Odd::new(), &[&[3], &[2]]);
}

#[derive(Layer, Clone)]
struct Rows {
    #[weight([5, 2])]
    table: Weight,
}

#[call]
impl Rows {
    fn call(&self, ids: Tensor, x: Tensor) -> Tensor {
        let best = cast(argmax(x, -1), DType::F32);
        let same = cast(equal(argmax(x, -1), argmin(x, -1)), DType::F32);
        take(self.table, ids) * expand_dims(expand_dims(best + 1.0, -1) + expand_dims(same, -1), -1)
            + expand_dims(expand_dims(sum(x, -1), -1), -1)
    }
}

#[test]
fn rows_and_integers() {
    LayerCheck::new(Rows::new())
        .input(Spec::of(&[4]).with_dtype(DType::I32))
        .input(Spec::of(&[3]))
        .integers_below(5)
        .run();
}

#[test]
fn wrong_inputs_are_refused() {
    let message = |inputs: &[Spec]| Gated::new(4).plan(inputs).unwrap_err().to_string();
    assert_eq!(message(&[]), "takes 1 input, found 0");
    let fixed = Spec::fixed(keras::Shape::of(&[4, 4]));
    assert_eq!(message(&[fixed]), "expects inputs with a batch, found `[4, 4]`");
    assert_eq!(
        message(&[Spec::of(&[4]).with_dtype(DType::I32)]),
        "`matmul`: expects a float input, found `[i32; 4]`; insert `Embedding`, or declare floats?"
    );
    // Poison is passed on.
    assert!(Gated::new(4).plan(&[Spec::POISON]).unwrap().outputs.as_slice()[0].is_poison());
}

const SLOPE: f64 = 0.3;

/// A gate with a slope.
#[activation]
fn swoosh(x: Tensor) -> Tensor {
    let gate = sigmoid(2.0 * x - 1.0);
    x * gate + SLOPE * tanh(x)
}

#[test]
fn own_activations() {
    use keras::layers::core::Dense;
    LayerCheck::new(Dense::new(3).activation(swoosh)).input(Spec::of(&[4])).unsaved().run();
}

#[test]
fn configurations() {
    use keras::{Configure, FromConfig};
    let layer = Gated::new(4).residual(false);
    assert_eq!(layer.class_name(), "Gated");
    let again = Gated::from_config(&layer.config(), &keras::Registry::new()).unwrap();
    assert_eq!((again.units, again.residual), (4, false));
}
