//! `take` and `cast`: indices and element types.

use keras_kernels::{DType, Shape, View};

use super::shapes::{full, spec_of};
use super::{Backward, Op};
use crate::layer::Context;
use crate::plan::{Message, Spec};

/// `take(table, ids)`: rows of a table, by the numbers in `ids`.
#[derive(Clone, Copy)]
pub struct Take;

impl Take {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        let (table, ids) = (&inputs[0], &inputs[1]);
        if table.batched() || table.rank() == 0 {
            return Err(Message::new("takes rows of a weight, found ").spec(table));
        }
        let mut shape = full(ids);
        if shape.rank() + table.rank() - 1 > keras_kernels::MAX_RANK {
            return Err(Message::new("the result would have more than 8 dimensions: found ids ").spec(ids));
        }
        let mut i = 1;
        while i < table.rank() {
            shape = shape.insert(shape.rank(), table.dim(i));
            i += 1;
        }
        spec_of(shape, table.dtype())
    }

    /// A table as a matrix.
    fn rows(table: View) -> Shape {
        let rows = table.shape().dim(0);
        Shape::of(&[rows, table.size() / rows.max(1)])
    }
}

impl Op for Take {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        let [table, ids] = [inputs[0], inputs[1]];
        let rows = Take::rows(table);
        cx.device.gather(
            table.reshape(rows),
            ids,
            y.reshape(ids.shape().insert(ids.shape().rank(), rows.dim(1))),
        );
    }

    fn backward(&self, cx: &Context<'_>, pass: &Backward<'_>) {
        let Some(dtable) = pass.grads[0] else { return };
        let (ids, rows) = (pass.inputs[1], Take::rows(dtable.view));
        let dy = pass.dy.reshape(ids.shape().insert(ids.shape().rank(), rows.dim(1)));
        cx.device.scatter_add(ids, dy, dtable.reshape(rows));
    }
}

/// `cast(x, int32)`: the whole part. No gradient flows through an integer.
#[derive(Clone, Copy)]
pub struct Cast;

impl Cast {
    /// The spec of the result.
    pub const fn spec(&self, inputs: &[Spec]) -> Result<Spec, Message> {
        Ok(inputs[0].with_dtype(DType::I32))
    }
}

impl Op for Cast {
    fn forward(&self, cx: &Context<'_>, inputs: &[View], y: View, _: &[View]) {
        cx.device.cast(inputs[0], y);
    }

    fn backward(&self, _: &Context<'_>, _: &Backward<'_>) {}
}
