//! Which data a model takes, as types: data of another shape does not compile.

use keras_kernels::Element;

use super::{Batch, Dims, Ports};

/// What a model declares as its input, seen as a place for data of type `X`: the same shapes; integers where it wants floats are
/// converted.
///
/// There is one implementation for each kind of input, so that rustc knows the data's type from the model's, and says where they
/// differ: "expected `28`, found `32`".
#[diagnostic::on_unimplemented(
    message = "the model takes `{Self}`, not `{X}`",
    label = "expected data of type `{Self}`"
)]
pub trait Takes<X: Ports> {}

impl<D: Dims, T: Holds<U>, U: Element> Takes<Batch<D, U>> for Batch<D, T> {}

/// An element type of a model's input, and one that data for it may have.
#[diagnostic::on_unimplemented(
    message = "the model takes numbers of type `{Self}`, not `{T}`",
    label = "expected `{Self}`",
    note = "a model of floats takes any numbers, one of integers takes integers"
)]
pub trait Holds<T>: Element {}

impl<T: Element> Holds<T> for f32 {}
impl<T: Element> Holds<T> for f64 {}

impl Holds<u8> for u8 {}
impl Holds<u8> for i32 {}
impl Holds<i32> for i32 {}
impl Holds<i64> for i32 {}
impl Holds<u8> for i64 {}
impl Holds<i32> for i64 {}
impl Holds<i64> for i64 {}

macro_rules! tuples {
    ($(($($x:ident $i:ident),*));* $(;)?) => { $(
        impl<$($x: Ports,)* $($i: Takes<$x>),*> Takes<($($x,)*)> for ($($i,)*) {}
    )* };
}
tuples! {
    (X0 I0, X1 I1);
    (X0 I0, X1 I1, X2 I2);
    (X0 I0, X1 I1, X2 I2, X3 I3);
    (X0 I0, X1 I1, X2 I2, X3 I3, X4 I4);
    (X0 I0, X1 I1, X2 I2, X3 I3, X4 I4, X5 I5);
}
