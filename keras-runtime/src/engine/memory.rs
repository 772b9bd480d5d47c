//! Which values share memory: the arena's plan, in const evaluation and at run time alike.
//!
//! The walk is linear in the graph (times the few slots that are free at a time). A **slot** is a piece of the arena that
//! values use one after the other; it is as large as the largest of them. For inference a value gives its slot back after
//! the node that reads it last. For training values keep theirs until backward, and gradients, which live from the
//! backward of the last consumer to that of the producer, share slots of their own.

use super::spec::{GraphSpec, NodeSpec, Source};
use crate::plan::Spec;

/// No slot, no node.
pub const NONE: usize = usize::MAX;

/// What the walk needs and yields, sized by the number of values (all slices but `first`).
pub struct Tables<'a> {
    /// Number of the first output of each node among all values; inputs come first. Sized nodes + 1.
    pub first: &'a mut [usize],
    /// For each value the value whose memory it is (itself, unless a node only reshapes).
    pub root: &'a mut [usize],
    /// Bytes of a sample.
    pub bytes: &'a mut [usize],
    /// Slot of each value, by root.
    pub slot: &'a mut [usize],
    /// Slot of each value's gradient, by root; [`NONE`] where there is none.
    pub grad_slot: &'a mut [usize],
    /// Bytes of a sample of each value slot.
    pub slot_bytes: &'a mut [usize],
    /// Bytes of a sample of each gradient slot.
    pub grad_slot_bytes: &'a mut [usize],
    /// Last node that reads each root (the number of nodes if it is an output).
    pub last: &'a mut [usize],
    /// Whether each slot is free; used by the walk.
    pub free: &'a mut [bool],
}

/// Tables in memory of their own, for graphs of any size.
pub(super) struct Owned {
    first: Vec<usize>,
    usizes: [Vec<usize>; 7],
    free: Vec<bool>,
}

impl Owned {
    /// For a graph of these nodes.
    pub(super) fn new(inputs: usize, nodes: &[NodeSpec<'_>]) -> Owned {
        // Room for one slot a value.
        let values = count_values(inputs, nodes);
        let usizes = std::array::from_fn(|_| vec![0; values + 1]);
        Owned { first: vec![0; nodes.len() + 1], usizes, free: vec![true; values + 1] }
    }

    /// The tables.
    pub(super) fn tables(&mut self) -> Tables<'_> {
        let [root, bytes, slot, grad_slot, slot_bytes, grad_slot_bytes, last] = &mut self.usizes;
        let (first, free) = (&mut self.first, &mut self.free);
        Tables { first, root, bytes, slot, grad_slot, slot_bytes, grad_slot_bytes, last, free }
    }

    /// [`trace`] and [`assign_values`].
    pub(super) fn assign(
        &mut self,
        inputs: &[Spec],
        nodes: &[NodeSpec<'_>],
        outputs: &[Source],
        keep: bool,
    ) -> usize {
        let mut t = self.tables();
        trace(inputs, nodes, outputs, &mut t);
        assign_values(inputs.len(), nodes, keep, &mut t)
    }

    /// [`mark_needs`] and [`assign_grads`]: the number of slots, and which values need a gradient. [`Owned::assign`] comes before.
    pub(super) fn assign_grads(
        &mut self,
        inputs: &[Spec],
        nodes: &[NodeSpec<'_>],
        outputs: &[Source],
        trained: &[bool],
    ) -> (usize, Vec<bool>) {
        let mut needs = vec![false; count_values(inputs.len(), nodes)];
        let mut t = self.tables();
        mark_needs(inputs.len(), nodes, trained, t.first, &mut needs);
        (assign_grads(inputs.len(), nodes, outputs, &needs, &mut t), needs)
    }
}

/// How many values a graph has: inputs and outputs of nodes.
pub const fn count_values(inputs: usize, nodes: &[NodeSpec<'_>]) -> usize {
    let mut n = inputs;
    let mut k = 0;
    while k < nodes.len() {
        n += nodes[k].plan.outputs.len();
        k += 1;
    }
    n
}

/// The number of a value.
pub const fn value_of(source: Source, first: &[usize]) -> usize {
    match source {
        Source::Input(i) => i,
        Source::Node { node, output } => first[node] + output,
    }
}

/// Best fit: the smallest free slot that is large enough, else the largest free one (it grows), else a new one.
const fn take(bytes: usize, sizes: &mut [usize], free: &mut [bool], used: &mut usize) -> usize {
    let mut best = NONE;
    let mut i = 0;
    while i < *used {
        if free[i] {
            let better = best == NONE
                || if sizes[best] >= bytes {
                    sizes[i] >= bytes && sizes[i] < sizes[best]
                } else {
                    sizes[i] > sizes[best]
                };
            if better {
                best = i;
            }
        }
        i += 1;
    }
    if best == NONE {
        best = *used;
        sizes[best] = 0;
        *used += 1;
    }
    free[best] = false;
    if sizes[best] < bytes {
        sizes[best] = bytes;
    }
    best
}

/// Numbers the values, follows reshapes to the memory beneath, and finds each value's last reader.
pub const fn trace(inputs: &[Spec], nodes: &[NodeSpec<'_>], outputs: &[Source], t: &mut Tables<'_>) {
    let mut v = 0;
    while v < inputs.len() {
        t.root[v] = v;
        t.bytes[v] = inputs[v].bytes();
        t.last[v] = 0;
        v += 1;
    }
    let mut k = 0;
    while k < nodes.len() {
        t.first[k] = v;
        let node = &nodes[k];
        let mut i = 0;
        while i < node.inputs.len() {
            let root = t.root[value_of(node.inputs[i], t.first)];
            t.last[root] = k;
            i += 1;
        }
        let mut o = 0;
        while o < node.plan.outputs.len() {
            let aliased = node.plan.alias && o == 0;
            t.root[v] = if aliased { t.root[value_of(node.inputs[0], t.first)] } else { v };
            t.bytes[v] = node.plan.outputs.as_slice()[o].bytes();
            t.last[t.root[v]] = k;
            v += 1;
            o += 1;
        }
        k += 1;
    }
    t.first[nodes.len()] = v;
    let mut o = 0;
    while o < outputs.len() {
        t.last[t.root[value_of(outputs[o], t.first)]] = nodes.len();
        o += 1;
    }
}

/// Gives every value its slot. With `keep` (training) no slot is given back. Returns the number of slots.
/// [`trace`] comes before.
pub const fn assign_values(inputs: usize, nodes: &[NodeSpec<'_>], keep: bool, t: &mut Tables<'_>) -> usize {
    let mut used = 0;
    let mut v = 0;
    while v < inputs {
        t.slot[v] = take(t.bytes[v], t.slot_bytes, t.free, &mut used);
        v += 1;
    }
    let mut k = 0;
    while k < nodes.len() {
        let end = t.first[k + 1];
        v = t.first[k];
        while v < end {
            if t.root[v] == v {
                t.slot[v] = take(t.bytes[v], t.slot_bytes, t.free, &mut used);
            }
            v += 1;
        }
        // A model that is used as a layer works in a piece of its own while it runs.
        if let Some(model) = nodes[k].plan.model {
            let mut inner = if keep { train_peak_bytes(model) } else { peak_bytes(model) };
            if let Some(steps) = nodes[k].plan.steps {
                inner = steps * if keep { inner + copies(model) } else { inner };
            }
            let slot = take(inner, t.slot_bytes, t.free, &mut used);
            t.free[slot] = !keep;
        }
        if !keep {
            let mut i = 0;
            while i < nodes[k].inputs.len() {
                let root = t.root[value_of(nodes[k].inputs[i], t.first)];
                if t.last[root] == k {
                    t.free[t.slot[root]] = true;
                }
                i += 1;
            }
            v = t.first[k];
            while v < end {
                if t.last[t.root[v]] == k {
                    t.free[t.slot[t.root[v]]] = true;
                }
                v += 1;
            }
        }
        k += 1;
    }
    used
}

/// Gives every gradient its slot, walking backward. `needs[v]` says which values need one. Returns the number of
/// slots. [`trace`] comes before. A node that only reshapes passes its output's slot on if it is the first to
/// contribute to its input.
pub const fn assign_grads(
    inputs: usize,
    nodes: &[NodeSpec<'_>],
    outputs: &[Source],
    needs: &[bool],
    t: &mut Tables<'_>,
) -> usize {
    let mut used = 0;
    let values = t.first[nodes.len()];
    let mut v = 0;
    while v < values {
        t.grad_slot[v] = NONE;
        t.free[v] = true;
        v += 1;
    }
    let mut o = 0;
    while o < outputs.len() {
        v = value_of(outputs[o], t.first);
        if needs[v] && t.grad_slot[v] == NONE {
            t.grad_slot[v] = take(t.bytes[v], t.grad_slot_bytes, t.free, &mut used);
        }
        o += 1;
    }
    let mut k = nodes.len();
    while k > 0 {
        k -= 1;
        let node = &nodes[k];
        // Outputs that nobody read still need a gradient (of zero) where the node has one.
        v = t.first[k];
        while v < t.first[k + 1] {
            if needs[v] && t.grad_slot[v] == NONE {
                t.grad_slot[v] = take(t.bytes[v], t.grad_slot_bytes, t.free, &mut used);
            }
            v += 1;
        }
        let mut passed = false;
        let mut i = 0;
        while i < node.inputs.len() {
            v = value_of(node.inputs[i], t.first);
            if needs[v] && t.grad_slot[v] == NONE {
                if node.plan.alias && i == 0 {
                    t.grad_slot[v] = t.grad_slot[t.first[k]];
                    passed = true;
                } else {
                    t.grad_slot[v] = take(t.bytes[v], t.grad_slot_bytes, t.free, &mut used);
                }
            }
            i += 1;
        }
        v = t.first[k];
        while v < t.first[k + 1] {
            if t.grad_slot[v] != NONE && !(passed && v == t.first[k]) {
                t.free[t.grad_slot[v]] = true;
            }
            v += 1;
        }
    }
    let _ = inputs;
    used
}

/// Which values need a gradient: floats that come, through differentiable layers, from trainable weights.
/// `trained[k]` says whether node `k` has such weights.
pub const fn mark_needs(
    inputs: usize,
    nodes: &[NodeSpec<'_>],
    trained: &[bool],
    first: &[usize],
    needs: &mut [bool],
) {
    let mut v = 0;
    while v < inputs {
        needs[v] = false;
        v += 1;
    }
    let mut k = 0;
    while k < nodes.len() {
        let mut any = trained[k];
        let mut i = 0;
        while i < nodes[k].inputs.len() {
            any = any || needs[value_of(nodes[k].inputs[i], first)];
            i += 1;
        }
        let mut o = 0;
        while o < nodes[k].plan.outputs.len() {
            needs[first[k] + o] = any && nodes[k].plan.outputs.as_slice()[o].dtype().is_float();
            o += 1;
        }
        k += 1;
    }
}

/// Bytes that layers with state copy at each step of a model that is applied to steps: inputs, outputs, the mask.
const fn copies(graph: &GraphSpec) -> usize {
    let mut total = 0;
    let mut k = 0;
    while k < graph.nodes.len() {
        let (node, plan) = (&graph.nodes[k], graph.nodes[k].plan);
        if let Some(model) = plan.model {
            let steps = if let Some(steps) = plan.steps { steps } else { 1 };
            total += steps * copies(model);
        } else if !plan.state.is_empty() {
            let mut i = 0;
            while i < node.inputs.len() {
                let input = graph.spec_of(node.inputs[i]);
                total += input.bytes() + if i == 0 { input.size() } else { 0 };
                i += 1;
            }
            let mut o = 0;
            while o < plan.outputs.len() {
                total += plan.outputs.as_slice()[o].bytes();
                o += 1;
            }
        }
        k += 1;
    }
    total
}

/// Most values of a graph whose peak const evaluation works out; larger graphs are planned at run time alone.
const MOST: usize = 4096;

const fn peaks(graph: &GraphSpec, training: bool) -> usize {
    let n = graph.nodes.len();
    if count_values(graph.inputs.len(), graph.nodes) > MOST || n >= MOST {
        panic!("the model has too many values to plan its memory in const evaluation");
    }
    let (mut first, mut root, mut bytes) = ([0; MOST + 1], [0; MOST], [0; MOST]);
    let (mut slot, mut grad_slot, mut last) = ([0; MOST], [0; MOST], [0; MOST]);
    let (mut slot_bytes, mut grad_slot_bytes, mut free) = ([0; MOST], [0; MOST], [true; MOST]);
    let mut t = Tables {
        first: first.split_at_mut(n + 1).0,
        root: &mut root,
        bytes: &mut bytes,
        slot: &mut slot,
        grad_slot: &mut grad_slot,
        slot_bytes: &mut slot_bytes,
        grad_slot_bytes: &mut grad_slot_bytes,
        last: &mut last,
        free: &mut free,
    };
    let (mut inputs, mut outputs) = ([Spec::POISON; 64], [Source::Input(0); 64]);
    let mut i = 0;
    while i < graph.inputs.len() {
        inputs[i] = graph.inputs[i].spec;
        i += 1;
    }
    i = 0;
    while i < graph.outputs.len() {
        outputs[i] = graph.outputs[i].source;
        i += 1;
    }
    let inputs = inputs.split_at(graph.inputs.len()).0;
    let outputs = outputs.split_at(graph.outputs.len()).0;
    trace(inputs, graph.nodes, outputs, &mut t);
    let used = assign_values(inputs.len(), graph.nodes, training, &mut t);
    let mut total = sum(t.slot_bytes, used);
    if training {
        let (mut trained, mut needs) = ([false; MOST], [false; MOST]);
        let mut k = 0;
        while k < n {
            let plan = graph.nodes[k].plan;
            trained[k] = plan.model.is_some() || !plan.weights.is_empty();
            let mut s = 0;
            while s < plan.saved.len() {
                if plan.saved.as_slice()[s].batched() {
                    total += plan.saved.as_slice()[s].bytes();
                }
                s += 1;
            }
            k += 1;
        }
        mark_needs(inputs.len(), graph.nodes, &trained, t.first, &mut needs);
        let used = assign_grads(inputs.len(), graph.nodes, outputs, &needs, &mut t);
        total += sum(t.grad_slot_bytes, used);
    }
    total
}

const fn sum(sizes: &[usize], n: usize) -> usize {
    let mut total = 0;
    let mut i = 0;
    while i < n {
        total += sizes[i];
        i += 1;
    }
    total
}

/// Bytes per sample that values take in inference.
pub const fn peak_bytes(graph: &GraphSpec) -> usize {
    peaks(graph, false)
}

/// Bytes per sample that values, what backward keeps, and gradients take in training.
pub const fn train_peak_bytes(graph: &GraphSpec) -> usize {
    peaks(graph, true)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::plan::Plan;

    /// Numbers below `n`.
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, n: usize) -> usize {
            self.0 ^= self.0 << 13;
            self.0 ^= self.0 >> 7;
            self.0 ^= self.0 << 17;
            (self.0 >> 33) as usize % n
        }
    }

    /// A graph of random layers: some reshape, some have two inputs or outputs.
    struct Graph {
        inputs: Vec<Spec>,
        plans: Vec<Plan>,
        sources: Vec<Vec<Source>>,
        outputs: Vec<Source>,
    }

    impl Graph {
        fn random(dice: &mut Dice) -> Graph {
            let inputs: Vec<Spec> = (0..1 + dice.below(2)).map(|_| Spec::of(&[1 + dice.below(9)])).collect();
            let mut values: Vec<(Source, Spec)> =
                inputs.iter().enumerate().map(|(i, spec)| (Source::Input(i), *spec)).collect();
            let (mut plans, mut sources) = (Vec::new(), Vec::new());
            for node in 0..1 + dice.below(12) {
                let picked: Vec<_> =
                    (0..1 + dice.below(2)).map(|_| values[dice.below(values.len())]).collect();
                let mut plan = if dice.below(4) == 0 {
                    Plan::new(picked[0].1).alias()
                } else {
                    Plan::new(Spec::of(&[1 + dice.below(9)]))
                };
                if dice.below(4) == 0 {
                    plan = plan.output(Spec::of(&[1 + dice.below(9)]));
                }
                for (output, spec) in plan.outputs.as_slice().iter().enumerate() {
                    values.push((Source::Node { node, output }, *spec));
                }
                plans.push(plan);
                sources.push(picked.iter().map(|p| p.0).collect());
            }
            let outputs = (0..1 + dice.below(2)).map(|_| values[dice.below(values.len())].0).collect();
            Graph { inputs, plans, sources, outputs }
        }
    }

    /// Plays every graph and notes who wrote each slot last: a value must still be there when it is read.
    #[test]
    fn values_are_there_when_they_are_read() {
        let mut dice = Dice(0x1234_5678_9abc_def1);
        for _ in 0..2000 {
            let graph = Graph::random(&mut dice);
            let nodes: Vec<NodeSpec<'_>> = graph
                .plans
                .iter()
                .zip(&graph.sources)
                .map(|(plan, inputs)| NodeSpec { layer: 0, call: None, inputs, plan })
                .collect();
            let mut owned = Owned::new(graph.inputs.len(), &nodes);
            let slots = owned.assign(&graph.inputs, &nodes, &graph.outputs, false);
            let t = owned.tables();
            let mut holder = vec![NONE; slots];
            for v in 0..graph.inputs.len() {
                holder[t.slot[v]] = v;
            }
            for (k, node) in nodes.iter().enumerate() {
                for source in node.inputs {
                    let root = t.root[value_of(*source, t.first)];
                    assert_eq!(holder[t.slot[root]], root, "node {k} reads a value that was overwritten");
                    assert!(t.slot_bytes[t.slot[root]] >= t.bytes[root]);
                }
                for v in t.first[k]..t.first[k + 1] {
                    if t.root[v] == v {
                        let inputs = node.inputs.iter().map(|s| t.slot[t.root[value_of(*s, t.first)]]);
                        assert!(
                            !inputs.into_iter().any(|s| s == t.slot[v]),
                            "node {k} writes over its input"
                        );
                        holder[t.slot[v]] = v;
                    }
                }
            }
            for source in &graph.outputs {
                let root = t.root[value_of(*source, t.first)];
                assert_eq!(holder[t.slot[root]], root, "an output was overwritten");
            }
        }
    }

    /// The same backward: a gradient stays from its first contribution to its producer's backward.
    #[test]
    fn gradients_are_there_when_they_are_read() {
        let mut dice = Dice(0xfeed_5678_9abc_def1);
        for _ in 0..2000 {
            let graph = Graph::random(&mut dice);
            let nodes: Vec<NodeSpec<'_>> = graph
                .plans
                .iter()
                .zip(&graph.sources)
                .map(|(plan, inputs)| NodeSpec { layer: 0, call: None, inputs, plan })
                .collect();
            let values = count_values(graph.inputs.len(), &nodes);
            let mut owned = Owned::new(graph.inputs.len(), &nodes);
            let mut t = owned.tables();
            trace(&graph.inputs, &nodes, &graph.outputs, &mut t);
            let trained: Vec<bool> = nodes.iter().map(|_| dice.below(2) == 0).collect();
            let mut needs = vec![false; values];
            mark_needs(graph.inputs.len(), &nodes, &trained, t.first, &mut needs);
            let slots = assign_grads(graph.inputs.len(), &nodes, &graph.outputs, &needs, &mut t);
            // Who holds each slot, and whether the value has contributions yet.
            let (mut holder, mut begun) = (vec![NONE; slots], vec![false; values]);
            let mut contribute = |holder: &mut Vec<usize>, v: usize| {
                if !std::mem::replace(&mut begun[v], true) {
                    holder[t.grad_slot[v]] = v;
                }
                assert_eq!(holder[t.grad_slot[v]], v, "a gradient was overwritten before it was complete");
            };
            for source in &graph.outputs {
                let v = value_of(*source, t.first);
                if needs[v] {
                    contribute(&mut holder, v);
                }
            }
            for (k, node) in nodes.iter().enumerate().rev() {
                for v in (t.first[k]..t.first[k + 1]).filter(|v| needs[*v]) {
                    contribute(&mut holder, v);
                }
                let passes = |i: usize, v: usize| {
                    node.plan.alias && i == 0 && t.grad_slot[v] == t.grad_slot[t.first[k]]
                };
                for (i, source) in node.inputs.iter().enumerate() {
                    let v = value_of(*source, t.first);
                    if !needs[v] || node.plan.alias && i > 0 {
                        continue;
                    }
                    if !passes(i, v) {
                        let outputs = t.first[k]..t.first[k + 1];
                        let shares =
                            outputs.into_iter().any(|o| needs[o] && t.grad_slot[o] == t.grad_slot[v]);
                        assert!(!shares, "node {k} writes an input's gradient over an output's");
                    }
                    contribute(&mut holder, v);
                }
            }
        }
    }
}
