//! Normalization layers: <https://keras.io/api/layers/normalization_layers/>.

mod batch_normalization;
mod group_normalization;
mod layer_normalization;
mod rms_normalization;
mod standardize;
mod unit_normalization;

pub use batch_normalization::{BatchNormalization, RenormClipping};
pub use group_normalization::GroupNormalization;
pub use layer_normalization::LayerNormalization;
pub use rms_normalization::RMSNormalization;
pub(crate) use unit_normalization::UnitLength;
pub use unit_normalization::UnitNormalization;
