//! Preprocessing layers: <https://keras.io/api/layers/preprocessing_layers/>.

mod rescaling;

pub use rescaling::Rescaling;
