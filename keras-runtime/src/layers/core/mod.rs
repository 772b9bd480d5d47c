//! Core layers: <https://keras.io/api/layers/core_layers/>.

mod dense;

pub use dense::Dense;
