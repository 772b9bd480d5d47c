//! Training: data, losses, metrics and the loop around them.

pub mod formula;
mod logs;
mod model;
pub(crate) mod options;

pub use logs::Logs;
pub use model::{CompileConfig, TrainedModel};
