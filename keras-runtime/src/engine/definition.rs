//! A model's structure at run time: what a file describes, and what a [`GraphSpec`] becomes.

use std::ops::Deref;
use std::sync::Arc;

use super::masking;
use super::spec::{GraphSpec, Source};
use crate::layer::Layer;
use crate::plan::{Message, Plan, Spec};
use crate::{Error, Policy, Regularizer, Result};

/// A layer: a const of a model in source, or one that was made at run time.
#[derive(Clone)]
pub enum Handle {
    /// A const.
    Static(&'static dyn Layer),
    /// Made at run time.
    Shared(Arc<dyn Layer>),
}

impl Deref for Handle {
    type Target = dyn Layer;
    fn deref(&self) -> &(dyn Layer + 'static) {
        match self {
            Handle::Static(layer) => *layer,
            Handle::Shared(layer) => &**layer,
        }
    }
}

/// What a member of a model is.
#[derive(Clone)]
pub enum Body {
    /// A layer.
    Layer(Handle),
    /// A model that is used as one.
    Model(Arc<Definition>),
}

/// An input of a model.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// What it is.
    pub spec: Spec,
}

/// An output of a model.
#[derive(Clone, Debug)]
pub struct Output {
    /// Its name.
    pub name: String,
    /// Which value it is.
    pub source: Source,
}

/// A layer or model inside a model; several nodes may call it.
#[derive(Clone)]
pub struct Member {
    /// Its name.
    pub name: String,
    /// What it is.
    pub body: Body,
    /// Whether its weights are trained.
    pub trainable: bool,
    /// Penalty on its outputs.
    pub activity_regularizer: Option<Regularizer>,
    /// In which types its numbers are, by its file.
    pub policy: Policy,
}

impl Member {
    /// Its class, as Keras knows it.
    pub fn class_name(&self) -> &'static str {
        match &self.body {
            Body::Layer(layer) => layer.class_name(),
            Body::Model(model) if model.each_step => "TimeDistributed",
            Body::Model(model) if model.sequential => "Sequential",
            Body::Model(_) => "Functional",
        }
    }

    /// Whether it is an operation (`x * 2`), which Keras does not list among a model's layers.
    pub fn is_operation(&self) -> bool {
        let of_ops =
            |module: &str| module.starts_with("keras.src.ops") || module.starts_with("keras_runtime::ops");
        matches!(&self.body, Body::Layer(layer) if of_ops(layer.module()))
    }
}

/// One call of a member.
#[derive(Clone)]
pub struct Node {
    /// Which member.
    pub member: usize,
    /// The layer with options that this call alone has.
    pub call: Option<Handle>,
    /// What it is called on.
    pub inputs: Vec<Source>,
    /// Masks that the call names for its inputs: they replace those that travel beside the values. Empty where it names none.
    pub masks: Vec<Option<Source>>,
    /// The plan for these inputs.
    pub plan: Box<Plan>,
}

/// A model's structure: members and their calls, in an order in which they can be computed.
#[derive(Clone, Default)]
pub struct Definition {
    /// Name of the model.
    pub name: String,
    /// Whether it is a plain list of layers.
    pub sequential: bool,
    /// Whether it is applied to every step of a sequence alone. What is called then is a `TimeDistributed` around it, and its inputs and
    /// outputs are those of one step.
    pub each_step: bool,
    /// Inputs.
    pub inputs: Vec<Input>,
    /// Outputs.
    pub outputs: Vec<Output>,
    /// Members in order of creation.
    pub members: Vec<Member>,
    /// Calls in order of computation.
    pub nodes: Vec<Node>,
}

impl Definition {
    /// An empty model.
    pub fn new(name: impl Into<String>) -> Definition {
        Definition { name: name.into(), ..Definition::default() }
    }

    /// The structure of a model in source.
    pub fn from_spec(spec: &'static GraphSpec) -> Definition {
        let members = spec.layers.iter().enumerate().map(|(at, layer)| {
            let plan = spec.nodes.iter().find(|n| n.layer == at).map(|n| n.plan);
            let inner = plan.and_then(|plan| Some((plan.model?, plan.steps.is_some())));
            Member {
                name: layer.name.into(),
                body: match inner {
                    Some((inner, each_step)) => {
                        Body::Model(Arc::new(Definition { each_step, ..Definition::from_spec(inner) }))
                    }
                    None => Body::Layer(Handle::Static(layer.layer)),
                },
                trainable: layer.trainable,
                activity_regularizer: layer.activity_regularizer,
                policy: Policy::Full,
            }
        });
        let nodes = spec.nodes.iter().map(|node| Node {
            member: node.layer,
            call: node.call.map(Handle::Static),
            inputs: node.inputs.to_vec(),
            masks: Vec::new(),
            plan: Box::new(*node.plan),
        });
        Definition {
            name: spec.name.into(),
            sequential: spec.sequential,
            each_step: false,
            inputs: spec.inputs.iter().map(|i| Input { name: i.name.into(), spec: i.spec }).collect(),
            outputs: spec.outputs.iter().map(|o| Output { name: o.name.into(), source: o.source }).collect(),
            members: members.collect(),
            nodes: nodes.collect(),
        }
    }

    /// Adds an input and returns it.
    pub fn input(&mut self, name: impl Into<String>, spec: Spec) -> Source {
        self.inputs.push(Input { name: name.into(), spec });
        Source::Input(self.inputs.len() - 1)
    }

    /// Adds a layer that is not called yet and returns its place.
    pub fn layer(&mut self, name: impl Into<String>, layer: impl Layer + 'static) -> usize {
        self.member(name, Body::Layer(Handle::Shared(Arc::new(layer))))
    }

    /// Adds a member that is not called yet and returns its place.
    pub fn member(&mut self, name: impl Into<String>, body: Body) -> usize {
        let name = name.into();
        let policy = Policy::Full;
        self.members.push(Member { name, body, trainable: true, activity_regularizer: None, policy });
        self.members.len() - 1
    }

    /// Calls a member on values; returns the node's number.
    ///
    /// # Errors
    /// If the layer cannot take these inputs, or a shared layer's calls do not agree on its weights.
    pub fn call(&mut self, member: usize, inputs: &[Source]) -> Result<usize> {
        self.call_with(member, None, inputs)
    }

    /// As [`Definition::call`], with options of this call alone.
    pub fn call_with(&mut self, member: usize, call: Option<Handle>, inputs: &[Source]) -> Result<usize> {
        let specs: Vec<Spec> = inputs.iter().map(|s| self.spec_of(*s)).collect();
        let this = &self.members[member];
        let error =
            |message| Error::Plan { layer: this.name.clone(), class: this.class_name().into(), message };
        let plan = match (&call, &this.body) {
            (Some(call), _) => call.plan_for(&specs),
            (None, Body::Layer(layer)) => layer.plan_for(&specs),
            (None, Body::Model(model)) => model.plan(&specs),
        };
        let plan = plan.map_err(error)?;
        plan.check_sizes().map_err(error)?;
        if let Some(first) = self.nodes.iter().find(|n| n.member == member) {
            agree(&first.plan, &plan).map_err(error)?;
        }
        // A model in source is a layer that does not compute: its own calls take its place.
        if let (Body::Layer(_), Some(model)) = (&this.body, plan.model) {
            let each_step = plan.steps.is_some();
            let model = Definition { each_step, ..Definition::from_spec(model) };
            self.members[member].body = Body::Model(Arc::new(model));
        }
        self.nodes.push(Node {
            member,
            call,
            inputs: inputs.to_vec(),
            masks: Vec::new(),
            plan: Box::new(plan),
        });
        Ok(self.nodes.len() - 1)
    }

    /// Names the masks of the inputs of a call.
    ///
    /// # Errors
    /// If there are more of them than inputs, or one does not say something of the first dimensions of its input.
    pub fn mask(&mut self, node: usize, masks: &[Option<Source>]) -> Result<()> {
        let (member, inputs) = (&self.members[self.nodes[node].member], &self.nodes[node].inputs);
        let error =
            |message| Error::Plan { layer: member.name.clone(), class: member.class_name().into(), message };
        if masks.len() > inputs.len() {
            let message =
                Message::new("has masks of ").number(masks.len()).text(" inputs, and is called on ");
            return Err(error(message.number(inputs.len())));
        }
        for (mask, input) in masks.iter().zip(inputs) {
            let Some(mask) = mask else { continue };
            masking::fits(&self.spec_of(*mask), &self.spec_of(*input)).map_err(error)?;
        }
        self.nodes[node].masks = masks.to_vec();
        Ok(())
    }

    /// Declares an output.
    pub fn output(&mut self, name: impl Into<String>, source: Source) {
        self.outputs.push(Output { name: name.into(), source });
    }

    /// What a value is.
    pub fn spec_of(&self, source: Source) -> Spec {
        match source {
            Source::Input(i) => self.inputs[i].spec,
            Source::Node { node, output } => self.nodes[node].plan.outputs.as_slice()[output],
        }
    }

    /// The plan of this model when it is used as a layer.
    pub fn plan(&self, inputs: &[Spec]) -> crate::plan::PlanResult {
        use crate::plan::catalogue;
        if self.each_step {
            return self.plan_of_steps(inputs);
        }
        if inputs.len() != self.inputs.len() {
            return Err(catalogue::arity(self.inputs.len(), inputs));
        }
        for (declared, found) in self.inputs.iter().zip(inputs) {
            if declared.spec != *found {
                let message = Message::new("expects input `").text(&declared.name).text("` of shape ");
                return Err(message.spec(&declared.spec).text(", found ").spec(found));
            }
        }
        let mut outputs = self.outputs.iter().map(|o| self.spec_of(o.source));
        let first = outputs.next().ok_or(Message::new("has no outputs"))?;
        Ok(outputs.fold(Plan::new(first), Plan::output))
    }

    fn plan_of_steps(&self, inputs: &[Spec]) -> crate::plan::PlanResult {
        let one = self.one_step(inputs)?;
        if self.inputs.len() != 1 || self.inputs[0].spec != one[0] {
            let message = Message::new("expects a model of one input around each step");
            return Err(message.text(", whose shape is ").spec(&one[0]));
        }
        if self.outputs.len() != 1 {
            return Err(Message::new("expects a model of one output, found ").number(self.outputs.len()));
        }
        let steps = inputs[0].dim(0);
        self.check_steps(&[steps])?;
        Ok(super::steps::plan(self.spec_of(self.outputs[0].source), steps))
    }
}

/// A shared layer has one set of weights: every call must want the same.
const fn agree(first: &Plan, other: &Plan) -> Result<(), crate::plan::Message> {
    use crate::plan::Message;
    let (a, b) = (first.weights.as_slice(), other.weights.as_slice());
    let mut i = 0;
    while i < a.len() && i < b.len() {
        if !a[i].shape.same(&b[i].shape) {
            let message = Message::new("is shared, but its calls need different weights: `").text(a[i].name);
            let message = message.text("` of shape `").dims(&a[i].shape).text("` and `");
            return Err(message.dims(&b[i].shape).text("`"));
        }
        i += 1;
    }
    if a.len() != b.len() {
        return Err(Message::new("is shared, but its calls need different numbers of weights"));
    }
    Ok(())
}

/// [`agree`] for the consts that `model!` writes: the plan of a later call, or why it cannot share.
pub const fn shared_plan(
    first: &crate::plan::PlanResult,
    other: crate::plan::PlanResult,
) -> crate::plan::PlanResult {
    match (first, &other) {
        (Ok(a), Ok(b)) => match agree(a, b) {
            Ok(()) => other,
            Err(message) => Err(message),
        },
        _ => other,
    }
}
