//! What iterators of batches yield, as types.

use super::{Port, Ports, Takes};
use crate::losses::TakesLabels;
use crate::training::{BatchPorts, Batches, ports};
use crate::{Error, Result};

/// What an iterator of batches yields for a model with these inputs and outputs, trained with a loss `L`: `(x, y)`, or
/// `(x, y, sample_weight)` with a `Vec<f32>`, or a [`Result`] of one of them.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a batch for a model from `{Input}` to `{Output}`",
    label = "expected `(x, y)`, `(x, y, sample_weight)`, or a `Result` of one of them"
)]
pub trait IntoBatch<'a, Input, Output, L> {
    /// The batch without its type.
    ///
    /// # Errors
    /// Where making it failed.
    fn into_batch(self) -> Result<Box<dyn BatchPorts + 'a>>;
}

struct Parts<X, Y> {
    x: X,
    y: Y,
    weights: Option<Vec<f32>>,
}

impl<X: Ports, Y: Ports> BatchPorts for Parts<X, Y> {
    fn x(&self) -> Vec<Port<'_>> {
        ports(&self.x)
    }
    fn y(&self) -> Vec<Port<'_>> {
        ports(&self.y)
    }
    fn weights(&self) -> Option<&[f32]> {
        self.weights.as_deref()
    }
}

impl<'a, I, O, L, X, Y> IntoBatch<'a, I, O, L> for (X, Y)
where
    X: Ports + 'a,
    I: Takes<X>,
    Y: Ports + 'a,
    L: TakesLabels<O, Y>,
{
    fn into_batch(self) -> Result<Box<dyn BatchPorts + 'a>> {
        let (x, y) = self;
        Ok(Box::new(Parts { x, y, weights: None }))
    }
}

impl<'a, I, O, L, X, Y> IntoBatch<'a, I, O, L> for (X, Y, Vec<f32>)
where
    X: Ports + 'a,
    I: Takes<X>,
    Y: Ports + 'a,
    L: TakesLabels<O, Y>,
{
    fn into_batch(self) -> Result<Box<dyn BatchPorts + 'a>> {
        let (x, y, weights) = self;
        Ok(Box::new(Parts { x, y, weights: Some(weights) }))
    }
}

impl<'a, I, O, L, B: IntoBatch<'a, I, O, L>, E: Into<Error>> IntoBatch<'a, I, O, L> for Result<B, E> {
    fn into_batch(self) -> Result<Box<dyn BatchPorts + 'a>> {
        self.map_err(Into::into)?.into_batch()
    }
}

/// The batches of an iterator without their type.
pub(crate) fn untyped<'a, I, O, L, It>(batches: It) -> Batches<'a>
where
    It: IntoIterator<Item: IntoBatch<'a, I, O, L> + 'a>,
    It::IntoIter: Send + 'a,
{
    // A pointer: its type does not mention the model's types, which may be short-lived.
    let untyped: fn(It::Item) -> Result<Box<dyn BatchPorts + 'a>> = IntoBatch::<'a, I, O, L>::into_batch;
    Box::new(batches.into_iter().map(untyped))
}
