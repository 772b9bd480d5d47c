use keras_kernels::activation::Activation;
use keras_kernels::{Shape, View};

use super::window::{self, Images, Window};
use crate::engine::Fuses;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Padding};
use crate::layers::support::chain;
use crate::plan::{Plan, PlanResult, Size, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// The layers differ in their rank.
macro_rules! depthwise_conv {
    ($(#[$docs:meta])* $name:ident, $dims:literal) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        #[layer(weights(kernel, bias?))]
        pub struct $name {
            /// Size of the window.
            pub kernel_size: Size<$dims>,
            /// Step of the window (default 1).
            #[config(default = Size([1; $dims]))]
            pub strides: Size<$dims>,
            /// `valid`, `same`, or `causal` for sequences (default `valid`).
            #[config(default = Padding::Valid)]
            pub padding: Padding,
            /// Filters for each channel of the input (default 1).
            #[config(default = 1)]
            pub depth_multiplier: usize,
            /// Where the channels are (default `channels_last`).
            #[config(default = DataFormat::ChannelsLast)]
            pub data_format: DataFormat,
            /// Distance of the window's elements (default 1).
            #[config(default = Size([1; $dims]))]
            pub dilation_rate: Size<$dims>,
            /// Applied to the result (default `linear`).
            #[config(default = Activation::Linear)]
            pub activation: Activation,
            /// Whether a bias is added (default true).
            #[config(default = true)]
            pub use_bias: bool,
            /// How the depthwise kernel starts (default `glorot_uniform`).
            #[config(default = Initializer::GLOROT_UNIFORM)]
            pub depthwise_initializer: Initializer,
            /// How the bias starts (default `zeros`).
            #[config(default = Initializer::Zeros)]
            pub bias_initializer: Initializer,
            /// Penalty on the depthwise kernel (default none).
            #[config(default = None)]
            pub depthwise_regularizer: Option<Regularizer>,
            /// Penalty on the bias (default none).
            #[config(default = None)]
            pub bias_regularizer: Option<Regularizer>,
            /// What the depthwise kernel is projected onto after each step (default nothing).
            #[config(default = None)]
            pub depthwise_constraint: Option<Constraint>,
            /// What the bias is projected onto after each step (default nothing).
            #[config(default = None)]
            pub bias_constraint: Option<Constraint>,
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                let window = self.window();
                let x = plan_try!(window.check(&inputs[0]));
                if self.depth_multiplier == 0 {
                    return Err(catalogue::positive("depth_multiplier"));
                }
                let channels = x.last() * self.depth_multiplier;
                let y = plan_try!(window.output(x, &inputs[0], channels));
                let kernel = WeightSpec::new("kernel", window.kernel(x.last(), self.depth_multiplier), self.depthwise_initializer)
                    .regularizer(self.depthwise_regularizer)
                    .constraint(self.depthwise_constraint);
                let plan = plan_try!(window.plan(&Images { x, y }, None, None));
                Ok(self.with_bias(plan.weight(kernel), channels))
            }

            /// The plan with a bias for this many channels.
            const fn with_bias(&self, plan: Plan, channels: usize) -> Plan {
                if !self.use_bias {
                    return plan;
                }
                let bias = WeightSpec::new("bias", Shape::of(&[channels]), self.bias_initializer);
                plan.weight(bias.regularizer(self.bias_regularizer).constraint(self.bias_constraint))
            }

            const fn window(&self) -> Window<$dims> {
                Window {
                    kernel_size: self.kernel_size,
                    strides: self.strides,
                    padding: self.padding,
                    data_format: self.data_format,
                    dilation_rate: self.dilation_rate,
                    activation: self.activation,
                }
            }
        }

        impl Layer for $name {
            fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
                self.plan(inputs)
            }

            fn takes(&self, _inputs: &[Spec]) -> Fuses {
                self.window().takes()
            }

            fn compose(&self, cx: &Context<'_>, call: &Call, _scale: View, shift: View) {
                chain::add(cx.device, call.weights.get(1).copied(), shift);
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                let (window, bias) = (self.window(), call.weights.get(1).copied());
                window.forward(cx, call, |x, y, f| {
                    let conv = window.framed(call, x.shape(), y.shape(), x.shape().last());
                    cx.device.conv(&conv, x, call.weights[0], None, &call.epilogue(bias, f), y);
                });
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                let window = self.window();
                let (x, dz) = (window.turn().kept_input(call), window.gradient(cx, call));
                let conv = window.conv(x.shape(), dz.shape(), x.shape().last());
                if let Some(dkernel) = window::weight_grad(call, 0) {
                    cx.device.conv_kernel_grad(&conv, x, dz, dkernel);
                }
                window::bias_grad(cx, dz, window::weight_grad(call, 1));
                let kernel = call.weights[0];
                window.turn().input_grad(cx, call, |dx| cx.device.conv_data_grad(&conv, dz, kernel, None, dx));
            }
        }
    };
}

depthwise_conv! {
    /// A convolution over sequences that treats each channel on its own: `activation(x * kernel + bias)`.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `channels * depth_multiplier` channels, and other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `kernel [kernel_size, channels, depth_multiplier]`, `bias [channels * depth_multiplier]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/depthwise_convolution1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{DepthwiseConv1D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = DepthwiseConv1D::new(3).padding(Padding::Same).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 8]));
    /// ```
    DepthwiseConv1D, 1
}

depthwise_conv! {
    /// A convolution over images that treats each channel on its own: `activation(x * kernel + bias)`.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `channels * depth_multiplier` channels, and other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `kernel [kernel_size.., channels, depth_multiplier]`, `bias [channels * depth_multiplier]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/depthwise_convolution2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{DepthwiseConv2D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = DepthwiseConv2D::new(3).padding(Padding::Same).plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[28, 28, 8]));
    /// ```
    DepthwiseConv2D, 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check =
            |layer: DepthwiseConv1D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(DepthwiseConv1D::new(2), &[5, 3]);
        check(DepthwiseConv1D::new(3).padding(Padding::Same).strides(2).depth_multiplier(2), &[6, 2]);
        let check =
            |layer: DepthwiseConv2D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(DepthwiseConv2D::new([3, 2]).depth_multiplier(2).activation(Activation::Relu6), &[4, 3, 2]);
        check(DepthwiseConv2D::new(3).padding(Padding::Same).use_bias(false), &[3, 4, 2]);
        check(DepthwiseConv2D::new(2).dilation_rate(2).data_format(DataFormat::ChannelsFirst), &[2, 4, 4]);
    }

    #[test]
    fn refusals() {
        let message = |layer: DepthwiseConv2D| layer.plan(&[Spec::of(&[4, 4, 2])]).unwrap_err().to_string();
        assert_eq!(
            message(DepthwiseConv2D::new(3).depth_multiplier(0)),
            "`depth_multiplier` must be at least 1, found 0"
        );
    }
}
