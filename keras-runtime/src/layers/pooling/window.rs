//! Pooling with windows: the geometry, and the passes.

use keras_kernels::pool::{Pool, PoolKind};
use keras_kernels::{Shape, View};

use crate::layer::{Call, Context};
use crate::layers::options::{DataFormat, Padding, check_image};
use crate::layers::support::window::{DIMS, Turn, fill, sizes, slide, too_large};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Size, Spec, catalogue};
use crate::plan_try;

/// The options of a pooling layer of `N` dimensions.
#[derive(Clone, Copy)]
pub(super) struct Window<const N: usize> {
    pub(super) kind: PoolKind,
    pub(super) pool_size: Size<N>,
    pub(super) strides: Option<Size<N>>,
    pub(super) padding: Padding,
    pub(super) data_format: DataFormat,
}

impl<const N: usize> Window<N> {
    const fn strides(&self) -> Size<N> {
        match self.strides {
            Some(strides) => strides,
            None => self.pool_size,
        }
    }

    pub(super) const fn plan(&self, x: &Spec) -> PlanResult {
        plan_try!(check_image(x, N, self.data_format));
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if self.pool_size.has_zero() {
            return Err(catalogue::positive("pool_size"));
        }
        if self.strides().has_zero() {
            return Err(catalogue::positive("strides"));
        }
        if matches!(self.padding, Padding::Causal) {
            return Err(Message::new("`padding` of a pooling is `valid` or `same`"));
        }
        let last = self.data_format.to_last(x.shape());
        let mut shape = last;
        let mut i = 0;
        while i < N {
            let place = slide(last.dim(i), self.pool_size.0[i], self.strides().0[i], 1, self.padding);
            if place.output == 0 {
                return Err(too_large("pool_size", self.pool_size.0[i], self.data_format.spatial() + i, x));
            }
            shape = shape.with_dim(i, place.output);
            i += 1;
        }
        let output = x.with_shape(self.data_format.from_last(shape));
        let plan = Plan::new(output).mask(MaskRule::Drop);
        Ok(Turn::new(self.data_format).plan(plan, x.with_shape(last), x.with_shape(shape)))
    }

    fn pool(&self, x: Shape, y: Shape) -> Pool {
        let (input, window, strides) = (sizes(x), fill(&self.pool_size), fill(&self.strides()));
        let mut padding = [0; DIMS];
        for i in 0..N {
            padding[i] = slide(input[i], window[i], strides[i], 1, self.padding).before;
        }
        let (batch, channels) = (x.dim(0), x.last());
        Pool { kind: self.kind, rank: N, batch, input, output: sizes(y), window, strides, padding, channels }
    }

    pub(super) fn forward(&self, cx: &Context<'_>, call: &Call) {
        let turn = Turn::new(self.data_format);
        let (x, y) = (turn.input(cx, call), turn.output(call));
        cx.device.pool(&self.pool(x.shape(), y.shape()), x, y);
        turn.finish(cx, call, call.outputs[0]);
    }

    pub(super) fn backward(&self, cx: &Context<'_>, call: &Call) {
        let turn = Turn::new(self.data_format);
        let (x, y): (View, View) = (turn.kept_input(call), turn.output(call));
        let dy = turn.output_grad(cx, call, call.output_grads[0]);
        turn.input_grad(cx, call, |dx| cx.device.pool_grad(&self.pool(x.shape(), y.shape()), x, y, dy, dx));
    }
}
