use keras_kernels::activation::Activation;
use keras_kernels::conv::Epilogue;
use keras_kernels::{Grad, Shape, View};

use super::window::{self, Images, Window};
use crate::engine::Fuses;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Padding};
use crate::layers::support::chain;
use crate::plan::{Message, Plan, PlanResult, Size, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// The layers differ in their rank.
macro_rules! separable_conv {
    ($(#[$docs:meta])* $name:ident, $dims:literal) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        #[layer(weights(depthwise_kernel, pointwise_kernel, bias?))]
        pub struct $name {
            /// Number of filters: channels of the output.
            pub filters: usize,
            /// Size of the window.
            pub kernel_size: Size<$dims>,
            /// Step of the window (default 1).
            #[config(default = Size([1; $dims]))]
            pub strides: Size<$dims>,
            /// `valid` or `same` (default `valid`).
            #[config(default = Padding::Valid)]
            pub padding: Padding,
            /// Where the channels are (default `channels_last`).
            #[config(default = DataFormat::ChannelsLast)]
            pub data_format: DataFormat,
            /// Distance of the window's elements (default 1).
            #[config(default = Size([1; $dims]))]
            pub dilation_rate: Size<$dims>,
            /// Depthwise filters for each channel of the input (default 1).
            #[config(default = 1)]
            pub depth_multiplier: usize,
            /// Applied to the result (default `linear`).
            #[config(default = Activation::Linear)]
            pub activation: Activation,
            /// Whether a bias is added (default true).
            #[config(default = true)]
            pub use_bias: bool,
            /// How the depthwise kernel starts (default `glorot_uniform`).
            #[config(default = Initializer::GLOROT_UNIFORM)]
            pub depthwise_initializer: Initializer,
            /// How the pointwise kernel starts (default `glorot_uniform`).
            #[config(default = Initializer::GLOROT_UNIFORM)]
            pub pointwise_initializer: Initializer,
            /// How the bias starts (default `zeros`).
            #[config(default = Initializer::Zeros)]
            pub bias_initializer: Initializer,
            /// Penalty on the depthwise kernel (default none).
            #[config(default = None)]
            pub depthwise_regularizer: Option<Regularizer>,
            /// Penalty on the pointwise kernel (default none).
            #[config(default = None)]
            pub pointwise_regularizer: Option<Regularizer>,
            /// Penalty on the bias (default none).
            #[config(default = None)]
            pub bias_regularizer: Option<Regularizer>,
            /// What the depthwise kernel is projected onto after each step (default nothing).
            #[config(default = None)]
            pub depthwise_constraint: Option<Constraint>,
            /// What the pointwise kernel is projected onto after each step (default nothing).
            #[config(default = None)]
            pub pointwise_constraint: Option<Constraint>,
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
                if self.filters == 0 {
                    return Err(catalogue::positive("filters"));
                }
                if self.depth_multiplier == 0 {
                    return Err(catalogue::positive("depth_multiplier"));
                }
                if matches!(self.padding, Padding::Causal) {
                    return Err(Message::new("`padding` of a separable convolution is `valid` or `same`"));
                }
                let channels = x.last() * self.depth_multiplier;
                let between = plan_try!(window.output(x, &inputs[0], channels));
                let y = between.with_last(self.filters);
                let depthwise_kernel = WeightSpec::new("depthwise_kernel", window.kernel(x.last(), self.depth_multiplier), self.depthwise_initializer)
                    .regularizer(self.depthwise_regularizer)
                    .constraint(self.depthwise_constraint);
                let pointwise_kernel = WeightSpec::new("pointwise_kernel", self.pointwise().kernel(channels, self.filters), self.pointwise_initializer)
                    .regularizer(self.pointwise_regularizer)
                    .constraint(self.pointwise_constraint);
                let plan = plan_try!(window.plan(&Images { x, y }, Some(between), Some(between)));
                Ok(self.with_bias(plan.weight(depthwise_kernel).weight(pointwise_kernel), self.filters))
            }

            /// The second convolution, of single positions.
            const fn pointwise(&self) -> Window<$dims> {
                let one = Size([1; $dims]);
                Window { kernel_size: one, strides: one, dilation_rate: one, ..self.window() }
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
                chain::add(cx.device, call.weights.get(2).copied(), shift);
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                let (window, bias) = (self.window(), call.weights.get(2).copied());
                let between = window.turn().rest(&call.saved)[0];
                window.forward(cx, call, |x, y, f| {
                    let conv = window.framed(call, x.shape(), between.shape(), x.shape().last());
                    cx.device.conv(&conv, x, call.weights[0], None, &Epilogue::NONE, between);
                    let conv = self.pointwise().conv(between.shape(), y.shape(), 1);
                    cx.device.conv(&conv, between, call.weights[1], None, &call.epilogue(bias, f), y);
                });
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                let window = self.window();
                let (x, dz) = (window.turn().kept_input(call), window.gradient(cx, call));
                let between = window.turn().rest(&call.saved)[0];
                let dbetween = window.turn().rest(&call.backward_scratch)[0];
                let conv = self.pointwise().conv(between.shape(), dz.shape(), 1);
                if let Some(dkernel) = window::weight_grad(call, 1) {
                    cx.device.conv_kernel_grad(&conv, between, dz, dkernel);
                }
                window::bias_grad(cx, dz, window::weight_grad(call, 2));
                cx.device.conv_data_grad(&conv, dz, call.weights[1], None, Grad::write(dbetween));
                let conv = window.conv(x.shape(), between.shape(), x.shape().last());
                if let Some(dkernel) = window::weight_grad(call, 0) {
                    cx.device.conv_kernel_grad(&conv, x, dbetween, dkernel);
                }
                let kernel = call.weights[0];
                window.turn().input_grad(cx, call, |dx| cx.device.conv_data_grad(&conv, dbetween, kernel, None, dx));
            }
        }
    };
}

separable_conv! {
    /// A convolution over sequences in two steps: each channel on its own, then all channels of each position.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `depthwise_kernel [kernel_size, channels, depth_multiplier]`,
    ///   `pointwise_kernel [1, channels * depth_multiplier, filters]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/separable_convolution1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{SeparableConv1D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = SeparableConv1D::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 16]));
    /// ```
    SeparableConv1D, 1
}

separable_conv! {
    /// A convolution over images in two steps: each channel on its own, then all channels of each position.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `depthwise_kernel [kernel_size.., channels, depth_multiplier]`,
    ///   `pointwise_kernel [1, 1, channels * depth_multiplier, filters]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/separable_convolution2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{SeparableConv2D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = SeparableConv2D::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[28, 28, 16]));
    /// ```
    SeparableConv2D, 2
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check =
            |layer: SeparableConv1D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(SeparableConv1D::new(3, 2), &[5, 2]);
        check(SeparableConv1D::new(3, 3).padding(Padding::Same).strides(2).depth_multiplier(2), &[6, 2]);
        let check =
            |layer: SeparableConv2D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(SeparableConv2D::new(3, 2).activation(Activation::Gelu { approximate: false }), &[3, 4, 2]);
        check(SeparableConv2D::new(3, 3).padding(Padding::Same).use_bias(false), &[3, 4, 2]);
        let first = SeparableConv2D::new(2, 2).data_format(DataFormat::ChannelsFirst);
        check(first.activation(Activation::Tanh), &[2, 3, 4]);
    }

    #[test]
    fn refusals() {
        let message = |layer: SeparableConv1D| layer.plan(&[Spec::of(&[4, 2])]).unwrap_err().to_string();
        assert_eq!(
            message(SeparableConv1D::new(2, 2).padding(Padding::Causal)),
            "`padding` of a separable convolution is `valid` or `same`"
        );
    }
}
