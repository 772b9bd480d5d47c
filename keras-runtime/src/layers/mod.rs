//! The layers, in Keras' families. One file each.

pub mod core;
mod support;

mod registry;

pub use core::Dense;
pub(crate) use registry::is_built_in;
pub use registry::{Make, Registry};
