//! Adding to, and taking from, the borders of images.

use keras_kernels::conv::MAX_SPATIAL;
use keras_kernels::layout::Walk;
use keras_kernels::{Grad, MAX_RANK, Shape};

use super::walks;
use crate::engine::Role;
use crate::layer::{Call, Context};
use crate::layers::options::{Borders, DataFormat, check_image};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec};
use crate::plan_try;

/// The plan of a layer that adds zeros at the borders.
pub(crate) const fn plan_padding<const N: usize>(
    x: Spec,
    borders: &Borders<N>,
    format: DataFormat,
) -> PlanResult {
    plan_try!(check_image(&x, N, format));
    let mut shape = x.shape();
    let mut i = 0;
    while i < N {
        let at = format.spatial() + i;
        shape = shape.with_dim(at, x.dim(at) + borders.0[i][0] + borders.0[i][1]);
        i += 1;
    }
    Ok(Plan::new(x.with_shape(shape)).mask(MaskRule::Drop))
}

/// What a layer that adds zeros at the borders is to a fused pass.
pub(crate) fn role<const N: usize>(borders: &Borders<N>, format: DataFormat) -> Role {
    if format.is_first() {
        return Role::Alone;
    }
    let mut before = [0; MAX_SPATIAL];
    before.iter_mut().zip(&borders.0).for_each(|(before, border)| *before = border[0]);
    Role::Frame(before)
}

/// The plan of a layer that cuts the borders off.
pub(crate) const fn plan_cropping<const N: usize>(
    x: Spec,
    borders: &Borders<N>,
    format: DataFormat,
) -> PlanResult {
    plan_try!(check_image(&x, N, format));
    let mut shape = x.shape();
    let mut i = 0;
    while i < N {
        let at = format.spatial() + i;
        let cut = borders.0[i][0] + borders.0[i][1];
        if cut >= x.dim(at) {
            let message = Message::new("`cropping` takes ").number(cut).text(" of ").number(x.dim(at));
            return Err(message.text(" along dimension ").number(at + 1).text(" of ").spec(&x));
        }
        shape = shape.with_dim(at, x.dim(at) - cut);
        i += 1;
    }
    Ok(Plan::new(x.with_shape(shape)).mask(MaskRule::Drop))
}

/// From the outer image to the inner one.
fn walk<const N: usize>(outer: Shape, inner: Shape, borders: &Borders<N>, format: DataFormat) -> Walk {
    let mut offsets = [0; MAX_RANK];
    for (i, border) in borders.0.iter().enumerate() {
        offsets[1 + format.spatial() + i] = border[0];
    }
    walks::extract(outer, &offsets, inner)
}

/// Copies an image into a larger one; what lies outside is 0, or keeps its value if `outer` is added to.
pub(crate) fn put<const N: usize>(
    cx: &Context<'_>,
    inner: keras_kernels::View,
    outer: Grad,
    borders: &Borders<N>,
    format: DataFormat,
) {
    if !outer.adds() {
        cx.device.fill(0.0, outer.view);
    }
    let walk = walk(outer.view.shape(), inner.shape(), borders, format);
    cx.device.walk(&walks::reverse(walk), inner, outer);
}

/// Copies an image out of a larger one.
pub(crate) fn take<const N: usize>(
    cx: &Context<'_>,
    outer: keras_kernels::View,
    inner: Grad,
    borders: &Borders<N>,
    format: DataFormat,
) {
    cx.device.walk(&walk(outer.shape(), inner.view.shape(), borders, format), outer, inner);
}

/// Forward of padding.
pub(crate) fn pad<const N: usize>(cx: &Context<'_>, call: &Call, borders: &Borders<N>, format: DataFormat) {
    put(cx, call.inputs[0], Grad::write(call.outputs[0]), borders, format);
}

/// Backward of padding.
pub(crate) fn pad_grad<const N: usize>(
    cx: &Context<'_>,
    call: &Call,
    borders: &Borders<N>,
    format: DataFormat,
) {
    if let Some(dx) = call.input_grads[0] {
        take(cx, call.output_grads[0], dx, borders, format);
    }
}

/// Forward of cropping.
pub(crate) fn crop<const N: usize>(cx: &Context<'_>, call: &Call, borders: &Borders<N>, format: DataFormat) {
    take(cx, call.inputs[0], Grad::write(call.outputs[0]), borders, format);
}

/// Backward of cropping.
pub(crate) fn crop_grad<const N: usize>(
    cx: &Context<'_>,
    call: &Call,
    borders: &Borders<N>,
    format: DataFormat,
) {
    if let Some(dx) = call.input_grads[0] {
        put(cx, call.output_grads[0], dx, borders, format);
    }
}
