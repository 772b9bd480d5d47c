//! Which calls of a program are computed together, in one pass over memory.
//!
//! In inference a convolution or product ends with what the calls after it do to each number: a normalization by fixed statistics, the sum with a value
//! that is there already, an activation. Zeros around an image are read by the convolution after them, not written. Dropout does nothing.
//! Calls that others do for them are skipped: their output is that call's memory. Nobody else may read the values in between.
//!
//! In training a normalization or a sum ends with the rectifier after it, and starts with its slope on the way back.
//!
//! What is fused is decided by what layers say of themselves ([`Role`], [`Fuses`](super::Fuses)), never by their class. On a device that
//! computes by definitions every call is on its own.

use keras_kernels::Shape;
use keras_kernels::activation::Activation;
use keras_kernels::conv::MAX_SPATIAL;

use super::flat::Flat;
use super::memory::Owned;
use super::role::{Role, rectifies};
use super::spec::{NodeSpec, Source};
use crate::layer::{Call, Context};
use crate::plan::{Plan, Spec};

/// The calls of a program, those of some done by others.
pub(super) struct Fusion {
    /// One for each node of the flat graph.
    pub parts: Vec<Part>,
}

/// A call, as the memory's plan sees it, and what it does for others.
pub(super) struct Part {
    /// The values that it reads.
    pub inputs: Vec<Source>,
    /// Its plan; that of a skipped call only says that output and input are one.
    pub plan: Box<Plan>,
    /// Whether another call does its work, or there is none.
    pub skipped: bool,
    /// Calls after it that multiply and shift channels.
    pub affine: Vec<usize>,
    /// What is added to its sums.
    pub residual: Option<Source>,
    /// Applied at last.
    pub activation: Activation,
    /// Zeros in front of its input, and the value that they are around.
    pub frame: Option<([usize; MAX_SPATIAL], Source)>,
}

impl Part {
    /// Whether it does what other calls did.
    fn takes(&self) -> bool {
        !self.affine.is_empty() || self.residual.is_some() || !self.activation.is_linear()
    }
}

impl Fusion {
    /// Finds what can be computed together. `masks` are those of the outputs of each node ([`Flat::masks`]).
    pub fn new(inputs: &[Spec], flat: &Flat, masks: &[Vec<Option<Shape>>], training: bool) -> Option<Fusion> {
        let parts = flat.nodes.iter().map(|node| Part {
            inputs: node.inputs.clone(),
            plan: node.plan.clone(),
            skipped: false,
            affine: Vec::new(),
            residual: None,
            activation: Activation::Linear,
            frame: None,
        });
        let parts = parts.collect();
        let mut search = Search { inputs, flat, masks, training, readers: readers(flat), parts };
        for at in 0..flat.nodes.len() {
            search.follow(at);
        }
        for at in (0..flat.nodes.len()).filter(|_| !training) {
            search.frame(at);
            search.identity(at);
        }
        let fusion = Fusion { parts: search.parts };
        let changed = fusion.parts.iter().any(|part| part.skipped || part.takes());
        // Values live for a shorter time, but slots are handed out greedily: what const evaluation says of the unfused graph
        // (`PEAK`) must stay an upper bound.
        let bytes = |nodes: Vec<NodeSpec<'_>>| slots(inputs, &nodes, flat, training);
        let fits = || bytes(fusion.nodes(flat)) <= bytes(flat.node_specs());
        (changed && fits()).then_some(fusion)
    }

    /// The graph that the memory's plan sees.
    pub fn nodes<'a>(&'a self, flat: &Flat) -> Vec<NodeSpec<'a>> {
        let node = |(part, node): (&'a Part, &super::FlatNode)| NodeSpec {
            layer: node.leaf,
            call: None,
            inputs: &part.inputs,
            plan: &part.plan,
        };
        self.parts.iter().zip(&flat.nodes).map(node).collect()
    }

    /// Makes the factors and shifts of channels from the weights and state of now.
    pub fn fold(&self, cx: &Context<'_>, flat: &Flat, calls: &[Call]) {
        for (at, part) in self.parts.iter().enumerate() {
            let Some([scale, shift]) = calls[at].ending.affine else { continue };
            cx.device.fill(1.0, scale);
            cx.device.fill(0.0, shift);
            // The call itself adds its bias.
            for node in std::iter::once(&at).chain(&part.affine) {
                flat.nodes[*node].layer.compose(cx, &calls[*node], scale, shift);
            }
        }
    }

    /// For each node the leaves whose weights and state make its factors and shifts.
    pub fn folds(&self, flat: &Flat) -> Vec<Vec<usize>> {
        let leaves = |(at, part): (usize, &Part)| {
            let own = (!part.affine.is_empty()).then_some(at);
            own.iter().chain(&part.affine).map(|node| flat.nodes[*node].leaf).collect()
        };
        self.parts.iter().enumerate().map(leaves).collect()
    }
}

/// Bytes per sample of the slots of a graph.
fn slots(inputs: &[Spec], nodes: &[NodeSpec<'_>], flat: &Flat, training: bool) -> usize {
    let mut owned = Owned::new(inputs.len(), nodes);
    let slots = owned.assign(inputs, nodes, &flat.outputs, training);
    let grads =
        if training { owned.assign_grads(inputs, nodes, &flat.outputs, &flat.trained()).0 } else { 0 };
    let t = owned.tables();
    t.slot_bytes[..slots].iter().chain(&t.grad_slot_bytes[..grads]).sum()
}

/// Who reads a value.
#[derive(Clone, Copy)]
enum Reader {
    Nobody,
    /// One call, once.
    Call(usize),
    /// Several, or whoever runs the model.
    Others,
}

/// The readers of each node's first output.
fn readers(flat: &Flat) -> Vec<Reader> {
    let mut readers = vec![Reader::Nobody; flat.nodes.len()];
    let mut read = |source: &Source, by: Reader| {
        if let Source::Node { node, .. } = *source {
            let other = matches!(readers[node], Reader::Nobody);
            readers[node] = if other { by } else { Reader::Others };
        }
    };
    for (at, node) in flat.nodes.iter().enumerate() {
        node.inputs.iter().for_each(|source| read(source, Reader::Call(at)));
    }
    flat.outputs.iter().for_each(|source| read(source, Reader::Others));
    readers
}

struct Search<'a> {
    inputs: &'a [Spec],
    flat: &'a Flat,
    masks: &'a [Vec<Option<Shape>>],
    training: bool,
    readers: Vec<Reader>,
    parts: Vec<Part>,
}

impl Search<'_> {
    fn spec(&self, source: Source) -> Spec {
        match source {
            Source::Input(i) => self.inputs[i],
            Source::Node { node, output } => self.flat.nodes[node].plan.outputs.as_slice()[output],
        }
    }

    fn specs(&self, at: usize) -> Vec<Spec> {
        self.flat.nodes[at].inputs.iter().map(|source| self.spec(*source)).collect()
    }

    /// Whether a call is one value of unmasked ones, without a penalty.
    fn is_simple(&self, at: usize) -> bool {
        let node = &self.flat.nodes[at];
        let masked = |source: &Source| match *source {
            Source::Input(_) => false,
            Source::Node { node, output } => self.masks[node][output].is_some(),
        };
        let penalty = self.flat.leaves[node.leaf].activity_regularizer.or(node.layer.activity_regularizer());
        let quiet = self.masks[at].iter().all(Option::is_none) && !node.inputs.iter().any(masked);
        quiet && penalty.is_none() && node.plan.outputs.len() == 1
    }

    /// What a call does, if it can be a part of another one.
    fn role(&self, at: usize) -> Role {
        if self.parts[at].skipped || !self.is_simple(at) {
            return Role::Alone;
        }
        self.flat.nodes[at].layer.role(&self.specs(at))
    }

    /// The value whose memory a value is, and so the call that computes it.
    fn root(&self, mut source: Source) -> Source {
        while let Source::Node { node, output: 0 } = source {
            let part = &self.parts[node];
            if !part.plan.alias {
                break;
            }
            source = part.inputs[0];
        }
        source
    }

    /// Gives call `first` what the calls after it do.
    fn follow(&mut self, first: usize) {
        let head = &self.flat.nodes[first];
        if self.parts[first].skipped || !self.is_simple(first) {
            return;
        }
        let takes = head.layer.takes(&self.specs(first));
        let ending = takes.ending && !self.training;
        if !ending && !takes.rectifier {
            return;
        }
        let mut last = first;
        while let Reader::Call(at) = self.readers[last] {
            let role = self.role(at);
            let other = if role == Role::Sum { self.other(at, last, first) } else { None };
            let head = &mut self.parts[first];
            let bent = !head.activation.is_linear();
            match role {
                Role::Identity if !self.training => {}
                Role::Affine if ending && head.residual.is_none() && !bent => head.affine.push(at),
                Role::Sum if ending && other.is_some() && head.residual.is_none() && !bent => {
                    head.residual = other;
                    head.inputs.extend(other);
                }
                Role::Activation(f) if !bent && (ending || rectifies(f)) => head.activation = f,
                _ => break,
            }
            self.skip(at, Source::node(last));
            last = at;
        }
    }

    /// The value that call `at` adds to the output of call `last`, if it is there before call `first` runs.
    fn other(&self, at: usize, last: usize, first: usize) -> Option<Source> {
        let specs = self.specs(at);
        let [a, b] = self.flat.nodes[at].inputs[..] else { return None };
        let other = self.root(if a == Source::node(last) { b } else { a });
        let there = match other {
            Source::Input(_) => true,
            Source::Node { node, .. } => node < first,
        };
        let like = specs[0] == specs[1] && specs[0] == self.flat.nodes[first].plan.outputs.as_slice()[0];
        (there && like).then_some(other)
    }

    /// Gives the zeros that call `at` puts around an image to the call after it.
    fn frame(&mut self, at: usize) {
        let Role::Frame(frame) = self.role(at) else { return };
        let Reader::Call(after) = self.readers[at] else { return };
        let reader = &self.flat.nodes[after];
        if self.is_simple(after) && reader.layer.takes(&self.specs(after)).frame {
            let inside = self.parts[at].inputs[0];
            self.parts[after].frame = Some((frame, inside));
            self.skip(at, inside);
        }
    }

    fn identity(&mut self, at: usize) {
        if self.role(at) == Role::Identity {
            self.skip(at, self.parts[at].inputs[0]);
        }
    }

    /// Makes the output of call `at` the memory of this value.
    fn skip(&mut self, at: usize, from: Source) {
        let plan = &self.flat.nodes[at].plan;
        let skipped = Plan::new(plan.outputs.as_slice()[0]).alias().mask(plan.mask);
        let part = &mut self.parts[at];
        (part.inputs, part.plan, part.skipped) = (vec![from], Box::new(skipped), true);
    }
}

#[cfg(test)]
mod tests;
