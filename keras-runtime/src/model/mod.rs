//! Models: typed data, and what the code that `model!` generates plugs into.

mod access;
mod architecture;
mod batch;
mod compiled;
mod data;
mod dims;
mod files;
mod fit;
mod layer_ref;
mod layer_view;
#[allow(clippy::module_inception)]
mod model;
#[doc(hidden)]
pub mod source;
mod stream;
mod summary;
mod uncompiled;
mod weights;

#[doc(hidden)]
pub use access::{Access, IsLayer, NoWeights, Place, Reads, Weighted, Writes};
pub use architecture::Architecture;
pub use batch::{Batch, Port, Ports};
pub use compiled::Compiled;
pub use data::{Holds, Takes};
pub use dims::{D0, D1, D2, D3, D4, D5, D6, Dims, Outer};
#[doc(hidden)]
pub use dims::{Rank, Sel, Tag};
pub use fit::Fit;
pub use layer_ref::{LayerAccess, LayerMut, LayerRef};
pub use layer_view::LayerView;
pub use model::Model;
pub use stream::IntoBatch;
pub use summary::{Summary, SummaryRow};
