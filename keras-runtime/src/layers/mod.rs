//! The layers, in Keras' families. One file each.

pub mod core;
mod support;

pub use core::Dense;
