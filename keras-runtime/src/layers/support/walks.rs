//! Walks that layers take: transposes, boxes inside tensors, and the way back.

use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use crate::layer::{Call, Context};

/// Strides of a row-major tensor, as a walk takes them.
pub(crate) fn strides(shape: Shape) -> [isize; MAX_RANK] {
    shape.strides().map(|s| s as isize)
}

/// Dimension `i` of the result is dimension `axes[i]` of a tensor of shape `from`.
pub(crate) fn transpose(from: Shape, axes: &[usize]) -> Walk {
    let steps = strides(from);
    let (mut dims, mut from_strides) = ([1; MAX_RANK], [0; MAX_RANK]);
    for (i, axis) in axes.iter().enumerate() {
        dims[i] = from.dim(*axis);
        from_strides[i] = steps[*axis];
    }
    let shape = Shape::of(&dims[..axes.len()]);
    Walk { shape, from: 0, from_strides, to: 0, to_strides: strides(shape) }
}

/// A box of shape `inner` that starts at `offsets` in a tensor of shape `outer`, copied out of it.
pub(crate) fn extract(outer: Shape, offsets: &[usize; MAX_RANK], inner: Shape) -> Walk {
    let steps = outer.strides();
    let from = (0..outer.rank()).map(|i| steps[i] * offsets[i]).sum();
    Walk { shape: inner, from, from_strides: strides(outer), to: 0, to_strides: strides(inner) }
}

/// The way back: what was read is written. This is also the gradient.
pub(crate) fn reverse(walk: Walk) -> Walk {
    Walk {
        shape: walk.shape,
        from: walk.to,
        from_strides: walk.to_strides,
        to: walk.from,
        to_strides: walk.from_strides,
    }
}

/// Copies a tensor, or adds it.
pub(crate) fn copy(cx: &Context<'_>, from: View, to: Grad) {
    let steps = strides(from.shape());
    cx.device.walk(
        &Walk { shape: from.shape(), from: 0, from_strides: steps, to: 0, to_strides: steps },
        from,
        to,
    );
}

/// Channels of a batch of images moved from the second to the last dimension.
pub(crate) fn channels_to_last(from: Shape) -> Walk {
    let rank = from.rank();
    let mut axes = [0; MAX_RANK];
    for (i, axis) in axes[1..rank - 1].iter_mut().enumerate() {
        *axis = i + 2;
    }
    axes[rank - 1] = 1;
    transpose(from, &axes[..rank])
}

/// Forward of a layer whose plan is an alias, for whoever runs it with buffers of its own.
pub(crate) fn forward_alias(cx: &Context<'_>, call: &Call) {
    let x = call.inputs[0];
    copy(cx, x, Grad::write(call.outputs[0].reshape(x.shape())));
}

/// Its gradient.
pub(crate) fn backward_alias(cx: &Context<'_>, call: &Call) {
    if let Some(dx) = call.input_grads[0] {
        copy(cx, call.output_grads[0].reshape(dx.view.shape()), dx);
    }
}

/// Repeats each element `n` times along each of these axes (in ascending order), side by side. The way back sums.
///
/// A repeated axis is two dimensions of the walk, so that the rank and the number of axes together are at most 8.
pub(crate) fn repeat(from: Shape, times: &[(usize, usize)]) -> Walk {
    let steps = strides(from);
    let (mut dims, mut from_strides) = ([1; MAX_RANK], [0; MAX_RANK]);
    let mut rank = 0;
    for axis in 0..from.rank() {
        (dims[rank], from_strides[rank]) = (from.dim(axis), steps[axis]);
        rank += 1;
        if let Some((_, n)) = times.iter().find(|(at, _)| *at == axis) {
            (dims[rank], from_strides[rank]) = (*n, 0);
            rank += 1;
        }
    }
    let shape = Shape::of(&dims[..rank]);
    Walk { shape, from: 0, from_strides, to: 0, to_strides: strides(shape) }
}
