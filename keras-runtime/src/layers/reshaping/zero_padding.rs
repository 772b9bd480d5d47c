use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{Borders, DataFormat};
use crate::layers::support::frame;
use crate::plan::{PlanResult, Spec};
use crate::plan_inputs;

/// The three layers differ in their rank and their options.
macro_rules! zero_padding {
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
                frame::plan_padding(inputs[0], &self.padding, self.format())
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

            fn role(&self, _inputs: &[Spec]) -> Role {
                frame::role(&self.padding, self.format())
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                frame::pad(cx, call, &self.padding, self.format());
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                frame::pad_grad(cx, call, &self.padding, self.format());
            }
        }
    };
}

zero_padding! {
    /// Zeros added at both ends of a sequence.
    ///
    /// * Input: `[steps, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with more steps. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding1d/>.
    ///
    /// ```
    /// use keras_runtime::layers::ZeroPadding1D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = ZeroPadding1D::new(2).plan(&[Spec::of(&[10, 8])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[14, 8]));
    /// ```
    ZeroPadding1D, |this| this.data_format, {
        /// How much at each side: a number for both ends, or a pair (in Keras the default is 1).
        pub padding: Borders<1>,
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

zero_padding! {
    /// Zeros added around an image.
    ///
    /// * Input: `[height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with more rows and columns. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding2d/>.
    ///
    /// ```
    /// use keras_runtime::layers::ZeroPadding2D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = ZeroPadding2D::new(2).plan(&[Spec::of(&[28, 28, 3])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[32, 32, 3]));
    /// ```
    ZeroPadding2D, |this| this.data_format, {
        /// How much at each side: a number for all sides, 2 numbers, or 2 pairs (in Keras the default is 1).
        pub padding: Borders<2>,
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

zero_padding! {
    /// Zeros added around a volume.
    ///
    /// * Input: `[depth, height, width, channels]`. Channels come first with `data_format = channels_first`.
    /// * Output: the same with more positions. It has no mask.
    ///
    /// Source: <https://keras.io/api/layers/reshaping_layers/zero_padding3d/>.
    ///
    /// ```
    /// use keras_runtime::layers::ZeroPadding3D;
    /// use keras_runtime::plan::Spec;
    ///
    /// let plan = ZeroPadding3D::new(2).plan(&[Spec::of(&[8, 28, 28, 3])]).unwrap();
    /// assert_eq!(plan.outputs.as_slice()[0], Spec::of(&[12, 32, 32, 3]));
    /// ```
    ZeroPadding3D, |this| this.data_format, {
        /// How much at each side: a number for all sides, 3 numbers, or 3 pairs (in Keras the default is 1).
        pub padding: Borders<3>,
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
        LayerCheck::new(ZeroPadding1D::new(1)).input(Spec::of(&[4, 2])).run();
        LayerCheck::new(ZeroPadding1D::new([0, 2])).input(Spec::of(&[4, 2])).run();
        LayerCheck::new(ZeroPadding2D::new([1, 0])).input(Spec::of(&[3, 4, 2])).run();
        LayerCheck::new(ZeroPadding2D::new([[0, 1], [1, 0]]).data_format(DataFormat::ChannelsFirst))
            .input(Spec::of(&[2, 3, 3]))
            .run();
        LayerCheck::new(ZeroPadding3D::new([[1, 0], [0, 1], [1, 1]])).input(Spec::of(&[2, 2, 3, 2])).run();
    }

    #[test]
    fn refusals() {
        let message = ZeroPadding1D::new(1).plan(&[Spec::of(&[3])]).unwrap_err().to_string();
        assert_eq!(
            message,
            "expects an input `[steps, channels]`, found `[3]`; for one channel, put a `Reshape` in front that adds a \
             dimension of 1"
        );
    }
}
