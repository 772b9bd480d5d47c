//! Core layers: <https://keras.io/api/layers/core_layers/>.

mod dense;
mod einsum_dense;
mod embedding;
mod identity;
mod masking;

pub use dense::Dense;
pub use einsum_dense::EinsumDense;
pub use embedding::Embedding;
pub use identity::Identity;
pub use masking::Masking;
