//! Operations of `keras.ops` as nodes of a graph.
//!
//! `x * 2 + h[:, :1]` in a Functional model of Keras is saved as operations, not layers: they have no weights, no entry in
//! the weights file, and their arguments stand in the call. In source they are functions and operators in the body of `model!`:
//! `x * 2 + h[.., ..1]`.
//!
//! A call is options and arguments ([`setting`]), from which [`compute`] makes what is computed; that is one for both front ends.
//! [`Operation`] is a call in source, made in const evaluation; [`parse()`] makes a [`FileOperation`] of one in a file.
//! [`function`] and [`pointwise`] compute element by element, [`moves`] and [`several`] without arithmetic, [`reductions`] along axes.

pub(crate) mod arguments;
mod compute;
mod function;
mod modules;
mod moves;
mod parse;
mod pointwise;
mod reductions;
pub(crate) mod setting;
mod several;
pub(crate) mod slope;
mod source;
mod sums;
pub(crate) mod tape;
#[cfg(test)]
mod tests;
mod wrapped;

use keras_kernels::{Grad, MAX_RANK};
use serde_json::{Map, Value};

use self::compute::Kind;
use crate::engine::{Fuses, Role};
use crate::layer::{Call, Config, Configure, Context, Layer, Recorded};
use crate::plan::{Message, PlanResult, Spec, catalogue};

pub(crate) use arguments::Arguments;
pub(crate) use parse::parse;
pub use source::Operation;

/// What an operation computes. Each also has a `const fn plan(&self, &[Spec])`.
trait Compute: Send + Sync {
    /// As [`Layer::pack`]: constants go to the device.
    fn pack(&self, _cx: &Context<'_>, _call: &Call) {}
    /// As [`Layer::role`].
    fn role(&self) -> Role {
        Role::Alone
    }
    /// As [`Layer::takes`].
    fn takes(&self, _inputs: &[Spec]) -> Fuses {
        Fuses::default()
    }
    /// As [`Layer::programs`].
    fn programs(&self, _call: &Call) -> Vec<Option<Recorded>> {
        Vec::new()
    }
    /// As [`Layer::forward`].
    fn forward(&self, cx: &Context<'_>, call: &Call);
    /// As [`Layer::backward`].
    fn backward(&self, cx: &Context<'_>, call: &Call);
}

/// The plan of an operation that is called on so many tensors.
const fn plan(kind: &Kind, tensors: usize, inputs: &[Spec]) -> PlanResult {
    crate::plan_inputs!(inputs, tensors);
    let mut i = 0;
    while i < inputs.len() {
        // What follows may calculate with sizes.
        if inputs[i].shape().is_oversized() {
            return Err(catalogue::oversized("an input", &inputs[i].shape()));
        }
        if inputs[i].rank() == MAX_RANK && inputs[i].batched() {
            let message = Message::new("takes tensors of at most 8 axes, the batch among them, found ");
            return Err(message.spec(&inputs[i]));
        }
        i += 1;
    }
    kind.plan(inputs)
}

/// An operation in a file.
pub(crate) struct FileOperation {
    class: &'static str,
    module: &'static str,
    /// Options of the operation, as in the file, without its name.
    config: Config,
    /// The call's arguments, with the numbers of tensors in their places.
    arguments: Arguments,
    /// Numbers of the arrays among the arguments.
    constants: Vec<Vec<f64>>,
    kind: Kind,
}

impl Configure for FileOperation {
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

impl Layer for FileOperation {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        plan(&self.kind, self.arguments.tensors(), inputs)
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        if self.constants.is_empty() {
            return self.kind.compute().pack(cx, call);
        }
        for (values, view) in self.constants.iter().zip(&call.packed) {
            crate::initializers::upload(cx.device, values, *view);
        }
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        self.kind.compute().role()
    }

    fn takes(&self, inputs: &[Spec]) -> Fuses {
        self.kind.compute().takes(inputs)
    }

    fn programs(&self, call: &Call) -> Vec<Option<Recorded>> {
        self.kind.compute().programs(call)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.kind.compute().forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.kind.compute().backward(cx, call);
    }
}

/// Nothing flows into a gradient.
fn zero(cx: &Context<'_>, grad: Option<Grad>) {
    if let Some(grad) = grad.filter(|g| !g.adds()) {
        cx.device.fill(0.0, grad.view);
    }
}
