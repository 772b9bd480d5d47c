//! Pooling layers: <https://keras.io/api/layers/pooling_layers/>.

mod average_pooling;
mod global;
mod global_average_pooling;
mod global_max_pooling;
mod max_pooling;
mod window;

pub use average_pooling::{AveragePooling1D, AveragePooling2D, AveragePooling3D};
pub use global_average_pooling::{GlobalAveragePooling1D, GlobalAveragePooling2D, GlobalAveragePooling3D};
pub use global_max_pooling::{GlobalMaxPooling1D, GlobalMaxPooling2D, GlobalMaxPooling3D};
pub use max_pooling::{MaxPooling1D, MaxPooling2D, MaxPooling3D};
