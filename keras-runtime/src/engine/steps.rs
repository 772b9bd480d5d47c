//! A model that is applied to every step of a sequence alone (`TimeDistributed` around a model): each of its layers is.

use std::sync::Arc;

use keras_kernels::Shape;
use keras_kernels::random::Stream;

use super::definition::{Body, Definition, Handle};
use crate::Regularizer;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::layers::support::each_step;
use crate::plan::{MaskRule, Message, Plan, PlanResult, Spec};

/// A layer of such a model.
struct EachStep {
    layer: Handle,
    /// Its plan for one step.
    plan: Box<Plan>,
    /// What it gets at one step.
    inputs: Vec<Spec>,
}

impl Configure for EachStep {
    fn class_name(&self) -> &'static str {
        self.layer.class_name()
    }

    fn config(&self) -> Config {
        self.layer.config()
    }

    fn module(&self) -> &'static str {
        self.layer.module()
    }
}

impl Layer for EachStep {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        let steps = inputs.first().map_or(0, |input| input.dim(0));
        each_step::plan(&self.plan, &self.inputs, steps)
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        each_step::calls(&*self.layer, &self.plan, &self.inputs, call)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        each_step::forward(&*self.layer, cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        each_step::backward(&*self.layer, cx, call);
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.layer.pack(cx, call);
    }

    fn initialize(&self, weight: &crate::plan::WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        self.layer.initialize(weight, stream, values)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        self.layer.activity_regularizer()
    }

    fn check_masks(&self, _inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        each_step::check_masks(&*self.layer, &self.inputs, masks)
    }

    fn differentiable(&self) -> bool {
        self.layer.differentiable()
    }
}

/// The end of such a model: what it yields, with the mask that the sequence had before.
struct Joined;

impl Configure for Joined {
    fn class_name(&self) -> &'static str {
        "TimeDistributed"
    }

    fn config(&self) -> Config {
        Config::new()
    }
}

impl Layer for Joined {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        Ok(joined(inputs[0]))
    }

    // Both sides share memory: nothing runs.
    fn forward(&self, _: &Context<'_>, _: &Call) {}

    fn backward(&self, _: &Context<'_>, _: &Call) {}
}

fn joined(spec: Spec) -> Plan {
    Plan { alias: true, ..Plan::new(spec).mask(MaskRule::Last) }
}

/// The end of a model that is applied to steps, called on what it yields and what it is called on.
pub(super) fn end(spec: Spec) -> (Handle, Box<Plan>) {
    (Handle::Shared(Arc::new(Joined)), Box::new(joined(spec)))
}

/// A layer at all steps, and its plan; `steps` of the model that it is in come last.
///
/// # Errors
/// If it cannot be applied to steps.
pub(super) fn at_steps(
    layer: Handle,
    plan: &Plan,
    inputs: &[Spec],
    steps: &[usize],
) -> Result<(Handle, Box<Plan>), Message> {
    let (mut layer, mut plan, mut inputs) = (layer, Box::new(*plan), inputs.to_vec());
    for steps in steps.iter().rev() {
        let all = Box::new(each_step::plan(&plan, &inputs, *steps)?);
        layer = Handle::Shared(Arc::new(EachStep { layer, plan, inputs: inputs.clone() }));
        inputs.iter_mut().filter(|spec| spec.batched()).for_each(|spec| {
            *spec = spec.with_shape(spec.shape().insert(0, *steps));
        });
        plan = all;
    }
    Ok((layer, plan))
}

impl Definition {
    /// What a model that is applied to steps takes at each of them.
    pub(crate) fn one_step(&self, inputs: &[Spec]) -> Result<Vec<Spec>, Message> {
        if !self.each_step {
            return Ok(inputs.to_vec());
        }
        let wrapper = crate::layers::TimeDistributed::new(());
        Ok(wrapper.inner_specs(inputs)?.as_slice().to_vec())
    }

    /// Whether its layers can be applied to so many steps, those of the models around it first.
    ///
    /// # Errors
    /// Why not.
    pub(super) fn check_steps(&self, steps: &[usize]) -> Result<(), Message> {
        for node in &self.nodes {
            let member = &self.members[node.member];
            let inputs: Vec<Spec> = node.inputs.iter().map(|source| self.spec_of(*source)).collect();
            match &member.body {
                Body::Model(model) if model.each_step => {
                    model.check_steps(&[steps, &[inputs[0].dim(0)]].concat())?;
                }
                Body::Model(model) => model.check_steps(steps)?,
                Body::Layer(layer) => {
                    let layer = node.call.as_ref().unwrap_or(layer).clone();
                    at_steps(layer, &node.plan, &inputs, steps)?.1.check_sizes()?;
                }
            }
        }
        Ok(())
    }
}
