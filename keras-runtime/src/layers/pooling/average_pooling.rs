use keras_kernels::pool::PoolKind;

use super::window::Window;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, Padding};
use crate::plan::{PlanResult, Size, Spec};
use crate::plan_inputs;

/// The three layers differ in their rank.
macro_rules! average_pooling {
    ($(#[$docs:meta])* $name:ident, $dims:literal) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        pub struct $name {
            /// Size of the window.
            pub pool_size: Size<$dims>,
            /// Step from window to window (default: `pool_size`).
            #[config(default = None)]
            pub strides: Option<Size<$dims>>,
            /// `valid` or `same` (default `valid`).
            #[config(default = Padding::Valid)]
            pub padding: Padding,
            /// Where the channels are (default `channels_last`).
            #[config(default = DataFormat::ChannelsLast)]
            pub data_format: DataFormat,
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                self.window().plan(&inputs[0])
            }

            const fn window(&self) -> Window<$dims> {
                Window {
                    kind: PoolKind::Average,
                    pool_size: self.pool_size,
                    strides: self.strides,
                    padding: self.padding,
                    data_format: self.data_format,
                }
            }
        }

        impl Layer for $name {
            fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
                self.plan(inputs)
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                self.window().forward(cx, call);
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                self.window().backward(cx, call);
            }
        }
    };
}

average_pooling! {
    /// The mean of each window, channel by channel. With `padding = same` only what lies in the input counts.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with smaller dimensions: `(n - pool_size) / strides + 1` rounded down with `padding = valid`,
    ///   `n / strides` rounded up with `same`. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/average_pooling1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::AveragePooling1D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = AveragePooling1D::new(2).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[5, 8]));
    /// ```
    AveragePooling1D, 1
}

average_pooling! {
    /// The mean of each window, channel by channel. With `padding = same` only what lies in the input counts.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with smaller dimensions: `(n - pool_size) / strides + 1` rounded down with `padding = valid`,
    ///   `n / strides` rounded up with `same`. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/average_pooling2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::AveragePooling2D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = AveragePooling2D::new(2).plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[14, 14, 8]));
    /// ```
    AveragePooling2D, 2
}

average_pooling! {
    /// The mean of each window, channel by channel. With `padding = same` only what lies in the input counts.
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with smaller dimensions: `(n - pool_size) / strides + 1` rounded down with `padding = valid`,
    ///   `n / strides` rounded up with `same`. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/average_pooling3d/>.
    ///
    /// ```
    /// use keras_runtime::layers::AveragePooling3D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = AveragePooling3D::new(2).plan(&[Spec::of(&[8, 28, 28, 4])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 14, 14, 4]));
    /// ```
    AveragePooling3D, 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let same = AveragePooling2D::new(3).strides([2, 1]).padding(Padding::Same);
        LayerCheck::new(AveragePooling1D::new(2)).input(Spec::of(&[5, 2])).run();
        LayerCheck::new(AveragePooling1D::new(3).strides(1)).input(Spec::of(&[5, 2])).run();
        LayerCheck::new(AveragePooling2D::new([2, 1])).input(Spec::of(&[4, 3, 2])).run();
        LayerCheck::new(same).input(Spec::of(&[4, 3, 2])).run();
        LayerCheck::new(same.data_format(DataFormat::ChannelsFirst)).input(Spec::of(&[2, 4, 3])).run();
        LayerCheck::new(AveragePooling3D::new(2)).input(Spec::of(&[2, 3, 2, 2])).run();
    }

    #[test]
    fn refusals() {
        let message = |layer: AveragePooling2D, input: &[usize]| {
            layer.plan(&[Spec::of(input)]).unwrap_err().to_string()
        };
        assert_eq!(
            message(AveragePooling2D::new([2, 5]), &[4, 4, 1]),
            "`pool_size` reaches over 5 elements, but dimension 2 of `[4, 4, 1]` has 4; use `padding = same` or a smaller \
             window"
        );
        assert_eq!(message(AveragePooling2D::new(0), &[4, 4, 1]), "`pool_size` must be at least 1, found 0");
        assert_eq!(
            message(AveragePooling2D::new(2).strides(0), &[4, 4, 1]),
            "`strides` must be at least 1, found 0"
        );
        let causal = AveragePooling2D::new(2).padding(Padding::Causal);
        assert_eq!(message(causal, &[4, 4, 1]), "`padding` of a pooling is `valid` or `same`");
    }
}
