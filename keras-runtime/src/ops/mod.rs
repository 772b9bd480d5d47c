//! Operations of `#[call]`: the functions that a layer's `call` is written with, and what they become.
//!
//! [`matmul`], [`softmax`], `x * y` and the others exist twice. Here they take and give [`Tensor`]s, which hold nothing: they
//! let rustc and rust-analyzer read `call` as the plain Rust that it is. `#[call]` replaces each by an operation over
//! [`View`]s, and by its gradient; chains of elementwise functions become one pass over memory.
//!
//! Names, axes (0 is the batch, negative ones count from the end) and broadcasting are those of `keras.ops`.

mod einsum;
mod frame;
mod gather;
mod layout;
mod matmul;
mod one_hot;
mod reduce;
pub(crate) mod shapes;
mod softmax;
mod symbolic;
mod trace;

use keras_kernels::{Grad, View};

use crate::layer::Context;

pub use symbolic::*;

/// What generated code refers to.
pub(crate) mod generated {
    pub use super::Op;
    pub use super::einsum::{Einsum, assert_equation};
    pub use super::frame::{Frame, Number, call_specs, read_field};
    pub use super::gather::{Cast, Take};
    pub use super::layout::{Concat, ExpandDims, Reshape, Slice, Squeeze, Transpose, identity};
    pub use super::matmul::Matmul;
    pub use super::one_hot::OneHot;
    pub use super::reduce::{ArgReduce, Reduction};
    pub use super::shapes::elementwise;
    pub use super::softmax::Softmax;
    pub use super::trace::{Room, Trace, UsesUnknown, assert_used, call_refuses, is_one_of};
}

/// An operation that is not elementwise. Each also has a `const fn spec(&self, &[Spec])`, which gives the spec of its
/// result or says why there is none.
pub trait Op {
    /// Computes the result; `scratch` is what the operation's entry in `#[call]`'s table asks for.
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, scratch: &[View]);

    /// Computes the gradients that are asked for, one after the other, from that of the result.
    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>);
}

/// What [`Op::backward`] gets. Of inputs and result it may read only what the operation's entry in `#[call]`'s table says; the
/// others have their shape alone.
pub struct Backward<'a> {
    /// The inputs.
    pub inputs: &'a [View],
    /// The result.
    pub y: View,
    /// Its gradient.
    pub dy: View,
    /// Where the inputs' gradients go.
    pub grads: &'a [Option<Grad>],
    /// Buffers that the operation asked for.
    pub scratch: &'a [View],
}
