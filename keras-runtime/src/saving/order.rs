//! The order in which Keras lists a Functional model's layers: `map_graph` of `keras/src/ops/function.py`.
//!
//! Weights are found by this order, so a model whose members were created in another one must be written in Keras'.

use std::collections::BTreeMap;

use crate::engine::{Definition, Source};

/// What a model's list of layers consists of.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Entry {
    /// An input of the model.
    Input(usize),
    /// A member.
    Member(usize),
}

/// The layers of a model in Keras' order. A Sequential model's inputs are not among them.
pub(crate) fn entries(definition: &Definition) -> Vec<Entry> {
    if definition.sequential {
        return (0..definition.members.len()).map(Entry::Member).collect();
    }
    let mut walk =
        Walk { definition, finished: vec![false; definition.nodes.len()], ..Walk::default_for(definition) };
    definition.outputs.iter().for_each(|output| walk.visit(output.source));
    let Walk { nodes, indices, .. } = walk;

    // Depth of a node: how many calls lie between it and an output; of an entry: that of its deepest call.
    let mut node_depths: BTreeMap<Source, usize> = BTreeMap::new();
    let mut depths: BTreeMap<Entry, usize> = BTreeMap::new();
    for node in nodes.iter().rev() {
        let entry = entry_of(definition, *node);
        let depth = node_depths.get(node).copied().unwrap_or(0).max(depths.get(&entry).copied().unwrap_or(0));
        depths.insert(entry, depth);
        node_depths.insert(*node, depth);
        for parent in parents(definition, *node) {
            let known = node_depths.entry(parent).or_insert(0);
            *known = (*known).max(depth + 1);
        }
    }
    // Inputs that lead nowhere come first among the last.
    let unused = (0..definition.inputs.len()).map(Entry::Input).filter(|e| !depths.contains_key(e));
    let mut all: Vec<(usize, isize, Entry)> = unused.map(|entry| (0, -1, entry)).collect();
    all.extend(depths.iter().map(|(entry, depth)| (*depth, indices[entry] as isize, *entry)));
    all.sort_by_key(|(depth, index, _)| (std::cmp::Reverse(*depth), *index));
    all.into_iter().map(|(_, _, entry)| entry).collect()
}

/// Depth-first walk from the outputs to the inputs.
struct Walk<'a> {
    definition: &'a Definition,
    finished: Vec<bool>,
    finished_inputs: Vec<bool>,
    /// Calls and inputs, each after what it depends on; as their first output.
    nodes: Vec<Source>,
    /// When each entry was met first.
    indices: BTreeMap<Entry, usize>,
}

impl<'a> Walk<'a> {
    fn default_for(definition: &'a Definition) -> Walk<'a> {
        Walk {
            definition,
            finished: Vec::new(),
            finished_inputs: vec![false; definition.inputs.len()],
            nodes: Vec::new(),
            indices: BTreeMap::new(),
        }
    }

    fn visit(&mut self, source: Source) {
        // A stack of its own: graphs may be thousands of calls deep. The flag says that what is before it is done.
        let mut stack = vec![(first_output(source), false)];
        while let Some((source, ready)) = stack.pop() {
            let done = match source {
                Source::Input(i) => &mut self.finished_inputs[i],
                Source::Node { node, .. } => &mut self.finished[node],
            };
            if *done {
                continue;
            }
            if ready {
                *done = true;
                self.nodes.push(source);
                continue;
            }
            let next = self.indices.len();
            self.indices.entry(entry_of(self.definition, source)).or_insert(next);
            stack.push((source, true));
            stack.extend(parents(self.definition, source).into_iter().rev().map(|parent| (parent, false)));
        }
    }
}

fn first_output(source: Source) -> Source {
    match source {
        Source::Input(i) => Source::Input(i),
        Source::Node { node, .. } => Source::node(node),
    }
}

fn entry_of(definition: &Definition, source: Source) -> Entry {
    match source {
        Source::Input(i) => Entry::Input(i),
        Source::Node { node, .. } => Entry::Member(definition.nodes[node].member),
    }
}

fn parents(definition: &Definition, source: Source) -> Vec<Source> {
    match source {
        Source::Input(_) => Vec::new(),
        Source::Node { node, .. } => {
            let node = &definition.nodes[node];
            node.inputs.iter().chain(node.masks.iter().flatten()).map(|s| first_output(*s)).collect()
        }
    }
}
