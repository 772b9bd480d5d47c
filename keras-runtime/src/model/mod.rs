//! Models: typed data, and what the code that `model!` generates plugs into.

mod architecture;
mod batch;
mod dims;
mod layer_ref;

pub use architecture::Architecture;
pub use batch::{Batch, Port, Ports};
pub use dims::{D0, D1, D2, D3, D4, D5, D6, Dims, Outer};
#[doc(hidden)]
pub use dims::{Rank, Sel, Tag};
pub use layer_ref::LayerRef;
