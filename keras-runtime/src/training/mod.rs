//! Training: data, losses, metrics and the loop around them.

#[cfg(test)]
mod cases;
mod data;
mod fits;
pub mod formula;
mod history;
mod hooks;
mod logs;
mod model;
mod objective;
pub(crate) mod options;
mod options_of_fit;
mod penalties;
pub(crate) mod predict;
mod session;
mod stream;
mod trainer;

pub use data::Samples;
pub(crate) use data::ports;
pub use history::History;
pub use logs::Logs;
pub(crate) use logs::{Number, exponent, python};
pub use model::{CompileConfig, TrainedModel};
pub(crate) use objective::read_number;
pub use options_of_fit::{
    BatchWeights, EvaluateOptions, FitOptions, PredictOptions, Validation, ValidationFreq, Verbose,
};
pub(crate) use session::install;
pub use session::{Session, Source};
pub(crate) use stream::ahead;
pub use stream::{BatchPorts, Batches, MakeBatches};
pub use trainer::{Interpreted, Trainer, Walk};
