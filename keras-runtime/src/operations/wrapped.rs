//! Operations that exist for `#[call]` or as a layer already, as nodes of a graph.

use keras_kernels::activation::Activation;

use super::Compute;
use crate::engine::Role;
use crate::layer::{Call, Context};
use crate::layers::normalization::UnitLength;
use crate::layers::support::elementwise;
use crate::ops::generated::{Einsum, Matmul};
use crate::ops::{Backward, Op};
use crate::plan::{MaskRule, Plan, PlanResult, Spec};
use crate::plan_try;

/// The gradient that a call asks for, as an operation of `#[call]` takes it.
pub(super) fn pass(call: &Call) -> Backward<'_> {
    Backward {
        inputs: &call.inputs,
        y: call.outputs[0],
        dy: call.output_grads[0],
        grads: &call.input_grads,
        scratch: &call.backward_scratch,
    }
}

/// An activation function of `keras.ops.nn`.
#[derive(Clone, Copy)]
pub(super) struct Activated(pub Activation);

impl Activated {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 1);
        Ok(plan_try!(elementwise::plan(&inputs[0], self.0)).mask(MaskRule::Drop))
    }
}

impl Compute for Activated {
    fn role(&self) -> Role {
        elementwise::role(self.0)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::forward(cx, call, self.0);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        elementwise::backward(cx, call, self.0);
    }
}

/// `matmul(a, b)`.
#[derive(Clone, Copy)]
pub(super) struct Product;

impl Product {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 2);
        Ok(Plan::new(plan_try!(Matmul.spec(inputs))).mask(MaskRule::Drop))
    }
}

impl Compute for Product {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        Matmul.forward(cx, &call.inputs, call.outputs[0], &[]);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        Matmul.backward(cx, &pass(call));
    }
}

/// `normalize(x, axis)`.
#[derive(Clone, Copy)]
pub(super) struct Normalized(pub UnitLength);

impl Normalized {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        Ok(plan_try!(self.0.plan(inputs)).mask(MaskRule::Drop))
    }
}

impl Compute for Normalized {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.0.forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.0.backward(cx, call);
    }
}

/// `einsum(equation, a, b)`.
#[derive(Clone, Copy)]
pub(super) struct Contracted(pub Einsum);

impl Contracted {
    pub(super) const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        crate::plan_inputs!(inputs, 2);
        let mut plan = Plan::new(plan_try!(self.0.spec(inputs)));
        let mut i = 0;
        while i < 3 {
            plan = plan.scratch(plan_try!(self.0.room(inputs, i)));
            plan = plan.backward_scratch(plan_try!(self.0.backward_room(inputs, i)));
            i += 1;
        }
        Ok(plan.mask(MaskRule::Drop))
    }
}

impl Compute for Contracted {
    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.0.forward(cx, &call.inputs, call.outputs[0], &call.scratch);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.0.backward(cx, &pass(call));
    }
}
