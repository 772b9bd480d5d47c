use keras_kernels::activation::Activation;
use keras_kernels::{Grad, Shape};

use super::window::{self, Images, Window};
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Padding};
use crate::plan::{Plan, PlanResult, Size, Spec, WeightSpec, catalogue};
use crate::{Constraint, Initializer, Regularizer, plan_inputs, plan_try};

/// The layers differ in their rank.
macro_rules! conv_transpose {
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
            /// `valid` or `same` (default `valid`).
            #[config(default = Padding::Valid)]
            pub padding: Padding,
            /// Size added to the output at its end, less than `strides` (default: what makes the sizes above).
            #[config(default = None)]
            pub output_padding: Option<Size<$dims>>,
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
                let y = plan_try!(window.transposed_output(x, self.filters, &self.output_padding));
                let kernel = WeightSpec::new("kernel", window.kernel(self.filters, x.last()), self.kernel_initializer)
                    .regularizer(self.kernel_regularizer)
                    .constraint(self.kernel_constraint);
                let plan = plan_try!(window.plan(&Images { x, y }, None, None));
                Ok(self.with_bias(plan.weight(kernel), self.filters))
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

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                let (window, bias) = (self.window(), call.weights.get(1).copied());
                window.forward(cx, call, |x, y, f| {
                    let conv = window.transposed(x.shape(), y.shape(), &self.output_padding);
                    cx.device.conv_data_grad(&conv, x, call.weights[0], None, Grad::write(y));
                    window::add_bias(cx, bias, f, y);
                });
            }

            // The convolution goes from this layer's output to its input, so the gradients change places.
            fn backward(&self, cx: &Context<'_>, call: &Call) {
                let window = self.window();
                let (x, dz) = (window.turn().kept_input(call), window.gradient(cx, call));
                let conv = window.transposed(x.shape(), dz.shape(), &self.output_padding);
                if let Some(dkernel) = window::weight_grad(call, 0) {
                    cx.device.conv_kernel_grad(&conv, dz, x, dkernel);
                }
                window::bias_grad(cx, dz, window::weight_grad(call, 1));
                window.turn().input_grad(cx, call, |dx| {
                    cx.device.conv(&conv, dz, call.weights[0], None, &dx.epilogue(), dx.view);
                });
            }
        }
    };
}

conv_transpose! {
    /// A transposed convolution over sequences (the gradient of a convolution): it enlarges what `strides` would reduce.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `filters` channels, and other dimensions: `n * strides` with `padding = same`,
    ///   `(n - 1) * strides + max(k, strides)` with `valid`, where `k = (kernel_size - 1) * dilation_rate + 1`. It has no mask.
    /// * Weights: `kernel [kernel_size, filters, channels]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution1d_transpose/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv1DTranspose, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv1DTranspose::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[10, 16]));
    /// ```
    Conv1DTranspose, 1
}

conv_transpose! {
    /// A transposed convolution over images (the gradient of a convolution): it enlarges what `strides` would reduce.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `filters` channels, and other dimensions: `n * strides` with `padding = same`,
    ///   `(n - 1) * strides + max(k, strides)` with `valid`, where `k = (kernel_size - 1) * dilation_rate + 1`. It has no mask.
    /// * Weights: `kernel [kernel_size.., filters, channels]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution2d_transpose/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv2DTranspose, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv2DTranspose::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[28, 28, 16]));
    /// ```
    Conv2DTranspose, 2
}

conv_transpose! {
    /// A transposed convolution over volumes (the gradient of a convolution): it enlarges what `strides` would reduce.
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `filters` channels, and other dimensions: `n * strides` with `padding = same`,
    ///   `(n - 1) * strides + max(k, strides)` with `valid`, where `k = (kernel_size - 1) * dilation_rate + 1`. It has no mask.
    /// * Weights: `kernel [kernel_size.., filters, channels]`, `bias [filters]`.
    ///
    /// Source: <https://keras.io/api/layers/convolution_layers/convolution3d_transpose/>.
    ///
    /// ```
    /// use keras_runtime::layers::{Conv3DTranspose, Padding};
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Conv3DTranspose::new(16, 3).padding(Padding::Same).plan(&[Spec::of(&[8, 28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8, 28, 28, 16]));
    /// ```
    Conv3DTranspose, 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let check =
            |layer: Conv1DTranspose, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(Conv1DTranspose::new(3, 2), &[4, 2]);
        check(Conv1DTranspose::new(2, 3).strides(2).padding(Padding::Same), &[4, 2]);
        check(Conv1DTranspose::new(2, 2).strides(3), &[3, 2]);
        check(Conv1DTranspose::new(2, 3).dilation_rate(2), &[3, 2]);
        check(Conv1DTranspose::new(2, 3).strides(2).output_padding(1).padding(Padding::Same), &[3, 2]);
        let check =
            |layer: Conv2DTranspose, input: &[usize]| LayerCheck::new(layer).input(Spec::of(input)).run();
        check(Conv2DTranspose::new(2, [3, 2]).strides([2, 1]).activation(Activation::Tanh), &[2, 3, 2]);
        check(Conv2DTranspose::new(2, 3).strides(2).padding(Padding::Same).use_bias(false), &[2, 3, 1]);
        check(Conv2DTranspose::new(2, 2).data_format(DataFormat::ChannelsFirst), &[2, 3, 2]);
        LayerCheck::new(Conv3DTranspose::new(2, 2)).input(Spec::of(&[2, 2, 2, 1])).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: Conv1DTranspose| layer.plan(&[Spec::of(&[4, 2])]).unwrap_err().to_string();
        assert_eq!(
            message(Conv1DTranspose::new(2, 2).strides(2).output_padding(2)),
            "`output_padding` must be less than `strides`, found 2 and 2"
        );
        assert_eq!(
            message(Conv1DTranspose::new(2, 2).padding(Padding::Causal)),
            "`padding` of a transposed convolution is `valid` or `same`"
        );
    }
}
