//! Convolutions: their geometry, and the passes. All layers of the family are one or two of the device's convolutions.

use keras_kernels::activation::Activation;
use keras_kernels::conv::Conv;
use keras_kernels::elementwise::{Binary, Instr, Program};
use keras_kernels::reduce::{Axes, Reduce};
use keras_kernels::{Grad, MAX_RANK, Shape, View};

use crate::engine::Fuses;
use crate::layer::{Call, Context};
use crate::layers::options::{DataFormat, Padding, check_image};
use crate::layers::support::activated;
use crate::layers::support::window::{DIMS, Turn, fill, sizes, slide, too_large};
use crate::plan::{MaskRule, Message, Plan, PlanResult, Size, Spec, catalogue};
use crate::plan_try;

/// The options that all layers of the family have.
#[derive(Clone, Copy)]
pub(super) struct Window<const N: usize> {
    pub(super) kernel_size: Size<N>,
    pub(super) strides: Size<N>,
    pub(super) padding: Padding,
    pub(super) data_format: DataFormat,
    pub(super) dilation_rate: Size<N>,
    pub(super) activation: Activation,
}

/// What a layer computes with: the input and the output with channels last, as samples.
#[derive(Clone, Copy)]
pub(super) struct Images {
    pub(super) x: Spec,
    pub(super) y: Spec,
}

const ADD: Program<'static> =
    Program { instrs: &[Instr::Input(0), Instr::Input(1), Instr::Binary(Binary::Add, 0, 1)], outputs: &[2] };

impl<const N: usize> Window<N> {
    /// Refuses options and inputs that no convolution takes; the input with channels last.
    pub(super) const fn check(&self, x: &Spec) -> Result<Spec, Message> {
        plan_try!(check_image(x, N, self.data_format));
        if !x.dtype().is_float() {
            return Err(catalogue::float(x));
        }
        if self.kernel_size.has_zero() {
            return Err(catalogue::positive("kernel_size"));
        }
        if self.strides.has_zero() {
            return Err(catalogue::positive("strides"));
        }
        if self.dilation_rate.has_zero() {
            return Err(catalogue::positive("dilation_rate"));
        }
        Ok(x.with_shape(self.data_format.to_last(x.shape())))
    }

    /// As [`Window::check`], for layers to which Keras does not give strides and dilation at once.
    pub(super) const fn check_one_of_two(&self, x: &Spec) -> Result<Spec, Message> {
        let (mut strided, mut dilated) = (false, false);
        let mut i = 0;
        while i < N {
            strided |= self.strides.0[i] > 1;
            dilated |= self.dilation_rate.0[i] > 1;
            i += 1;
        }
        if strided && dilated {
            return Err(Message::new("`strides` and `dilation_rate` cannot both be above 1"));
        }
        self.check(x)
    }

    /// The output of a convolution with this many filters. `found` is the input in the layer's format.
    pub(super) const fn output(&self, x: Spec, found: &Spec, filters: usize) -> Result<Spec, Message> {
        if N > 1 && matches!(self.padding, Padding::Causal) {
            return Err(Message::new("`padding = causal` is for sequences: use `valid` or `same`"));
        }
        let mut shape = x.shape().with_last(filters);
        let mut i = 0;
        while i < N {
            let (window, dilation) = (self.kernel_size.0[i], self.dilation_rate.0[i]);
            let place = slide(x.dim(i), window, self.strides.0[i], dilation, self.padding);
            if place.output == 0 {
                let reach = (window - 1) * dilation + 1;
                return Err(too_large("kernel_size", reach, self.data_format.spatial() + i, found));
            }
            shape = shape.with_dim(i, place.output);
            i += 1;
        }
        Ok(x.with_shape(shape))
    }

    /// The output of a transposed convolution.
    pub(super) const fn transposed_output(
        &self,
        x: Spec,
        filters: usize,
        output_padding: &Option<Size<N>>,
    ) -> Result<Spec, Message> {
        if matches!(self.padding, Padding::Causal) {
            return Err(Message::new("`padding` of a transposed convolution is `valid` or `same`"));
        }
        let mut shape = x.shape().with_last(filters);
        let mut i = 0;
        while i < N {
            if let Some(extra) = output_padding
                && extra.0[i] >= self.strides.0[i]
            {
                let message = Message::new("`output_padding` must be less than `strides`, found ");
                return Err(message.number(extra.0[i]).text(" and ").number(self.strides.0[i]));
            }
            shape = shape.with_dim(i, self.spread(i, x.dim(i), output_padding).output);
            i += 1;
        }
        Ok(x.with_shape(shape))
    }

    /// Places of a transposed convolution along dimension `i`: the size of its output, and where the first window starts in it.
    const fn spread(
        &self,
        i: usize,
        n: usize,
        output_padding: &Option<Size<N>>,
    ) -> crate::layers::support::window::Slide {
        use crate::layers::support::window::Slide;
        let (stride, reach) = (self.strides.0[i], (self.kernel_size.0[i] - 1) * self.dilation_rate.0[i] + 1);
        let between = n.saturating_sub(1) * stride;
        let extra = match output_padding {
            Some(extra) => Some(extra.0[i]),
            None => None,
        };
        match (self.padding, extra) {
            (Padding::Same, None) => {
                let pad = stride + reach - 2;
                let left = if pad.div_ceil(2) < reach - 1 { pad.div_ceil(2) } else { reach - 1 };
                Slide { output: n * stride, before: reach - 1 - left }
            }
            (Padding::Same, Some(extra)) => {
                let pad = (reach + reach % 2 + extra).saturating_sub(2);
                let left = if pad.div_ceil(2) < reach - 1 { pad.div_ceil(2) } else { reach - 1 };
                Slide { output: between + reach % 2 + extra, before: reach - 1 - left }
            }
            (_, None) => Slide { output: between + if reach > stride { reach } else { stride }, before: 0 },
            (_, Some(extra)) => Slide { output: between + reach + extra, before: 0 },
        }
    }

    /// A plan for these images, with room for transposes first and for the activation last. In between, `kept` lives from
    /// forward to backward, and `room` during backward.
    pub(super) const fn plan(&self, images: &Images, kept: Option<Spec>, room: Option<Spec>) -> PlanResult {
        let output = images.y.with_shape(self.data_format.from_last(images.y.shape()));
        let mut plan = Turn::new(self.data_format).plan(Plan::new(output), images.x, images.y);
        if let Some(kept) = kept {
            plan = plan.save(kept);
        }
        if let Some(room) = room {
            plan = plan.backward_scratch(room);
        }
        activated::plan(plan.mask(MaskRule::Drop), self.activation, output)
    }

    /// Shape of a kernel: the window, then these two.
    pub(super) const fn kernel(&self, second_last: usize, last: usize) -> Shape {
        let mut dims = [1; MAX_RANK];
        let mut i = 0;
        while i < N {
            dims[i] = self.kernel_size.0[i];
            i += 1;
        }
        dims[N] = second_last;
        dims[N + 1] = last;
        Shape::of(dims.split_at(N + 2).0)
    }

    /// The geometry of a convolution from `x` to `y` (full shapes, channels last).
    pub(super) const fn conv(&self, x: Shape, y: Shape, groups: usize) -> Conv {
        let (kernel, strides, dilation) =
            (fill(&self.kernel_size), fill(&self.strides), fill(&self.dilation_rate));
        let input = sizes(x);
        let mut padding = [0; DIMS];
        let mut i = 0;
        while i < N {
            padding[i] = slide(input[i], kernel[i], strides[i], dilation[i], self.padding).before;
            i += 1;
        }
        let (batch, channels, filters) = (x.dim(0), x.last(), y.last());
        Conv {
            rank: N,
            batch,
            input,
            output: sizes(y),
            kernel,
            strides,
            dilation,
            padding,
            channels,
            filters,
            groups,
        }
    }

    /// The geometry of a call's convolution, whose input may lack the zeros that a layer before it puts around it.
    pub(super) fn framed(&self, call: &Call, x: Shape, y: Shape, groups: usize) -> Conv {
        let mut conv = self.conv(x, y, groups);
        conv.padding.iter_mut().zip(call.frame).for_each(|(padding, frame)| *padding += frame);
        conv
    }

    /// What a layer of this geometry can do for the calls around it: all with channels last, where no activation of its own comes between.
    pub(super) fn takes(&self) -> Fuses {
        let last = !self.data_format.is_first();
        Fuses {
            ending: last && self.activation.is_linear(),
            frame: last && matches!(self.padding, Padding::Valid),
            rectifier: false,
        }
    }

    /// The geometry of the convolution whose gradient the transposed convolution from `x` to `y` is: it goes from `y` to `x`.
    pub(super) fn transposed(&self, x: Shape, y: Shape, output_padding: &Option<Size<N>>) -> Conv {
        let mut conv = self.conv(y, x, 1);
        for i in 0..N {
            conv.padding[i] = self.spread(i, x.dim(i + 1), output_padding).before;
        }
        conv
    }

    pub(super) const fn turn(&self) -> Turn {
        Turn::new(self.data_format)
    }

    /// Computes the output: `compute` gets the input, where the result goes, and the activation that it may apply to it.
    /// It adds the bias as well.
    pub(super) fn forward(
        &self,
        cx: &Context<'_>,
        call: &Call,
        compute: impl FnOnce(View, View, Activation),
    ) {
        let turn = self.turn();
        let x = turn.input(cx, call);
        let (to, f) = activated::target(call, self.activation);
        if self.data_format.is_first() {
            compute(x, turn.output(call), Activation::Linear);
            turn.finish(cx, call, to);
            if !f.is_linear() {
                cx.device.activation(f, to, to);
            }
        } else if f.is_elementwise() {
            compute(x, to, f);
        } else {
            compute(x, to, Activation::Linear);
            cx.device.activation(f, to, to);
        }
        activated::finish(cx, call, self.activation);
    }

    /// The gradient before the activation, with channels last.
    pub(super) fn gradient(&self, cx: &Context<'_>, call: &Call) -> View {
        let dz = activated::gradient(cx, call, self.activation);
        self.turn().output_grad(cx, call, dz)
    }
}

/// A buffer of so many numbers that does not depend on the batch; none for 0.
pub(super) const fn room(numbers: usize) -> Option<Spec> {
    if numbers == 0 { None } else { Some(Spec::fixed(Shape::of(&[numbers]))) }
}

/// Adds a bias to each position, for convolutions that cannot add it on the way.
pub(super) fn add_bias(cx: &Context<'_>, bias: Option<View>, f: Activation, y: View) {
    if let Some(bias) = bias {
        cx.device.map(&ADD, &[], &[y, bias], &[Grad::write(y)]);
    }
    if !f.is_linear() {
        cx.device.activation(f, y, y);
    }
}

/// The gradient of a bias: the sum over all positions.
pub(super) fn bias_grad(cx: &Context<'_>, dz: View, dbias: Option<Grad>) {
    if let Some(dbias) = dbias {
        let filters = dz.shape().last();
        let rows = dz.reshape(Shape::of(&[dz.size() / filters.max(1), filters]));
        cx.device.reduce(Reduce::Sum, Axes::NONE.with(0), rows, dbias);
    }
}

/// The gradient of the weight at a place, if it is trained.
pub(super) fn weight_grad(call: &Call, at: usize) -> Option<Grad> {
    call.weight_grads.get(at).copied().flatten()
}
