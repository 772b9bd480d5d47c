//! What `call` is written with: tensors without numbers, and the functions over them.

use crate::Weight;
use keras_kernels::DType;

/// A tensor in a layer's `call`. It holds nothing: `#[call]` reads the code, and this lets rustc check it.
#[derive(Clone, Copy, Debug)]
pub struct Tensor(());

impl Tensor {
    /// The size of an axis, numbered as Keras does; 0 for the batch, whose size is not known when a layer is planned.
    pub fn dim(self, _axis: isize) -> usize {
        0
    }
}

/// A tensor or a weight.
#[diagnostic::on_unimplemented(message = "expected a tensor, found `{Self}`", label = "not a tensor")]
pub trait AsTensor: Copy {}
impl AsTensor for Tensor {}
impl AsTensor for Weight {}

/// A tensor, a weight or a number.
#[diagnostic::on_unimplemented(
    message = "expected a tensor or a number, found `{Self}`",
    label = "neither a tensor nor a number"
)]
pub trait Operand: Copy {}
impl Operand for Tensor {}
impl Operand for Weight {}

/// One axis or an array of them; `[]` means all.
#[diagnostic::on_unimplemented(message = "expected an axis or an array of axes", label = "not axes")]
pub trait Axes {}
impl Axes for isize {}
impl<const N: usize> Axes for [isize; N] {}
impl<A: Axes> Axes for Kept<A> {}

/// Axes that a reduction leaves in place, as 1.
#[derive(Clone, Copy, Debug)]
pub struct Kept<A>(A);

/// Axes that a reduction leaves in place, as 1, so that its result broadcasts with what was reduced: `x - mean(x, keepdims(-1))`.
pub fn keepdims<A: Axes>(axes: A) -> Kept<A> {
    Kept(axes)
}

/// The bounds of a slice.
#[diagnostic::on_unimplemented(message = "expected a range such as `0..4` or `-2..`", label = "not a range")]
pub trait Bounds {}
impl Bounds for std::ops::Range<isize> {}
impl Bounds for std::ops::RangeFrom<isize> {}
impl Bounds for std::ops::RangeTo<isize> {}
impl Bounds for std::ops::RangeFull {}

macro_rules! operators {
    ($($trait:ident :: $method:ident),*) => { $(
        operators!(pair $trait $method Tensor Tensor);
        operators!(pair $trait $method Tensor Weight);
        operators!(pair $trait $method Weight Tensor);
        operators!(pair $trait $method Weight Weight);
        operators!(numbers $trait $method f64 f32 i32 isize usize);
    )* };
    (numbers $trait:ident $method:ident $($t:ident)*) => { $(
        operators!(pair $trait $method Tensor $t);
        operators!(pair $trait $method Weight $t);
        operators!(pair $trait $method $t Tensor);
        operators!(pair $trait $method $t Weight);
    )* };
    (pair $trait:ident $method:ident $a:ident $b:ident) => {
        impl std::ops::$trait<$b> for $a {
            type Output = Tensor;
            fn $method(self, _: $b) -> Tensor {
                Tensor(())
            }
        }
    };
}
operators!(Add::add, Sub::sub, Mul::mul, Div::div, Rem::rem);

macro_rules! negate {
    ($($t:ident),*) => { $(
        impl std::ops::Neg for $t {
            type Output = Tensor;
            fn neg(self) -> Tensor {
                Tensor(())
            }
        }
    )* };
}
negate!(Tensor, Weight);

macro_rules! operands {
    ($($t:ty),*) => { $( impl Operand for $t {} )* };
}
operands!(f64, f32, i32, isize, usize);

macro_rules! unary {
    ($($name:ident $text:literal)*) => { $(
        #[doc = $text]
        pub fn $name(_x: impl AsTensor) -> Tensor {
            Tensor(())
        }
    )* };
}
unary! {
    negative "`-x`."
    absolute "`|x|`."
    abs "`|x|`."
    sign "-1, 0 or 1; without a gradient."
    square "`x * x`."
    sqrt "The square root."
    rsqrt "`1 / sqrt(x)`."
    reciprocal "`1 / x`."
    exp "`e^x`."
    expm1 "`e^x - 1`, exact near 0."
    log "The natural logarithm."
    log1p "`log(1 + x)`, exact near 0."
    log2 "The logarithm to base 2."
    log10 "The logarithm to base 10."
    sin "Sine."
    cos "Cosine."
    tan "Tangent."
    arcsin "Inverse sine."
    arccos "Inverse cosine."
    arctan "Inverse tangent."
    sinh "Hyperbolic sine."
    cosh "Hyperbolic cosine."
    tanh "Hyperbolic tangent."
    arcsinh "Inverse hyperbolic sine."
    arccosh "Inverse hyperbolic cosine."
    arctanh "Inverse hyperbolic tangent."
    erf "The error function."
    floor "Rounded down; without a gradient."
    ceil "Rounded up; without a gradient."
    round "Rounded, halves to even; without a gradient."
    logical_not "1 where `x` is 0, else 0."
    isnan "1 where `x` is not a number, else 0."
    isfinite "1 where `x` is finite, else 0."
    relu "`max(x, 0)`."
    relu6 "`min(max(x, 0), 6)`."
    leaky_relu "`x` if positive, else `0.2 x`."
    elu "`x` if positive, else `exp(x) - 1`."
    selu "Scaled exponential linear unit."
    gelu "Gaussian error linear unit, by `erf`."
    sigmoid "`1 / (1 + exp(-x))`."
    log_sigmoid "`log(sigmoid(x))`."
    hard_sigmoid "`relu6(x + 3) / 6`."
    silu "`x sigmoid(x)`."
    swish "`x sigmoid(x)`."
    hard_silu "`x hard_sigmoid(x)`."
    hard_tanh "`x` clipped to -1..1."
    tanh_shrink "`x - tanh(x)`."
    softplus "`log(1 + exp(x))`."
    softsign "`x / (1 + |x|)`."
    mish "`x tanh(softplus(x))`."
    stop_gradient "`x`, to which no gradient flows."
}

macro_rules! binary {
    ($($name:ident $text:literal)*) => { $(
        #[doc = $text]
        pub fn $name(_a: impl Operand, _b: impl Operand) -> Tensor {
            Tensor(())
        }
    )* };
}
binary! {
    add "`a + b`."
    subtract "`a - b`."
    multiply "`a * b`."
    divide "`a / b`."
    power "`a^b`."
    maximum "The larger; equal ones share the gradient."
    minimum "The smaller; equal ones share the gradient."
    mod_ "The remainder with the sign of `b`."
    floor_divide "The quotient rounded down; without a gradient."
    arctan2 "The angle of the point `(b, a)`."
    less "1 where `a < b`, else 0."
    less_equal "1 where `a <= b`, else 0."
    greater "1 where `a > b`, else 0."
    greater_equal "1 where `a >= b`, else 0."
    equal "1 where they are equal, else 0."
    not_equal "1 where they differ, else 0."
    logical_and "1 where both are not 0, else 0."
    logical_or "1 where one of them is not 0, else 0."
}

/// `a` where `condition` is not 0, else `b`.
pub fn where_(_condition: impl AsTensor, _a: impl Operand, _b: impl Operand) -> Tensor {
    Tensor(())
}

/// `x` between two bounds.
pub fn clip(_x: impl AsTensor, _min: impl Operand, _max: impl Operand) -> Tensor {
    Tensor(())
}

/// The product of matrices: the last axis of `a` against the last but one of `b`; leading axes broadcast.
pub fn matmul(_a: impl AsTensor, _b: impl AsTensor) -> Tensor {
    Tensor(())
}

/// The product of two tensors whose axes have letters, batch included: `einsum("bij,bkj->bik", x, y)`. Axes that both have and the
/// result lacks are summed; an ellipsis stands for any axes in front or behind.
pub fn einsum(_equation: &str, _a: impl AsTensor, _b: impl AsTensor) -> Tensor {
    Tensor(())
}

/// A new last axis of this many classes: zero, but for a one at the number that `ids` holds; zeros alone for a number that is no
/// class. No gradient flows to `ids`.
pub fn one_hot(_ids: impl AsTensor, _classes: usize) -> Tensor {
    Tensor(())
}

/// `exp(x)` divided by its sum along an axis.
pub fn softmax(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

/// The logarithm of [`softmax`].
pub fn log_softmax(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

macro_rules! reductions {
    ($($name:ident $text:literal)*) => { $(
        #[doc = $text]
        #[doc = "`axes` is a number or an array, `[]` for all; in [`keepdims`] they stay, as 1."]
        pub fn $name(_x: impl AsTensor, _axes: impl Axes) -> Tensor {
            Tensor(())
        }
    )* };
}
reductions! {
    sum "The sum over axes."
    mean "The mean over axes."
    prod "The product over axes."
    max "The largest over axes; equal ones share the gradient."
    min "The smallest over axes; equal ones share the gradient."
    logsumexp "`log(sum(exp(x)))` over axes."
}

/// The index of the first largest along an axis: an integer.
pub fn argmax(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

/// The index of the first smallest along an axis: an integer.
pub fn argmin(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

/// The same elements in another shape. The first dimension of a batched tensor is -1, the batch; one other may be -1, what remains.
pub fn reshape<const N: usize>(_x: impl AsTensor, _shape: [isize; N]) -> Tensor {
    Tensor(())
}

/// Axis `i` of the result is axis `axes[i]` of `x`.
pub fn transpose<const N: usize>(_x: impl AsTensor, _axes: [isize; N]) -> Tensor {
    Tensor(())
}

/// With a dimension of 1 at `axis`.
pub fn expand_dims(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

/// Without a dimension that is 1.
pub fn squeeze(_x: impl AsTensor, _axis: isize) -> Tensor {
    Tensor(())
}

/// Tensors joined along an axis.
pub fn concatenate<const N: usize>(_tensors: [Tensor; N], _axis: isize) -> Tensor {
    Tensor(())
}

/// Tensors joined along a new axis.
pub fn stack<const N: usize>(_tensors: [Tensor; N], _axis: isize) -> Tensor {
    Tensor(())
}

/// Equal parts along an axis: `let [a, b] = split(x, -1);`.
pub fn split<const N: usize>(_x: impl AsTensor, _axis: isize) -> [Tensor; N] {
    [Tensor(()); N]
}

/// A part of an axis: `slice(x, 1, 0..4)`, `slice(x, -1, -2..)`.
pub fn slice(_x: impl AsTensor, _axis: isize, _range: impl Bounds) -> Tensor {
    Tensor(())
}

/// Rows of a weight, by the numbers in `ids`.
pub fn take(_table: impl AsTensor, _ids: impl AsTensor) -> Tensor {
    Tensor(())
}

/// Another element type: `DType::F32` or `DType::I32`.
pub fn cast(_x: impl AsTensor, _dtype: DType) -> Tensor {
    Tensor(())
}
