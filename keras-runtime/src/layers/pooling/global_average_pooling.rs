use super::global::{self, Kind};
use keras_kernels::Shape;

use crate::layer::{Call, Context, Layer};
use crate::layers::options::DataFormat;
use crate::plan::{Message, PlanResult, Spec, catalogue};
use crate::plan_inputs;

/// The three layers differ in their rank.
macro_rules! global_average_pooling {
    ($(#[$docs:meta])* $name:ident, $dims:literal) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        pub struct $name {
            /// Where the channels are (default `channels_last`).
            #[config(default = DataFormat::ChannelsLast)]
            pub data_format: DataFormat,
            /// Whether the dimensions stay, with size 1 (default false).
            #[config(default = false)]
            pub keepdims: bool,
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                global::plan(Kind::Average, &inputs[0], $dims, self.data_format, self.keepdims)
            }
        }

        impl Layer for $name {
            fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
                self.plan(inputs)
            }

            fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
                // In more dimensions masks are not looked at, as in Keras.
                if $dims > 1 {
                    return Ok(());
                }
                let x = &inputs[0];
                let expected = x.shape().remove(self.data_format.channels(2));
                match &masks[0] {
                    Some(mask) if !mask.same(&expected) => Err(catalogue::mask(x, mask, &expected)),
                    _ => Ok(()),
                }
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                global::average(cx, call, self.data_format);
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                global::average_grad(cx, call, self.data_format);
            }
        }
    };
}

global_average_pooling! {
    /// The mean of each channel.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * A mask leaves steps out of the mean; a sample that is masked as a whole gives NaN.
    /// * Output: `[channels]`; with `keepdims` all dimensions, of size 1. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/global_average_pooling1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::GlobalAveragePooling1D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = GlobalAveragePooling1D::new().plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8]));
    /// ```
    GlobalAveragePooling1D, 1
}

global_average_pooling! {
    /// The mean of each channel.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `[channels]`; with `keepdims` all dimensions, of size 1. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/global_average_pooling2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::GlobalAveragePooling2D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = GlobalAveragePooling2D::new().plan(&[Spec::of(&[28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8]));
    /// ```
    GlobalAveragePooling2D, 2
}

global_average_pooling! {
    /// The mean of each channel.
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: `[channels]`; with `keepdims` all dimensions, of size 1. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/pooling_layers/global_average_pooling3d/>.
    ///
    /// ```
    /// use keras_runtime::layers::GlobalAveragePooling3D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = GlobalAveragePooling3D::new().plan(&[Spec::of(&[8, 28, 28, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[8]));
    /// ```
    GlobalAveragePooling3D, 3
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        let first = GlobalAveragePooling2D::new().data_format(DataFormat::ChannelsFirst);
        LayerCheck::new(GlobalAveragePooling1D::new()).input(Spec::of(&[5, 2])).run();
        LayerCheck::new(GlobalAveragePooling2D::new().keepdims(true)).input(Spec::of(&[2, 3, 2])).run();
        LayerCheck::new(first).input(Spec::of(&[2, 2, 3])).run();
        LayerCheck::new(first.keepdims(true)).input(Spec::of(&[2, 2, 3])).run();
        LayerCheck::new(GlobalAveragePooling3D::new()).input(Spec::of(&[2, 2, 2, 2])).run();
    }

    #[test]
    fn masked() {
        LayerCheck::new(GlobalAveragePooling1D::new())
            .input(Spec::of(&[2, 3]))
            .mask(&[1, 0, 0, 1, 1, 1])
            .run();
        let first = GlobalAveragePooling1D::new().data_format(DataFormat::ChannelsFirst).keepdims(true);
        LayerCheck::new(first).input(Spec::of(&[3, 2])).mask(&[1, 0, 0, 1, 1, 1]).run();
    }

    #[test]
    fn refusals() {
        let message = GlobalAveragePooling2D::new().plan(&[Spec::of(&[4])]).unwrap_err().to_string();
        assert_eq!(message, "expects an input `[height, width, channels]`, found `[4]`");
    }
}
