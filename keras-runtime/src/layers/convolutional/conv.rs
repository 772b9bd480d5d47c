use keras_kernels::activation::Activation;
use keras_kernels::{Shape, View};

use super::window::{self, Images, Window};
use crate::engine::Fuses;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Padding};
use crate::layers::support::chain;
use crate::plan::{Message, Plan, PlanResult, Size, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// The layers differ in their rank.
macro_rules! conv {
    ($(#[$docs:meta])* $name:ident, $dims:literal) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        #[layer(weights(kernel, bias?))]
        pub struct $name {
            /// Number of filters: channels of the output.
            pub filters: usize,
            /// Size of the window.
            pub kernel_size: Size<$dims>,
            /// Step of the window (default 1).
            #[config(default = Size([1; $dims]))]
            pub strides: Size<$dims>,
            /// `valid`, `same`, or `causal` for sequences (default `valid`).
            #[config(default = Padding::Valid)]
            pub padding: Padding,
            /// Where the channels are (default `channels_last`).
            #[config(default = DataFormat::ChannelsLast)]
            pub data_format: DataFormat,
            /// Distance of the window's elements (default 1).
            #[config(default = Size([1; $dims]))]
            pub dilation_rate: Size<$dims>,
            /// Groups: each sees its part of the channels and makes its part of the filters (default 1).
            #[config(default = 1)]
            pub groups: usize,
            /// Applied to the result (default `linear`).
            #[config(default = Activation::Linear)]
            pub activation: Activation,
            /// Whether a bias is added (default true).
            #[config(default = true)]
            pub use_bias: bool,
            /// How the kernel starts (default `glorot_uniform`).
            #[config(default = Initializer::GLOROT_UNIFORM)]
            pub kernel_initializer: Initializer,
            /// How the bias starts (default `zeros`).
            #[config(default = Initializer::Zeros)]
            pub bias_initializer: Initializer,
            /// Penalty on the kernel (default none).
            #[config(default = None)]
            pub kernel_regularizer: Option<Regularizer>,
            /// Penalty on the bias (default none).
            #[config(default = None)]
            pub bias_regularizer: Option<Regularizer>,
            /// What the kernel is projected onto after each step (default nothing).
            #[config(default = None)]
            pub kernel_constraint: Option<Constraint>,
            /// What the bias is projected onto after each step (default nothing).
            #[config(default = None)]
            pub bias_constraint: Option<Constraint>,
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                let window = self.window();
                let x = plan_try!(window.check_one_of_two(&inputs[0]));
                if self.filters == 0 {
                    return Err(catalogue::positive("filters"));
                }
                if self.groups == 0 {
                    return Err(catalogue::positive("groups"));
                }
                if !x.last().is_multiple_of(self.groups) || !self.filters.is_multiple_of(self.groups) {
                    let message = Message::new("`groups = ").number(self.groups).text("` must divide the ");
                    let message = message.number(x.last()).text(" channels of the input and the ");
                    return Err(message.number(self.filters).text(" filters"));
                }
                let y = plan_try!(window.output(x, &inputs[0], self.filters));
                let kernel = WeightSpec::new("kernel", window.kernel(x.last() / self.groups, self.filters), self.kernel_initializer)
                    .regularizer(self.kernel_regularizer)
                    .constraint(self.kernel_constraint);
                let conv = window.conv(x.shape_for(1), y.shape_for(1), self.groups);
                let room = window::room(conv.data_grad_scratch_len());
                let mut plan = plan_try!(window.plan(&Images { x, y }, None, room)).weight(kernel);
                if let Some(packed) = window::room(conv.packed_len()) {
                    plan = plan.pack(packed);
                }
                Ok(self.with_bias(plan, self.filters))
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

            fn pack(&self, cx: &Context<'_>, call: &Call) {
                let (window, turn) = (self.window(), self.window().turn());
                let conv =
                    window.conv(turn.kept_input(call).shape(), turn.output(call).shape(), self.groups);
                cx.device.conv_pack(&conv, call.weights[0], call.packed[0]);
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
                    let conv = window.framed(call, x.shape(), y.shape(), self.groups);
                    cx.device.conv(&conv, x, call.weights[0], call.packed.first().copied(), &call.epilogue(bias, f), y);
                });
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                let window = self.window();
                let (x, dz) = (window.turn().kept_input(call), window.gradient(cx, call));
                let conv = window.conv(x.shape(), dz.shape(), self.groups);
                if let Some(dkernel) = window::weight_grad(call, 0) {
                    cx.device.conv_kernel_grad(&conv, x, dz, dkernel);
                }
                window::bias_grad(cx, dz, window::weight_grad(call, 1));
                let room = window.turn().rest(&call.backward_scratch).first();
                let (kernel, room) = (call.weights[0], room.filter(|_| conv.data_grad_scratch_len() > 0).copied());
                window.turn().input_grad(cx, call, |dx| cx.device.conv_data_grad(&conv, dz, kernel, room, dx));
            }
        }
    };
}

conv! {
    /// A convolution over sequences: `activation(x * kernel + bias)` (a cross-correlation: the kernel is not flipped).
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`, or with `causal`, which pads in front alone. It has no mask.
    /// * Weights: `kernel [kernel_size, channels / groups, filters]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv1D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv1D::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 16]));
    /// ```
    Conv1D, 1
}

conv! {
    /// A convolution over images: `activation(x * kernel + bias)` (a cross-correlation: the kernel is not flipped).
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `kernel [kernel_size.., channels / groups, filters]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv2D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv2D::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[28, 28, 16]));
    /// ```
    Conv2D, 2
}

conv! {
    /// A convolution over volumes: `activation(x * kernel + bias)` (a cross-correlation: the kernel is not flipped).
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with other dimensions: `(n - k) / strides + 1` rounded down with `padding = valid`, where
    ///   `k = (kernel_size - 1) * dilation_rate + 1`; `n / strides` rounded up with `same`. It has no mask.
    /// * Weights: `kernel [kernel_size.., channels / groups, filters]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution3d/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv3D, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv3D::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[8, 28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8, 28, 28, 16]));
    /// ```
    Conv3D, 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check = |layer: Conv1D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(Conv1D::new(3, 2), &[5, 2]);
        check(Conv1D::new(2, 3).padding(Padding::Same).strides(2), &[6, 2]);
        check(Conv1D::new(2, 3).padding(Padding::Causal).dilation_rate(2), &[6, 2]);
        check(Conv1D::new(2, 3).padding(Padding::Causal).strides(2).use_bias(false), &[6, 1]);
        check(Conv1D::new(4, 2).groups(2).activation(Activation::Tanh), &[4, 2]);
        check(
            Conv1D::new(3, 2).data_format(DataFormat::ChannelsFirst).activation(Activation::SOFTMAX),
            &[2, 4],
        );
        let check = |layer: Conv2D, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(Conv2D::new(3, 2), &[3, 4, 2]);
        check(Conv2D::new(2, [3, 1]).padding(Padding::Same).strides([2, 1]), &[4, 3, 2]);
        check(Conv2D::new(2, 2).dilation_rate(2).activation(Activation::Silu), &[4, 4, 1]);
        check(Conv2D::new(4, 2).groups(2).activation(Activation::SOFTMAX), &[3, 3, 2]);
        let first = Conv2D::new(2, 3).padding(Padding::Same).data_format(DataFormat::ChannelsFirst);
        check(first.activation(Activation::RELU), &[3, 3, 4]);
        LayerCheck::new(Conv3D::new(2, 2)).input(Spec::of(&[2, 3, 2, 2])).run();
        LayerCheck::new(Conv3D::new(2, 2).padding(Padding::Same).strides(2))
            .input(Spec::of(&[2, 3, 2, 1]))
            .run();
    }

    #[test]
    fn gradients_in_tiles() {
        // Enough channels and pixels for Winograd's algorithm; that of the kernel is another.
        let layer = Conv2D::new(32, 3).padding(Padding::Same).use_bias(false);
        LayerCheck::new(layer).input(Spec::of(&[5, 5, 16])).frozen().run();
        let layer = Conv2D::new(32, 3).data_format(DataFormat::ChannelsFirst);
        LayerCheck::new(layer).input(Spec::of(&[16, 7, 7])).frozen().run();
    }

    #[test]
    fn frozen_weights_get_no_gradient() {
        LayerCheck::new(Conv2D::new(3, 2)).input(Spec::of(&[3, 3, 2])).frozen().run();
    }

    #[test]
    fn refusals() {
        let message =
            |layer: Conv2D, input: &[usize]| layer.plan(&[Spec::of(input)]).unwrap_err().to_string();
        assert_eq!(
            message(Conv2D::new(8, 3), &[28, 28]),
            "expects an input `[height, width, channels]`, found `[28, 28]`; for one channel, put a `Reshape` in front that \
             adds a dimension of 1"
        );
        assert_eq!(
            message(Conv2D::new(8, 5).dilation_rate(2), &[28, 4, 1]),
            "`kernel_size` reaches over 9 elements, but dimension 2 of `[28, 4, 1]` has 4; use `padding = same` or a smaller \
             window"
        );
        assert_eq!(
            message(Conv2D::new(8, 3).groups(3), &[8, 8, 4]),
            "`groups = 3` must divide the 4 channels of the input and the 8 filters"
        );
        assert_eq!(
            message(Conv2D::new(8, 3).strides(2).dilation_rate(2), &[8, 8, 4]),
            "`strides` and `dilation_rate` cannot both be above 1"
        );
        assert_eq!(message(Conv2D::new(0, 3), &[8, 8, 4]), "`filters` must be at least 1, found 0");
        assert_eq!(message(Conv2D::new(1, [3, 0]), &[8, 8, 4]), "`kernel_size` must be at least 1, found 0");
        assert_eq!(
            message(Conv2D::new(1, 3).padding(Padding::Causal), &[8, 8, 4]),
            "`padding = causal` is for sequences: use `valid` or `same`"
        );
    }
}
