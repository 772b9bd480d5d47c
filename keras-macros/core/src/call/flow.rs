//! Where a gradient is needed: a function that has none must not stand there.

use syn::{Error, Result};

use super::graph::{Graph, Kind, is_discrete, is_flat};

/// Refuses functions without a gradient through which one would have to flow from the result to what `leaf` says has one.
pub(super) fn check(graph: &Graph, leaf: &dyn Fn(&Kind) -> bool) -> Result<()> {
    let flows = flows(graph, leaf);
    let mut needed = vec![false; graph.nodes.len()];
    graph.outputs.iter().for_each(|o| needed[*o] = true);
    let mut errors: Vec<Error> = Vec::new();
    for at in (0..graph.nodes.len()).rev() {
        let node = &graph.nodes[at];
        let depends = node.inputs.iter().any(|i| flows[*i]);
        if !needed[at] {
            continue;
        }
        let what = &node.what;
        let message = match &node.kind {
            Kind::Stop => continue,
            Kind::Unary(f) | Kind::Binary(f) if is_flat(f) => {
                if !depends {
                    continue;
                }
                if is_discrete(f) {
                    format!(
                        "`{what}` has no gradient, and one is needed here: make it the condition of `where_(..)`, or say that \
                         none flows with `cast({what}(..), DType::F32)`"
                    )
                } else {
                    format!(
                        "`{what}` has no gradient, and one is needed here: say that none flows with `stop_gradient({what}(..))`"
                    )
                }
            }
            // An integer that is returned as it is.
            Kind::Op(_, info) if !info.differentiable && graph.outputs.contains(&at) => continue,
            Kind::Op(_, info) if !info.differentiable => {
                if !depends {
                    continue;
                }
                format!(
                    "`{what}` is an integer, to which no gradient flows: say so with `cast({what}(..), DType::F32)`"
                )
            }
            Kind::Select => {
                node.inputs[1..].iter().for_each(|i| needed[*i] = true);
                continue;
            }
            _ => {
                node.inputs.iter().for_each(|i| needed[*i] = true);
                continue;
            }
        };
        errors.push(Error::new(node.span, message));
    }
    match errors.into_iter().rev().reduce(joined) {
        Some(error) => Err(error),
        None => Ok(()),
    }
}

/// Two errors as one.
pub(super) fn joined(mut all: Error, next: Error) -> Error {
    all.combine(next);
    all
}

/// For each node whether it depends on what `leaf` says has a gradient, where no gradient is known to end before it.
fn flows(graph: &Graph, leaf: &dyn Fn(&Kind) -> bool) -> Vec<bool> {
    let mut flows: Vec<bool> = Vec::with_capacity(graph.nodes.len());
    for node in &graph.nodes {
        flows.push(match &node.kind {
            kind @ (Kind::Input(_) | Kind::Field(_)) => leaf(kind),
            Kind::Stop => false,
            _ => node.inputs.iter().any(|i| flows[*i]),
        });
    }
    flows
}

/// Whether a gradient flows from a node to what `leaf` says has one.
pub(super) fn reaches(graph: &Graph, from: usize, leaf: &dyn Fn(&Kind) -> bool) -> bool {
    let node = &graph.nodes[from];
    match &node.kind {
        kind @ (Kind::Input(_) | Kind::Field(_)) => leaf(kind),
        Kind::Stop => false,
        Kind::Unary(f) | Kind::Binary(f) if is_flat(f) => false,
        Kind::Op(_, info) if !info.differentiable => false,
        Kind::Select => node.inputs[1..].iter().any(|i| reaches(graph, *i, leaf)),
        _ => node.inputs.iter().any(|i| reaches(graph, *i, leaf)),
    }
}
