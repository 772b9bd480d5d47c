//! A model under training as callbacks and files see it, whatever its type.

use serde_json::Value;

use crate::engine::Network;
use crate::optimizers::OptimizerState;
use crate::{Result, saving};

/// What `compile` was told, as Keras writes it to a file.
#[derive(Clone, Debug, PartialEq)]
pub struct CompileConfig {
    /// The optimizer.
    pub optimizer: Value,
    /// The loss, or one for each output.
    pub loss: Value,
    /// Weights of the losses, one for each output.
    pub loss_weights: Value,
    /// Metrics, or a list for each output.
    pub metrics: Value,
    /// Metrics that take sample weights into account.
    pub weighted_metrics: Value,
}

/// A compiled model without its type: what saving and callbacks need.
pub trait TrainedModel {
    /// Weights and structure.
    fn network(&self) -> &Network;
    /// Weights and structure, to change.
    fn network_mut(&mut self) -> &mut Network;
    /// Optimizer and its state.
    fn optimizer(&self) -> &OptimizerState;
    /// Optimizer and its state, to change.
    fn optimizer_mut(&mut self) -> &mut OptimizerState;
    /// Both at once: restoring a checkpoint needs the network to fill the optimizer.
    fn parts_mut(&mut self) -> (&mut Network, &mut OptimizerState);
    /// Files that belong to it (of a model that was loaded from one).
    fn assets(&self) -> Option<&saving::Assets> {
        None
    }
    /// What `compile` was told.
    fn compile_config(&self) -> CompileConfig;
    /// The configuration that a file of it has.
    ///
    /// # Errors
    /// If the model has something in it that files cannot describe.
    fn config(&self) -> Result<Value> {
        let network = self.network();
        saving::architecture(
            network.definition(),
            network.float(),
            saving::compile_json(&self.compile_config()),
        )
    }
}
