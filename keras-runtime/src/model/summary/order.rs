//! The order in which Keras lists the layers of a model.

use std::collections::HashMap;

use crate::engine::{Definition, Source};

/// What Keras lists.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub(super) enum Item {
    /// An input.
    Input(usize),
    /// A layer or a model.
    Member(usize),
}

/// A list's layers in order; else by how far they are from the outputs, the farthest first, and among equals as a walk back
/// from the outputs comes across them (`keras.src.ops.function.map_graph`).
pub(super) fn items(definition: &Definition) -> Vec<Item> {
    if definition.sequential {
        return (0..definition.members.len()).map(Item::Member).collect();
    }
    let mut walk = Walk { definition, met: HashMap::new(), done: Vec::new(), seen: vec![] };
    walk.seen = vec![false; definition.nodes.len()];
    definition.outputs.iter().for_each(|output| walk.back(output.source));
    let Walk { met, done, .. } = walk;
    let depths = depths(definition, &done);
    let inputs = (0..definition.inputs.len()).map(Item::Input);
    let mut items: Vec<Item> = inputs.chain((0..definition.members.len()).map(Item::Member)).collect();
    items.sort_by_key(|item| {
        // What no output depends on has depth 0 and comes first there, in the order of its creation.
        let depth = depths.get(item).copied().unwrap_or(0);
        (std::cmp::Reverse(depth), met.get(item).map_or(0, |met| met + 1))
    });
    items
}

/// A walk back from the outputs.
struct Walk<'a> {
    definition: &'a Definition,
    /// When an item was met first.
    met: HashMap<Item, usize>,
    /// Calls, each after those that it depends on.
    done: Vec<usize>,
    seen: Vec<bool>,
}

impl Walk<'_> {
    fn back(&mut self, from: Source) {
        // An explicit stack: models may be thousands of layers deep.
        enum Step {
            Enter(Source),
            Leave(usize),
        }
        let mut stack = vec![Step::Enter(from)];
        while let Some(step) = stack.pop() {
            match step {
                Step::Leave(node) => self.done.push(node),
                Step::Enter(Source::Input(at)) => self.meet(Item::Input(at)),
                Step::Enter(Source::Node { node, .. }) => {
                    if std::mem::replace(&mut self.seen[node], true) {
                        continue;
                    }
                    let definition = self.definition;
                    let call = &definition.nodes[node];
                    self.meet(Item::Member(call.member));
                    stack.push(Step::Leave(node));
                    stack.extend(call.inputs.iter().rev().map(|source| Step::Enter(*source)));
                }
            }
        }
    }

    fn meet(&mut self, item: Item) {
        let next = self.met.len();
        self.met.entry(item).or_insert(next);
    }
}

/// How far each item is from the outputs. A layer's calls all have the greatest distance of those that were looked at before.
fn depths(definition: &Definition, done: &[usize]) -> HashMap<Item, usize> {
    let mut items: HashMap<Item, usize> = HashMap::new();
    let mut nodes = vec![0; definition.nodes.len()];
    for node in done.iter().rev() {
        let call = &definition.nodes[*node];
        let depth = items.entry(Item::Member(call.member)).or_insert(0);
        *depth = nodes[*node].max(*depth);
        let next = *depth + 1;
        for source in &call.inputs {
            match *source {
                Source::Node { node, .. } => nodes[node] = nodes[node].max(next),
                Source::Input(at) => {
                    let depth = items.entry(Item::Input(at)).or_insert(0);
                    *depth = next.max(*depth);
                }
            }
        }
    }
    items
}
