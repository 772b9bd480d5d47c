//! Which data a model takes, as types: data of another shape does not compile.

use keras_kernels::Element;

use super::{Batch, Dims, Ports};

/// Data that a model with inputs of type `Input` takes: the same shapes; integers where it wants floats are converted.
#[diagnostic::on_unimplemented(
    message = "the model takes `{Input}`, not `{Self}`",
    label = "expected data of type `{Input}`",
    note = "shapes must be equal; only the element type may differ: integers are converted to floats"
)]
pub trait DataFor<Input>: Ports {}

impl<D: Dims, T: Element> DataFor<Batch<D>> for Batch<D, T> {}
impl<D: Dims, T: crate::losses::ClassNumber> DataFor<Batch<D, i32>> for Batch<D, T> {}
impl<D: Dims, T: crate::losses::ClassNumber> DataFor<Batch<D, i64>> for Batch<D, T> {}

macro_rules! tuples {
    ($(($($d:ident $i:ident),*));* $(;)?) => { $(
        impl<$($d: DataFor<$i>,)* $($i),*> DataFor<($($i,)*)> for ($($d,)*) {}
    )* };
}
tuples! {
    (D0 I0, D1 I1);
    (D0 I0, D1 I1, D2 I2);
    (D0 I0, D1 I1, D2 I2, D3 I3);
    (D0 I0, D1 I1, D2 I2, D3 I3, D4 I4);
    (D0 I0, D1 I1, D2 I2, D3 I3, D4 I4, D5 I5);
}
