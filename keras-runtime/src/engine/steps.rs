//! A model that is applied to every step of a sequence alone (`TimeDistributed` around a model): each of its layers is.

use std::sync::Arc;

use keras_kernels::random::Stream;
use keras_kernels::{MAX_RANK, Shape};

use super::definition::{Body, Definition, Handle};
use super::spec::GraphSpec;
use crate::Regularizer;
use crate::layer::{Call, Config, Configure, Context, Layer};
use crate::layers::support::each_step;
use crate::plan::{List, MAX_BUFFERS, MaskRule, Message, Plan, PlanResult, Spec, any_poison};
use crate::plan_try;

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

/// The plan of a model at so many steps, which yields `one` at each of them.
pub(super) const fn plan(one: Spec, steps: usize) -> Plan {
    Plan::new(one.with_shape(one.shape().insert(0, steps))).mask(MaskRule::First)
}

/// The plan of a layer at all steps, as [`at_steps`] makes it.
const fn plan_at(plan: &Plan, inputs: &[Spec], steps: &[usize]) -> PlanResult {
    let mut plan = *plan;
    // Only layers with state look at their inputs again, and those with more than these are refused.
    let mut specs = [Spec::POISON; MAX_BUFFERS];
    let count = if inputs.len() < MAX_BUFFERS { inputs.len() } else { MAX_BUFFERS };
    specs.split_at_mut(count).0.copy_from_slice(inputs.split_at(count).0);
    let mut k = steps.len();
    while k > 0 {
        k -= 1;
        plan = plan_try!(each_step::plan(&plan, specs.split_at(count).0, steps[k]));
        let mut i = 0;
        while i < count {
            if specs[i].batched() {
                specs[i] = specs[i].with_shape(specs[i].shape().insert(0, steps[k]));
            }
            i += 1;
        }
    }
    Ok(plan)
}

impl GraphSpec {
    /// The plan of a `TimeDistributed` around this model.
    ///
    /// # Errors
    /// If a layer of it cannot be applied to steps.
    pub(crate) const fn plan_at_steps(&'static self, steps: usize) -> PlanResult {
        if self.outputs.len() != 1 {
            return Err(Message::new("expects a model of one output, found ").number(self.outputs.len()));
        }
        let mut all = List::new(0);
        all.push(steps);
        plan_try!(self.check_steps(&all));
        let mut plan = plan(self.outputs[0].spec, steps);
        plan.model = Some(self);
        plan.steps = Some(steps);
        Ok(plan)
    }

    /// [`Definition::check_steps`] for a model in source.
    const fn check_steps(&self, steps: &List<usize, MAX_RANK>) -> Result<(), Message> {
        let mut k = 0;
        while k < self.nodes.len() {
            let node = &self.nodes[k];
            match node.plan.model {
                Some(model) => {
                    let mut all = *steps;
                    if let Some(own) = node.plan.steps {
                        all.push(own);
                    }
                    plan_try!(model.check_steps(&all));
                }
                // A mistake that is reported where it is.
                None if any_poison(node.plan.outputs.as_slice()) => {}
                None => {
                    let mut inputs = List::<Spec, MAX_BUFFERS>::new(Spec::POISON);
                    while inputs.len() < node.inputs.len() && inputs.len() < MAX_BUFFERS {
                        inputs.push(self.spec_of(node.inputs[inputs.len()]));
                    }
                    let all = plan_try!(plan_at(node.plan, inputs.as_slice(), steps.as_slice()));
                    plan_try!(all.check_sizes());
                }
            }
            k += 1;
        }
        Ok(())
    }
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
                Body::Layer(_) => plan_at(&node.plan, &inputs, steps)?.check_sizes()?,
            }
        }
        Ok(())
    }
}
