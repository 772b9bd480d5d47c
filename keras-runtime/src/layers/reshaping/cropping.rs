use crate::layer::{Call, Context, Layer};
use crate::layers::options::{Borders, DataFormat};
use crate::layers::support::frame;
use crate::plan::{PlanResult, Spec};
use crate::plan_inputs;

/// The three layers differ in their rank and their options.
macro_rules! cropping {
    ($(#[$docs:meta])* $name:ident, |$this:ident| $format:expr, { $($option:tt)* }) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        pub struct $name {
            $($option)*
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                frame::plan_cropping(inputs[0], &self.cropping, self.format())
            }

            const fn format(&self) -> DataFormat {
                let $this = self;
                $format
            }
        }

        impl Layer for $name {
            fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
                self.plan(inputs)
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                frame::crop(cx, call, &self.cropping, self.format());
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                frame::crop_grad(cx, call, &self.cropping, self.format());
            }
        }
    };
}

cropping! {
    /// Steps cut off both ends of a sequence.
    ///
    /// * Input: `[steps, channels]`.
    /// * Output: the same with fewer steps. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/cropping1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::Cropping1D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Cropping1D::new(2).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[6, 8]));
    /// ```
    Cropping1D, |_this| DataFormat::ChannelsLast, {
        /// How much at each side: a number for both ends, or a pair (in Keras the default is 1).
        pub cropping: Borders<1>,
    }
}

cropping! {
    /// The borders of an image cut off.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with fewer rows and columns. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/cropping2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::Cropping2D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Cropping2D::new(2).plan(&[Spec::of(&[28, 28, 3])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[24, 24, 3]));
    /// ```
    Cropping2D, |this| this.data_format, {
        /// How much at each side: a number for all sides, 2 numbers, or 2 pairs (in Keras the default is 0).
        pub cropping: Borders<2>,
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

cropping! {
    /// The borders of a volume cut off.
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with fewer positions. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/cropping3d/>.
    ///
    /// ```
    /// use keras_runtime::layers::Cropping3D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = Cropping3D::new(2).plan(&[Spec::of(&[8, 28, 28, 3])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[4, 24, 24, 3]));
    /// ```
    Cropping3D, |this| this.data_format, {
        /// How much at each side: a number for all sides, 3 numbers, or 3 pairs (in Keras the default is 1).
        pub cropping: Borders<3>,
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::LayerCheck;

    #[test]
    fn gradients() {
        LayerCheck::new(Cropping1D::new(1)).input(Spec::of(&[4, 2])).run();
        LayerCheck::new(Cropping1D::new([0, 2])).input(Spec::of(&[4, 2])).run();
        LayerCheck::new(Cropping2D::new([1, 0])).input(Spec::of(&[3, 4, 2])).run();
        LayerCheck::new(Cropping2D::new([[0, 1], [1, 0]]).data_format(DataFormat::ChannelsFirst))
            .input(Spec::of(&[2, 3, 3]))
            .run();
        LayerCheck::new(Cropping3D::new([[1, 0], [0, 1], [1, 1]])).input(Spec::of(&[2, 2, 3, 2])).run();
    }

    #[test]
    fn refusals() {
        let message = Cropping1D::new(1).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(
            message,
            "expects an input `[steps, channels]`, found `[3]`; for one channel, put a `Reshape` in front that adds a \
             dimension of 1"
        );
        let message = Cropping1D::new(2).plan(&[Spec::of(&[4, 2])]).unwrap_err().to_string();
        assert_eq!(message, "`cropping` takes 4 of 4 along dimension 1 of `[4, 2]`");
    }
}
