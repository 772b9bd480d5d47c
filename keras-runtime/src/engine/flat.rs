//! A definition with the models inside it unfolded.

use std::ops::Range;
use std::sync::Arc;

use super::definition::{Body, Definition, Handle};
use super::masking;
use super::spec::{NodeSpec, Source};
use super::steps;
use super::variables::{Kind, Variable};
use crate::plan::{Plan, Spec};
use crate::{Policy, Regularizer};

/// A layer at the bottom of the tree of models, with its place in it.
#[derive(Clone)]
pub struct Leaf {
    /// Names of the models and the layer, outermost first.
    pub path: Vec<String>,
    /// The layer.
    pub layer: Handle,
    /// Its plan (that of its first call: weights are the same in all).
    pub plan: Box<Plan>,
    /// Whether its weights are trained: neither it nor a model around it is frozen.
    pub trainable: bool,
    /// Penalty on its outputs.
    pub activity_regularizer: Option<Regularizer>,
    /// In which types its numbers are, by its file.
    pub policy: Policy,
}

/// One call of a leaf.
pub struct FlatNode {
    /// Which leaf.
    pub leaf: usize,
    /// The layer, with options of this call.
    pub layer: Handle,
    /// What it is called on.
    pub inputs: Vec<Source>,
    /// Its plan.
    pub plan: Box<Plan>,
    /// Whether it is the first call of its leaf, which packs the leaf's weights for all.
    pub packs: bool,
    /// Whether penalties on its outputs count. Of several calls of a member of the outermost model the last one does: in Keras each
    /// call forgets the penalties of the one before. Calls inside one call of an inner model all count.
    pub penalised: bool,
}

/// A definition with the models inside it unfolded: leaves, and calls of leaves.
#[derive(Default)]
pub struct Flat {
    /// Layers.
    pub leaves: Vec<Leaf>,
    /// Calls.
    pub nodes: Vec<FlatNode>,
    /// Where the outputs come from.
    pub outputs: Vec<Source>,
    /// The calls of each model that is applied to steps and is in no other such model, in order.
    stretches: Vec<Range<usize>>,
    /// About how many elementary operations a sample takes on its way forward.
    pub operations: usize,
}

impl Flat {
    /// The graph as the memory's plan sees it.
    pub(super) fn node_specs(&self) -> Vec<NodeSpec<'_>> {
        let nodes = self.nodes.iter();
        nodes.map(|n| NodeSpec { layer: n.leaf, call: None, inputs: &n.inputs, plan: &n.plan }).collect()
    }

    /// For each call whether its layer has weights that are trained.
    pub(super) fn trained(&self) -> Vec<bool> {
        let trained = |n: &FlatNode| self.leaves[n.leaf].trainable && !n.plan.weights.is_empty();
        self.nodes.iter().map(trained).collect()
    }

    /// Numbers in all variables.
    pub fn numbers(&self) -> usize {
        let plans = self.leaves.iter().map(|leaf| &leaf.plan);
        let variables = plans.flat_map(|plan| plan.weights.as_slice().iter().chain(plan.state.as_slice()));
        variables.fold(0, |n, variable| n.saturating_add(variable.shape.size()))
    }

    /// The variables, layer by layer, weights before state.
    pub(super) fn variables(&self) -> Vec<Variable> {
        let mut variables = Vec::new();
        let (mut weights, mut state) = (0, 0);
        for (at, leaf) in self.leaves.iter().enumerate() {
            for (specs, kind, end) in [
                (leaf.plan.weights.as_slice(), Kind::Weight, &mut weights),
                (leaf.plan.state.as_slice(), Kind::State, &mut state),
            ] {
                for spec in specs {
                    let trainable = kind == Kind::Weight && leaf.trainable;
                    let layer = leaf.path.clone();
                    variables.push(Variable { leaf: at, layer, spec: *spec, kind, offset: *end, trainable });
                    *end += spec.shape.size();
                }
            }
        }
        variables
    }

    /// The calls of the model that is applied to steps from this call on, if there is one.
    pub(super) fn stretch_from(&self, first: usize) -> Option<Range<usize>> {
        let at = self.stretches.binary_search_by_key(&first, |calls| calls.start).ok()?;
        Some(self.stretches[at].clone())
    }

    /// As [`Flat::stretch_from`], for the one whose last call is before this one.
    pub(super) fn stretch_to(&self, end: usize) -> Option<Range<usize>> {
        let at = self.stretches.binary_search_by_key(&end, |calls| calls.end).ok()?;
        Some(self.stretches[at].clone())
    }

    /// Unfolds a definition.
    pub fn new(definition: &Definition) -> Flat {
        let mut flat = Flat::default();
        let leaves = flat.leaves_of(definition, &[], true);
        let inputs: Vec<Source> = (0..definition.inputs.len()).map(Source::Input).collect();
        flat.outputs = flat.unfold(definition, &leaves, &inputs, &[], None);
        let all = flat.nodes.iter().map(|node| {
            let size = |source: &Source| match *source {
                Source::Input(i) => definition.inputs[i].spec.size(),
                Source::Node { node, output } => flat.nodes[node].plan.outputs.as_slice()[output].size(),
            };
            operations(&node.plan, node.inputs.iter().map(size).sum())
        });
        flat.operations = all.fold(0, usize::saturating_add);
        flat
    }

    fn leaves_of(&mut self, definition: &Definition, path: &[String], trainable: bool) -> Vec<Place> {
        let mut places = Vec::with_capacity(definition.members.len());
        for (at, member) in definition.members.iter().enumerate() {
            let mut path = path.to_vec();
            path.push(member.name.clone());
            let trainable = trainable && member.trainable;
            places.push(match &member.body {
                Body::Model(model) => {
                    // Keras knows the model inside a wrapper by its own name.
                    path.extend(model.each_step.then(|| model.name.clone()));
                    Place::Model(self.leaves_of(model, &path, trainable), Arc::clone(model))
                }
                Body::Layer(layer) => {
                    // A layer that nobody calls has no plan and no weights.
                    let plan = match definition.nodes.iter().find(|n| n.member == at) {
                        Some(node) => node.plan.clone(),
                        None => Box::new(Plan::new(Spec::of(&[]))),
                    };
                    let activity_regularizer = member.activity_regularizer;
                    self.leaves.push(Leaf {
                        path,
                        layer: layer.clone(),
                        plan,
                        trainable,
                        activity_regularizer,
                        policy: member.policy,
                    });
                    Place::Leaf(self.leaves.len() - 1)
                }
            });
        }
        places
    }

    /// The calls of a definition, at so many steps of the models around it that are applied to steps; `penalised` of the outermost one
    /// is decided call by call.
    fn unfold(
        &mut self,
        definition: &Definition,
        places: &[Place],
        inputs: &[Source],
        steps: &[usize],
        penalised: Option<bool>,
    ) -> Vec<Source> {
        // Outputs of each node of `definition`, as values of the flat graph.
        let mut done: Vec<Vec<Source>> = Vec::with_capacity(definition.nodes.len());
        let resolve = |done: &[Vec<Source>], source: &Source| match *source {
            Source::Input(i) => inputs[i],
            Source::Node { node, output } => done[node][output],
        };
        for (k, node) in definition.nodes.iter().enumerate() {
            let is_last = || definition.nodes[k + 1..].iter().all(|later| later.member != node.member);
            let penalised = penalised.unwrap_or_else(is_last);
            let mut called_on: Vec<Source> = node.inputs.iter().map(|s| resolve(&done, s)).collect();
            for (at, mask) in node.masks.iter().enumerate() {
                let Some(mask) = mask else { continue };
                let specs = [node.inputs[at], *mask].map(|source| definition.spec_of(source));
                let path = [definition.name.clone(), definition.members[node.member].name.clone()];
                called_on[at] = self.masked(called_on[at], resolve(&done, mask), specs, steps, &path);
            }
            done.push(match &places[node.member] {
                Place::Model(inner, model) if model.each_step => {
                    let all = [steps, &[definition.spec_of(node.inputs[0]).dim(0)]].concat();
                    let first = self.nodes.len();
                    let yielded = self.unfold(model, inner, &called_on, &all, Some(penalised));
                    let end = self.end_of_steps(model, yielded[0], called_on[0], &all);
                    if steps.is_empty() {
                        self.stretches.push(first..self.nodes.len());
                    }
                    vec![end]
                }
                Place::Model(inner, model) => self.unfold(model, inner, &called_on, steps, Some(penalised)),
                Place::Leaf(leaf) => {
                    let layer = node.call.clone().unwrap_or_else(|| self.leaves[*leaf].layer.clone());
                    let at = self.nodes.len();
                    let outputs =
                        (0..node.plan.outputs.len()).map(|output| Source::Node { node: at, output });
                    let outputs = outputs.collect();
                    let packs = self.nodes.iter().all(|n| n.leaf != *leaf);
                    let leaf = *leaf;
                    let specs: Vec<Spec> = node.inputs.iter().map(|s| definition.spec_of(*s)).collect();
                    // It was held against the steps when the model was called.
                    let wrapped = steps::at_steps(layer.clone(), &node.plan, &specs, steps);
                    let (layer, plan) = wrapped.unwrap_or_else(|_| (layer, Box::new(Plan::POISON)));
                    self.nodes.push(FlatNode { leaf, layer, inputs: called_on, plan, packs, penalised });
                    outputs
                }
            });
        }
        definition.outputs.iter().map(|o| resolve(&done, &o.source)).collect()
    }

    /// A value with a mask of its own.
    fn masked(
        &mut self,
        value: Source,
        mask: Source,
        specs: [Spec; 2],
        steps: &[usize],
        path: &[String],
    ) -> Source {
        let specs = specs.map(|spec| at_all_steps(spec, steps));
        let (layer, plan) = masking::masked(specs);
        self.alone(path.to_vec(), layer, plan, vec![value, mask])
    }

    /// Ends a model that was applied to steps: its output has the mask of the sequence. Layers that are no member's come last.
    fn end_of_steps(
        &mut self,
        model: &Definition,
        yielded: Source,
        called_on: Source,
        steps: &[usize],
    ) -> Source {
        let (layer, plan) = steps::end(at_all_steps(model.spec_of(model.outputs[0].source), steps));
        self.alone(vec![model.name.clone()], layer, plan, vec![yielded, called_on])
    }

    /// The only call of a layer that is no member's: those come last, and have no weights.
    fn alone(&mut self, path: Vec<String>, layer: Handle, plan: Box<Plan>, inputs: Vec<Source>) -> Source {
        self.leaves.push(Leaf {
            path,
            layer: layer.clone(),
            plan: plan.clone(),
            trainable: false,
            activity_regularizer: None,
            policy: Policy::Full,
        });
        let leaf = self.leaves.len() - 1;
        self.nodes.push(FlatNode { leaf, layer, inputs, plan, packs: false, penalised: false });
        Source::node(self.nodes.len() - 1)
    }
}

/// A value of a model that is applied to so many steps, at all of them.
fn at_all_steps(spec: Spec, steps: &[usize]) -> Spec {
    steps.iter().rev().fold(spec, |spec, steps| spec.with_shape(spec.shape().insert(0, *steps)))
}

enum Place {
    Leaf(usize),
    Model(Vec<Place>, Arc<Definition>),
}

/// Multiplications of a product that take as long as one operation.
const MULTIPLICATIONS: usize = 10;

/// About how many operations a call takes: every place of the larger side (`channels` numbers lie in one) meets every weight. That is
/// so for products and convolutions, where ten multiplications take about as long as one operation elsewhere; for lookups it is far too
/// much, which does no harm.
fn operations(plan: &Plan, inputs: usize) -> usize {
    let outputs = plan.outputs.as_slice().iter().map(Spec::size).fold(0, usize::saturating_add);
    let channels =
        plan.outputs.as_slice().first().map_or(1, |y| y.shape().to_vec().last().copied().unwrap_or(1));
    let places = inputs.max(outputs) / channels.max(1);
    (inputs + outputs).saturating_add(places.max(1).saturating_mul(plan.params()) / MULTIPLICATIONS)
}
