use keras_kernels::layout::Walk;
use keras_kernels::{Grad, Shape, View};

use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Interpolation, check_image};
use crate::layers::support::{resize, walks};
use crate::plan::{MaskRule, Plan, PlanResult, Size, Spec, catalogue};
use crate::{plan_inputs, plan_try};

const fn plan<const N: usize>(x: Spec, size: &Size<N>, format: DataFormat) -> PlanResult {
    plan_try!(check_image(&x, N, format));
    if size.has_zero() {
        return Err(catalogue::positive("size"));
    }
    let mut shape = x.shape();
    let mut i = 0;
    while i < N {
        let at = format.spatial() + i;
        shape = shape.with_dim(at, x.dim(at).saturating_mul(size.0[i]));
        i += 1;
    }
    Ok(Plan::new(x.with_shape(shape)).mask(MaskRule::Drop))
}

/// Repeats positions; the way back sums them.
fn walk<const N: usize>(x: Shape, size: &Size<N>, format: DataFormat) -> Walk {
    let mut times = [(0, 1); N];
    for (i, n) in size.0.iter().enumerate() {
        times[i] = (1 + format.spatial() + i, *n);
    }
    walks::repeat(x, &times)
}

fn forward<const N: usize>(cx: &Context<'_>, call: &Call, size: &Size<N>, format: DataFormat) {
    let x = call.inputs[0];
    cx.device.walk(&walk(x.shape(), size, format), x, Grad::write(call.outputs[0]));
}

fn backward<const N: usize>(cx: &Context<'_>, call: &Call, size: &Size<N>, format: DataFormat) {
    if let Some(dx) = call.input_grads[0] {
        cx.device.walk(&walks::reverse(walk(dx.view.shape(), size, format)), call.output_grads[0], dx);
    }
}

/// Interpolation weights from `n` pixels to `n * size`.
const fn weights(n: usize, size: usize) -> Spec {
    Spec::fixed(Shape::of(&[n.saturating_mul(size), n]))
}

/// Each step of a sequence several times.
///
/// * Input: `[steps, channels]`.
/// * Output: `[steps * size, channels]`. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling1d/>.
///
/// ```
/// use keras_runtime::layers::UpSampling1D;
/// use keras_runtime::plan::Spec;
///
/// let plan = UpSampling1D::new(3).plan(&[Spec::of(&[10, 8])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[30, 8]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct UpSampling1D {
    /// How often (in Keras the default is 2).
    pub size: usize,
}

impl UpSampling1D {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        plan(inputs[0], &Size([self.size]), DataFormat::ChannelsLast)
    }
}

impl Layer for UpSampling1D {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        forward(cx, call, &Size([self.size]), DataFormat::ChannelsLast);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        backward(cx, call, &Size([self.size]), DataFormat::ChannelsLast);
    }
}

/// Each pixel of a volume several times along each dimension.
///
/// * Input: `[depth, height, width, channels]`, or channels first.
/// * Output: the same with dimensions times `size`. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling3d/>.
///
/// ```
/// use keras_runtime::layers::UpSampling3D;
/// use keras_runtime::plan::Spec;
///
/// let plan = UpSampling3D::new(2).plan(&[Spec::of(&[4, 4, 4, 8])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8, 8, 8, 8]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct UpSampling3D {
    /// How often (in Keras the default is 2).
    pub size: Size<3>,
    /// Where the channels are (default `channels_last`).
    #[config(default = DataFormat::ChannelsLast)]
    pub data_format: DataFormat,
}

impl UpSampling3D {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        plan(inputs[0], &self.size, self.data_format)
    }
}

impl Layer for UpSampling3D {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        forward(cx, call, &self.size, self.data_format);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        backward(cx, call, &self.size, self.data_format);
    }
}

/// Each pixel of an image several times along each dimension, or what lies between the pixels.
///
/// * Input: `[height, width, channels]`, or channels first.
/// * Output: the same with dimensions times `size`. It has no mask.
///
/// Source: <https://keras.io/api/layers/reshaping_layers/up_sampling2d/>.
///
/// ```
/// use keras_runtime::layers::UpSampling2D;
/// use keras_runtime::plan::Spec;
///
/// let plan = UpSampling2D::new([2, 3]).plan(&[Spec::of(&[8, 8, 1])]).unwrap();
/// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[16, 24, 1]));
/// ```
#[derive(keras_macros::Layer, Clone, Copy, Debug)]
pub struct UpSampling2D {
    /// How often (in Keras the default is 2).
    pub size: Size<2>,
    /// Where the channels are (default `channels_last`).
    #[config(default = DataFormat::ChannelsLast)]
    pub data_format: DataFormat,
    /// What stands between the pixels (default `nearest`).
    #[config(default = Interpolation::Nearest)]
    pub interpolation: Interpolation,
}

impl UpSampling2D {
    /// What it needs for an input of this spec.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        plan_inputs!(inputs, 1);
        let x = inputs[0];
        let plan = plan_try!(plan(x, &self.size, self.data_format));
        if self.repeats() {
            return Ok(plan);
        }
        if !x.dtype().is_float() {
            return Err(catalogue::float(&x));
        }
        // Weights of both dimensions, and the image after the first.
        let (rows, cols) = (self.data_format.spatial(), self.data_format.spatial() + 1);
        let between = x.with_shape(x.shape().with_dim(rows, x.dim(rows).saturating_mul(self.size.0[0])));
        let (down, across) = (weights(x.dim(rows), self.size.0[0]), weights(x.dim(cols), self.size.0[1]));
        let plan = plan.scratch(between).scratch(down).scratch(across);
        Ok(plan.backward_scratch(between).backward_scratch(down).backward_scratch(across))
    }

    const fn repeats(&self) -> bool {
        matches!(self.interpolation, Interpolation::Nearest)
    }

    /// Makes the weights, which are few: a product with them takes much longer.
    fn weights(&self, cx: &Context<'_>, scratch: &[View]) -> [View; 2] {
        [scratch[1], scratch[2]].map(|to| {
            resize::weights(cx, self.interpolation, to);
            to
        })
    }
}

impl Layer for UpSampling2D {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        if self.repeats() {
            return forward(cx, call, &self.size, self.data_format);
        }
        let (between, rows) = (call.scratch[0], 1 + self.data_format.spatial());
        let [down, across] = self.weights(cx, &call.scratch);
        resize::along(cx, rows, down, false, call.inputs[0], Grad::write(between));
        resize::along(cx, rows + 1, across, false, between, Grad::write(call.outputs[0]));
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        if self.repeats() {
            return backward(cx, call, &self.size, self.data_format);
        }
        let Some(dx) = call.input_grads[0] else { return };
        let (between, rows) = (call.backward_scratch[0], 1 + self.data_format.spatial());
        let [down, across] = self.weights(cx, &call.backward_scratch);
        resize::along(cx, rows + 1, across, true, call.output_grads[0], Grad::write(between));
        resize::along(cx, rows, down, true, between, dx);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(UpSampling1D::new(2)).input(Spec::of(&[3, 2])).run();
        LayerCheck::new(UpSampling2D::new([1, 3])).input(Spec::of(&[2, 3, 2])).run();
        let first = UpSampling2D::new(2).data_format(DataFormat::ChannelsFirst);
        LayerCheck::new(first).input(Spec::of(&[2, 3, 2])).run();
        for method in [Interpolation::Bilinear, Interpolation::Bicubic, Interpolation::Lanczos3] {
            let layer = UpSampling2D::new([2, 3]).interpolation(method);
            LayerCheck::new(layer).input(Spec::of(&[2, 3, 2])).run();
            LayerCheck::new(layer.data_format(DataFormat::ChannelsFirst)).input(Spec::of(&[2, 3, 2])).run();
        }
        LayerCheck::new(UpSampling3D::new(2)).input(Spec::of(&[2, 1, 2, 2])).run();
    }

    #[test]
    fn refusals() {
        let message = UpSampling1D::new(0).plan(&[Spec::of(&[3, 2])]).unwrap_err().to_string();
        assert_eq!(message, "`size` must be at least 1, found 0");
    }
}
