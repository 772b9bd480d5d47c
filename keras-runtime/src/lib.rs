//! Runtime of Keras for Rust: layers, the engine that runs them, training, saving.
//!
//! Users depend on the facade `keras`, which re-exports this crate.

// The derive macros write `::keras::...`; inside this crate that is the crate itself.
#[allow(unused_extern_crates)]
extern crate self as keras;

pub mod callbacks;
mod config;
mod constraints;
pub mod datasets;
pub mod engine;
mod error;
pub mod graph;
pub mod initializers;
mod layer;
pub mod layers;
pub mod losses;
pub mod metrics;
pub mod model;
mod operations;
pub mod ops;
pub mod optimizers;
pub mod plan;
mod policy;
mod registry;
mod regularizers;
#[doc(hidden)]
pub mod rt;
pub mod saving;
pub mod symbols;
pub mod testing;
pub mod training;

pub use config::ConfigValue;
pub use constraints::Constraint;
pub use error::{Error, Result};
pub use initializers::Initializer;
pub use keras_kernels::activation::Activation;
pub use keras_kernels::{DType, Device, Element, Grad, Mode, Shape, View};
pub use layer::{Call, Config, Configure, Context, FromConfig, Layer, Recorded, Weight};
pub use model::{D0, D1, D2, D3, D4, D5, D6};
/// Arrays: what weights and batches are read as and set from.
pub use ndarray;
pub use ops::Tensor;
pub use policy::Policy;
pub use registry::Registry;
pub use regularizers::Regularizer;
