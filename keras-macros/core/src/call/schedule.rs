//! What runs, in which order, and where its results go.

use super::MAX_INSTRS;
use super::chain::Chain;
use super::graph::{Extra, Graph, Kind};

/// Most inputs of one chain.
const MAX_LEAVES: usize = 12;

/// Where a value goes.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Room {
    Nowhere,
    Output(usize),
    Saved,
    Scratch,
}

/// One line of the generated forward pass, and its gradient.
pub(super) struct Step {
    /// The node that it computes.
    pub node: usize,
    pub work: Work,
    /// Whether its gradient runs.
    pub backward: bool,
    /// Slots of its own buffers.
    pub rooms: Vec<usize>,
    /// Slots of its gradient's buffers.
    pub extras: Vec<usize>,
}

pub(super) enum Work {
    Op,
    /// The chain, and its gradient with the leaves it is for.
    Chain {
        forward: Box<Chain>,
        backward: Box<Chain>,
        leaves: Vec<usize>,
    },
}

/// One entry of the trace.
pub(super) enum Entry {
    /// The value of a node, computed from these slots.
    Value {
        node: usize,
        room: Room,
    },
    Alias {
        node: usize,
        of: usize,
    },
    Field {
        node: usize,
    },
    /// A buffer for the operation that this node is, or for its gradient.
    Extra {
        node: usize,
        extra: Extra,
    },
}

pub(super) struct Schedule {
    pub steps: Vec<Step>,
    /// In the order of slots, after the inputs.
    pub entries: Vec<Entry>,
    /// The slot of each node.
    pub slots: Vec<Option<usize>>,
    /// How many slots there are.
    pub count: usize,
    /// Nodes whose gradients need room.
    pub grads: Vec<usize>,
    /// Aliases that share the gradient of the second.
    pub shared: Vec<(usize, usize)>,
}

impl Schedule {
    pub(super) fn new(graph: &Graph, inputs: usize) -> Schedule {
        let live = live(graph);
        let root = chains(graph, &live);
        let flows = graph.differentiable();
        let computed =
            |n: usize| live[n] && (root[n] == Some(n) || matches!(graph.nodes[n].kind, Kind::Op(..)));

        // Steps, with the gradients that reach them.
        let mut steps: Vec<Step> = Vec::new();
        for node in (0..graph.nodes.len()).filter(|n| computed(*n)) {
            let work = if graph.is_elementwise(node) {
                let forward = Chain::new(graph, node, &|n| root[n] == Some(node));
                let (backward, leaves) = forward.gradient(&|n| flows[n]);
                Work::Chain { forward: Box::new(forward), backward: Box::new(backward), leaves }
            } else {
                Work::Op
            };
            steps.push(Step { node, work, backward: false, rooms: Vec::new(), extras: Vec::new() });
        }
        let mut reached = vec![false; graph.nodes.len()];
        graph.outputs.iter().for_each(|o| reached[*o] = true);
        let mut saved = vec![false; graph.nodes.len()];
        for step in steps.iter_mut().rev() {
            let node = step.node;
            step.backward = reached[node] && flows[node];
            if !step.backward {
                continue;
            }
            match &step.work {
                Work::Chain { backward, leaves, .. } => {
                    leaves.iter().for_each(|l| reached[graph.owner(*l)] = true);
                    let reads = backward.leaves.iter().zip(backward.reads());
                    reads.filter(|(_, read)| *read).for_each(|(l, _)| saved[graph.owner(*l)] = true);
                }
                Work::Op => {
                    let Kind::Op(_, info) = &graph.nodes[node].kind else { continue };
                    for input in &graph.nodes[node].inputs {
                        saved[graph.owner(*input)] |= info.reads_inputs;
                        if flows[*input] {
                            reached[graph.owner(*input)] = true;
                        }
                    }
                    saved[node] |= info.reads_output;
                }
            }
        }

        let mut schedule = Schedule {
            steps,
            entries: Vec::new(),
            slots: vec![None; graph.nodes.len()],
            count: inputs,
            grads: Vec::new(),
            shared: Vec::new(),
        };
        for node in (0..graph.nodes.len()).filter(|n| live[*n]) {
            match &graph.nodes[node].kind {
                Kind::Input(i) => schedule.slots[node] = Some(*i),
                Kind::Const(_) | Kind::Scalar(_) => {}
                Kind::Field(_) => schedule.enter(node, Entry::Field { node }),
                Kind::Alias(_) | Kind::Stop => {
                    let of = graph.nodes[node].inputs[0];
                    schedule.enter(node, Entry::Alias { node, of });
                }
                _ if computed(node) => {
                    let room = match graph.outputs.iter().position(|o| *o == node) {
                        Some(i) => Room::Output(i),
                        None if saved[node] => Room::Saved,
                        None => Room::Scratch,
                    };
                    schedule.enter(node, Entry::Value { node, room });
                }
                // Inside a chain: its spec is that of its only operand, or one of its own.
                _ => {
                    let operands: Vec<Option<usize>> = graph.nodes[node]
                        .inputs
                        .iter()
                        .filter(|i| !graph.is_number(**i))
                        .map(|i| schedule.slots[*i])
                        .collect();
                    match operands.split_first() {
                        Some((first, rest)) if rest.iter().all(|r| r == first) => {
                            schedule.slots[node] = *first
                        }
                        _ => schedule.enter(node, Entry::Value { node, room: Room::Nowhere }),
                    }
                }
            }
        }
        for at in 0..schedule.steps.len() {
            let (node, backward) = (schedule.steps[at].node, schedule.steps[at].backward);
            if backward {
                schedule.grads.push(node);
            }
            if let Kind::Op(_, info) = &graph.nodes[node].kind {
                schedule.steps[at].rooms = schedule.extras(node, info.forward_extras);
                if backward {
                    schedule.steps[at].extras = schedule.extras(node, info.extras);
                }
            }
        }
        let alias = |n: &usize| live[*n] && graph.owner(*n) != *n;
        schedule.shared = (0..graph.nodes.len()).filter(alias).map(|n| (n, graph.owner(n))).collect();
        schedule
    }

    /// Entries for the buffers of an operation.
    fn extras(&mut self, node: usize, extras: &[Extra]) -> Vec<usize> {
        let first = self.count;
        self.entries.extend(extras.iter().map(|extra| Entry::Extra { node, extra: *extra }));
        self.count += extras.len();
        (first..self.count).collect()
    }

    fn enter(&mut self, node: usize, entry: Entry) {
        self.slots[node] = Some(self.count);
        self.entries.push(entry);
        self.count += 1;
    }
}

/// Nodes that an output depends on, and those whose sizes are asked for.
fn live(graph: &Graph) -> Vec<bool> {
    let mut live = vec![false; graph.nodes.len()];
    let wanted = graph.outputs.iter().copied().chain(graph.measured.iter().map(|(node, _)| *node));
    wanted.for_each(|n| live[n] = true);
    for node in (0..graph.nodes.len()).rev() {
        if live[node] {
            graph.nodes[node].inputs.iter().for_each(|i| live[*i] = true);
        }
    }
    live
}

/// For each elementwise node the last node of its chain. A node joins the chain of its consumers if they are all in one: then its
/// result need not be written to memory.
fn chains(graph: &Graph, live: &[bool]) -> Vec<Option<usize>> {
    let count = graph.nodes.len();
    let mut consumers: Vec<Vec<usize>> = vec![Vec::new(); count];
    for (node, _) in live.iter().enumerate().filter(|(_, live)| **live) {
        graph.nodes[node].inputs.iter().for_each(|i| consumers[*i].push(node));
    }
    let weighty = weighty(graph);
    let mut root: Vec<Option<usize>> = vec![None; count];
    let mut members: Vec<Vec<usize>> = vec![Vec::new(); count];
    for node in (0..count).rev().filter(|n| live[*n] && graph.is_elementwise(*n)) {
        let mut joins = consumers[node].first().and_then(|c| root[*c]);
        let alone = consumers[node].iter().any(|c| root[*c] != joins)
            || graph.outputs.contains(&node)
            // The same for all samples: computed once, not for each.
            || joins.is_some_and(|r| weighty[node] && !weighty[r]);
        joins = joins.filter(|_| !alone).filter(|r| {
            let chain = Chain::new(graph, *r, &|n| n == node || members[*r].contains(&n));
            chain.leaves.len() <= MAX_LEAVES && chain.gradient(&|_| true).0.len() <= MAX_INSTRS
        });
        let joined = joins.unwrap_or(node);
        root[node] = Some(joined);
        members[joined].push(node);
    }
    root
}

/// Nodes that depend on weights alone and apply a function to them.
fn weighty(graph: &Graph) -> Vec<bool> {
    let mut fixed: Vec<(bool, bool)> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        let all = !node.inputs.is_empty() && node.inputs.iter().all(|i| fixed[*i].0);
        let any = node.inputs.iter().any(|i| fixed[*i].1);
        fixed.push(match node.kind {
            Kind::Field(_) | Kind::Const(_) | Kind::Scalar(_) => (true, false),
            // `-x` and arithmetic may be numbers; functions take tensors.
            Kind::Unary(f) => (all, all && (any || f != "Neg")),
            Kind::Input(_) => (false, false),
            Kind::Op(..) => (all, all),
            _ => (all, all && any),
        });
    }
    fixed.into_iter().map(|(_, weighty)| weighty).collect()
}
