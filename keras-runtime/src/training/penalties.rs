//! Penalties on weights and outputs, and projections of weights, of one network.

use keras_kernels::{Block, Device, Grad, Shape, View};

use super::objective::read_number;
use crate::engine::{Network, Program};
use crate::{Constraint, Regularizer, Result};

/// Regularizers and constraints of a network, with their scratch memory.
pub(crate) struct Penalties {
    /// Weights, and their gradients once a training pass was prepared.
    weights: Vec<(View, Option<View>, Regularizer)>,
    constraints: Vec<(View, Constraint)>,
    outputs: bool,
    sum: View,
    scratch: View,
    _block: Box<dyn Block>,
}

impl Penalties {
    /// For a network; to train it is prepared for training before.
    pub fn new(network: &Network) -> Result<Penalties> {
        let trained = || network.variables().iter().filter(|v| v.trainable);
        let mut room = 1;
        let mut weights = Vec::new();
        let mut constraints = Vec::new();
        for v in trained() {
            if let Some(regularizer) = v.spec.regularizer {
                room = room.max(regularizer.scratch(&v.shape()));
                weights.push((network.view(v), network.grad_view(v), regularizer));
            }
            if let Some(constraint) = v.spec.constraint {
                room = room.max(constraint.scratch(&v.shape()));
                constraints.push((network.view(v), constraint));
            }
        }
        let flat = network.flat();
        let outputs = flat.leaves.iter().any(|l| l.activity_regularizer.is_some())
            || flat.nodes.iter().any(|n| n.layer.activity_regularizer().is_some());
        let float = network.float();
        let block = network.device().allocate(64 + room * float.size())?;
        // SAFETY: both lie in the block, which is kept as long as the views, on 64 bytes.
        let (sum, scratch) = unsafe {
            let sum = View::new(block.address(), Shape::of(&[1]), float);
            (sum, View::new(block.address().add(64), Shape::of(&[room]), float))
        };
        Ok(Penalties { weights, constraints, outputs, sum, scratch, _block: block })
    }

    /// Whether a step that trains can use them.
    pub fn can_train(&self) -> bool {
        self.weights.iter().all(|(_, grad, _)| grad.is_some())
    }

    /// Whether outputs of layers are penalised: then values must still be there after the forward pass.
    pub fn on_outputs(&self) -> bool {
        self.outputs
    }

    /// What is added to the loss.
    pub fn value(&self, device: &Device, program: &Program) -> f64 {
        let mut total = 0.0;
        if !self.weights.is_empty() {
            device.fill(0.0, self.sum);
            for (weight, _, regularizer) in &self.weights {
                regularizer.penalty(device, *weight, self.scratch, Grad::add(self.sum));
            }
            total += read_number(device, self.sum);
        }
        if self.outputs {
            device.fill(0.0, self.sum);
            for (step, call) in program.steps.iter().zip(&program.calls) {
                if let Some(regularizer) = step.activity {
                    for output in &call.outputs {
                        regularizer.penalty(device, *output, self.scratch, Grad::add(self.sum));
                    }
                }
            }
            total += read_number(device, self.sum) / program.batch.max(1) as f64;
        }
        total
    }

    /// Adds the gradients of the penalties on weights, times the scale of the loss.
    pub fn add_gradients(&self, device: &Device, scale: f64) {
        for (weight, grad, regularizer) in &self.weights {
            if let Some(grad) = grad {
                regularizer.scaled(scale).add_gradient(device, *weight, self.scratch, *grad);
            }
        }
    }

    /// Projects the weights.
    pub fn constrain(&self, device: &Device) {
        for (weight, constraint) in &self.constraints {
            constraint.apply(device, *weight, self.scratch);
        }
    }
}
