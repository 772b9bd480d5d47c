//! Operations of `keras.ops` as nodes of a graph.
//!
//! `x * 2 + h[:, :1]` in a Functional model of Keras is saved as operations, not layers: they have no weights, no entry in
//! the weights file, and their arguments stand in the call. [`Operation`] is such a node: what it computes, and how it is
//! written. [`parse()`] makes one from a file's call.
//!
//! Stages: [`arguments`] tells tensors from plain arguments, [`parse`] finds the operation by its class, and the other modules
//! compute: [`function`] and [`pointwise`] element by element, [`moves`] and [`several`] without arithmetic, [`reductions`].

pub(crate) mod arguments;
mod function;
mod moves;
mod parse;
mod pointwise;
mod reductions;
mod several;
pub(crate) mod slope;
pub(crate) mod tape;
#[cfg(test)]
mod tests;
mod wrapped;

use keras_kernels::{Grad, MAX_RANK};
use serde_json::{Map, Value};

use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::plan::{Message, PlanResult, Spec, catalogue};

pub(crate) use arguments::Arguments;
pub(crate) use parse::parse;

/// What an operation computes.
pub(crate) trait Compute: Send + Sync {
    /// As [`Layer::plan_for`].
    fn plan(&self, inputs: &[Spec]) -> PlanResult;
    /// As [`Layer::pack`]: constants go to the device.
    fn pack(&self, _cx: &Context<'_>, _call: &Call) {}
    /// As [`Layer::forward`].
    fn forward(&self, cx: &Context<'_>, call: &Call);
    /// As [`Layer::backward`].
    fn backward(&self, cx: &Context<'_>, call: &Call);
}

/// An operation in a graph.
pub(crate) struct Operation {
    class: &'static str,
    module: &'static str,
    /// Options of the operation, as in a file, without its name.
    config: Config,
    /// The call's arguments, with the numbers of tensors in their places.
    arguments: Arguments,
    compute: Box<dyn Compute>,
}

impl Configure for Operation {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self) -> Config {
        self.config.clone()
    }

    fn module(&self) -> &'static str {
        self.module
    }

    fn arguments(&self, tensors: &[Value]) -> Option<(Value, Map<String, Value>)> {
        Some(self.arguments.with_tensors(tensors))
    }
}

impl Layer for Operation {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, self.arguments.tensors());
        // What follows may calculate with sizes.
        if let Some(large) = inputs.iter().find(|spec| spec.shape().is_oversized()) {
            return Err(catalogue::oversized("an input", &large.shape()));
        }
        if let Some(deep) = inputs.iter().find(|spec| spec.rank() == MAX_RANK && spec.batched()) {
            return Err(
                Message::new("takes tensors of at most 8 axes, the batch among them, found ").spec(deep)
            );
        }
        self.compute.plan(inputs)
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.compute.pack(cx, call);
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.compute.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.compute.backward(cx, call);
    }
}

/// Nothing flows into a gradient.
fn zero(cx: &Context<'_>, grad: Option<Grad>) {
    if let Some(grad) = grad.filter(|g| !g.adds()) {
        cx.device.fill(0.0, grad.view);
    }
}
