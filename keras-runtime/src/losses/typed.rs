//! Which labels a loss takes, as types: labels of another shape or kind do not compile.

use keras_kernels::Element;

use super::*;
use crate::model::{Batch, D0, D1, Dims, Outer, Ports};

/// An integer that can be the number of a class.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot be the number of a class",
    label = "class numbers are `u8`, `i32` or `i64`"
)]
pub trait ClassNumber: Element {}
impl ClassNumber for u8 {}
impl ClassNumber for i32 {}
impl ClassNumber for i64 {}

/// A loss that can compare an output of type `Output` with labels of type `Labels`.
#[diagnostic::on_unimplemented(
    message = "`{Self}` cannot take labels `{Labels}` for an output `{Output}`",
    label = "labels of another shape or element type are expected",
    note = "`SparseCategoricalCrossentropy` takes class numbers: integers, of the output's shape without its last dimension",
    note = "`CategoricalCrossentropy`, `BinaryCrossentropy`, `MeanSquaredError` and the others take labels of the output's own shape"
)]
pub trait TakesLabels<Output, Labels> {}

/// A loss, or a tuple of losses, one for each output.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a loss for the output `{Output}`",
    label = "expected a loss, or a tuple with one for each output"
)]
pub trait Losses<Output> {
    /// The losses in order.
    fn into_losses(self) -> Vec<Box<dyn Loss>>;
}

impl<D: Dims, L: Loss + 'static> Losses<Batch<D>> for L {
    fn into_losses(self) -> Vec<Box<dyn Loss>> {
        vec![Box::new(self)]
    }
}

impl<D, T> TakesLabels<Batch<D>, Batch<D::Outer, T>> for SparseCategoricalCrossentropy
where
    D: Outer,
    T: ClassNumber,
{
}

macro_rules! same_shape {
    ($($name:ident),*) => { $(
        impl<D: Dims, T: Element> TakesLabels<Batch<D>, Batch<D, T>> for $name {}
        // One number a sample, for an output of one number.
        impl<T: Element> TakesLabels<Batch<D1<1>>, Batch<D0, T>> for $name {}
    )* };
}
same_shape!(
    BinaryCrossentropy,
    CategoricalCrossentropy,
    BinaryFocalCrossentropy,
    CategoricalFocalCrossentropy,
    MeanSquaredError,
    MeanAbsoluteError,
    MeanAbsolutePercentageError,
    MeanSquaredLogarithmicError,
    CosineSimilarity,
    Huber,
    LogCosh,
    Hinge,
    SquaredHinge,
    CategoricalHinge,
    KLDivergence,
    Poisson,
    Dice,
    Tversky
);

/// A loss chosen at run time takes any labels; whether they fit is checked when training starts.
impl<O: Ports, Y: Ports> TakesLabels<O, Y> for Box<dyn Loss> {}

impl Loss for Box<dyn Loss> {
    fn class_name(&self) -> &'static str {
        (**self).class_name()
    }
    fn common(&self) -> &Common {
        (**self).common()
    }
    fn options(&self) -> Config {
        (**self).options()
    }
    fn label_kind(&self) -> LabelKind {
        (**self).label_kind()
    }
    fn axes(&self) -> RowAxes {
        (**self).axes()
    }
    fn rows<'t>(&self, labels: Expr<'t>, predictions: Expr<'t>) -> Expr<'t> {
        (**self).rows(labels, predictions)
    }
    fn ignored_class(&self) -> Option<f64> {
        (**self).ignored_class()
    }
    fn convert_labels(&self, from: &[f32], to: &mut [f32]) -> bool {
        (**self).convert_labels(from, to)
    }
    fn arguments(&self) -> Option<Config> {
        (**self).arguments()
    }
    fn boxed(&self) -> Box<dyn Loss> {
        (**self).boxed()
    }
    fn config(&self) -> Config {
        (**self).config()
    }
}

macro_rules! tuples {
    ($(($($l:ident $o:ident $y:ident $i:tt),*));* $(;)?) => { $(
        impl<$($l: Losses<$o>,)* $($o),*> Losses<($($o,)*)> for ($($l,)*) {
            fn into_losses(self) -> Vec<Box<dyn Loss>> {
                let mut all = Vec::new();
                $(all.extend(self.$i.into_losses());)*
                all
            }
        }
        impl<$($l: TakesLabels<$o, $y>,)* $($o,)* $($y),*> TakesLabels<($($o,)*), ($($y,)*)> for ($($l,)*) {}
    )* };
}
tuples! {
    (L0 O0 Y0 0, L1 O1 Y1 1);
    (L0 O0 Y0 0, L1 O1 Y1 1, L2 O2 Y2 2);
    (L0 O0 Y0 0, L1 O1 Y1 1, L2 O2 Y2 2, L3 O3 Y3 3);
    (L0 O0 Y0 0, L1 O1 Y1 1, L2 O2 Y2 2, L3 O3 Y3 3, L4 O4 Y4 4);
    (L0 O0 Y0 0, L1 O1 Y1 1, L2 O2 Y2 2, L3 O3 Y3 3, L4 O4 Y4 4, L5 O5 Y5 5);
}
