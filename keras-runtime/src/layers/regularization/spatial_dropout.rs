use keras_kernels::{Grad, Shape};

use crate::engine::Role;
use crate::layer::{Call, Context, Layer};
use crate::layers::options::{DataFormat, check_image};
use crate::layers::support::noise;
use crate::plan::{PlanResult, Spec};
use crate::{plan_inputs, plan_try};

/// 1 along the spatial dimensions.
fn noise_shape(x: Shape, format: DataFormat) -> Shape {
    let channels = 1 + format.channels(x.rank() - 1);
    (1..x.rank()).filter(|axis| *axis != channels).fold(x, |shape, axis| shape.with_dim(axis, 1))
}

/// The three layers differ in their rank, and in that sequences have no `data_format`.
macro_rules! spatial_dropout {
    ($(#[$docs:meta])* $name:ident, $dims:literal, |$this:ident| $format:expr, { $($option:tt)* }) => {
        $(#[$docs])*
        #[derive(keras_macros::Layer, Clone, Copy, Debug)]
        pub struct $name {
            /// Share of the channels that are dropped.
            pub rate: f64,
            $($option)*
            /// Own seed (default: the model's).
            #[config(default = None)]
            pub seed: Option<u64>,
        }

        impl $name {
            /// What it needs for an input of this spec.
            pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
                plan_inputs!(inputs, 1);
                plan_try!(check_image(&inputs[0], $dims, self.format()));
                noise::plan(&inputs[0], self.rate)
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
                Role::Identity
            }

            fn forward(&self, cx: &Context<'_>, call: &Call) {
                let (x, y) = (call.inputs[0], Grad::write(call.outputs[0]));
                let noise = noise_shape(x.shape(), self.format());
                noise::Draw::new(cx, call, self.seed).drop(self.rate, noise, x, y);
            }

            fn backward(&self, cx: &Context<'_>, call: &Call) {
                if let Some(dx) = call.input_grads[0] {
                    let dy = call.output_grads[0];
                    let noise = noise_shape(dy.shape(), self.format());
                    noise::Draw::new(cx, call, self.seed).drop(self.rate, noise, dy, dx);
                }
            }
        }
    };
}

spatial_dropout! {
    /// Drops whole channels: [`Dropout`](crate::layers::Dropout) where all steps of a channel share their fate.
    ///
    /// * Input: `[steps, channels]`.
    /// * Output: the same shape.
    ///
    /// Source: <https://keras.io/api/layers/regularization_layers/spatial_dropout1d/>; Tompson et al.,
    /// <https://arxiv.org/abs/1411.4280>.
    ///
    /// ```
    /// use keras_runtime::layers::SpatialDropout1D;
    /// use keras_runtime::plan::Spec;
    ///
    /// assert!(SpatialDropout1D::new(0.2).plan(&[Spec::of(&[10, 8])]).is_ok());
    /// ```
    SpatialDropout1D, 1, |_this| DataFormat::ChannelsLast, {}
}

spatial_dropout! {
    /// Drops whole channels: [`Dropout`](crate::layers::Dropout) where all positions of a channel share their fate.
    ///
    /// * Input: `[height, width, channels]`, or `[channels, height, width]` with `data_format = channels_first`.
    /// * Output: the same shape.
    ///
    /// Source: <https://keras.io/api/layers/regularization_layers/spatial_dropout2d/>; Tompson et al.,
    /// <https://arxiv.org/abs/1411.4280>.
    ///
    /// ```
    /// use keras_runtime::layers::SpatialDropout2D;
    /// use keras_runtime::plan::Spec;
    ///
    /// assert!(SpatialDropout2D::new(0.2).plan(&[Spec::of(&[28, 28, 8])]).is_ok());
    /// ```
    SpatialDropout2D, 2, |this| this.data_format, {
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

spatial_dropout! {
    /// Drops whole channels: [`Dropout`](crate::layers::Dropout) where all positions of a channel share their fate.
    ///
    /// * Input: `[depth, height, width, channels]`, or `[channels, depth, height, width]` with `data_format = channels_first`.
    /// * Output: the same shape.
    ///
    /// Source: <https://keras.io/api/layers/regularization_layers/spatial_dropout3d/>; Tompson et al.,
    /// <https://arxiv.org/abs/1411.4280>.
    ///
    /// ```
    /// use keras_runtime::layers::SpatialDropout3D;
    /// use keras_runtime::plan::Spec;
    ///
    /// assert!(SpatialDropout3D::new(0.2).plan(&[Spec::of(&[8, 28, 28, 8])]).is_ok());
    /// ```
    SpatialDropout3D, 3, |this| this.data_format, {
        /// Where the channels are (default `channels_last`).
        #[config(default = DataFormat::ChannelsLast)]
        pub data_format: DataFormat,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::DType;
    use crate::testing::{LayerCheck, run_layer};

    #[test]
    fn gradients() {
        LayerCheck::new(SpatialDropout1D::new(0.5)).input(Spec::of(&[3, 4])).run();
        LayerCheck::new(SpatialDropout2D::new(0.5)).input(Spec::of(&[2, 2, 3])).run();
        let first = SpatialDropout2D::new(0.5).data_format(DataFormat::ChannelsFirst);
        LayerCheck::new(first).input(Spec::of(&[3, 2, 2])).run();
        LayerCheck::new(SpatialDropout3D::new(0.5)).input(Spec::of(&[2, 2, 2, 3])).run();
    }

    #[test]
    fn drops_whole_channels() {
        let x = (Spec::of(&[64, 4, 4]), vec![1.0; 64 * 16]);
        let layer = SpatialDropout2D::new(0.5).data_format(DataFormat::ChannelsFirst);
        let y = run_layer(&layer, &[x], &[], DType::F32, true).unwrap().remove(0);
        assert!(y.chunks(16).all(|channel| channel.iter().all(|v| *v == channel[0])));
        assert!(y.contains(&0.0) && y.contains(&2.0));
    }

    #[test]
    fn refusals() {
        let message = SpatialDropout2D::new(0.5).plan(&[Spec::of(&[28, 28])]).unwrap_err().to_string();
        assert_eq!(
            message,
            "expects an input `[height, width, channels]`, found `[28, 28]`; for one channel, put a `Reshape` in front that \
             adds a dimension of 1"
        );
    }
}
