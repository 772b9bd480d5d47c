//! What is drawn: boxes for the calls of layers, and the values that go between them.

use keras::engine::{Body, Definition, Network, Source};
use keras::plan::Spec;

/// A box.
#[derive(Clone, Debug, PartialEq)]
pub struct Node {
    /// Name of the layer.
    pub name: String,
    /// Its class.
    pub class: String,
    /// What is said below: shape and parameters.
    pub details: Vec<String>,
    /// Which call of its layer it is, counted from 1, where there are several.
    pub call: Option<usize>,
    /// What kind of box.
    pub kind: Kind,
    /// What is inside, for a model that is drawn open.
    pub inside: Option<Graph>,
}

/// Kinds of boxes, which differ in colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Kind {
    /// An input of the model.
    Input,
    /// An output of the model.
    Output,
    /// Convolutions.
    Convolution,
    /// Layers with weights that are no convolutions.
    Weighted,
    /// Normalization.
    Normalization,
    /// Recurrent layers and attention.
    Sequence,
    /// Activations, dropout, and other layers without weights.
    Plain,
    /// Layers of several inputs.
    Merge,
    /// Models inside the model.
    Model,
}

/// Boxes and arrows.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Graph {
    /// Name of the model.
    pub name: String,
    /// Boxes, in an order in which arrows point onwards.
    pub nodes: Vec<Node>,
    /// From which box to which. A value that is given twice is drawn once.
    pub edges: Vec<(usize, usize)>,
}

/// What is drawn.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// Models inside the model are open, with their layers.
    pub expand_nested: bool,
    /// Boxes tell no shapes and parameters.
    pub plain: bool,
}

/// The graph of a network. Dimensions that differ in `other`, a binding to other sizes, are open.
pub fn graph(network: &Network, other: &Definition, options: Options) -> Graph {
    Reader { network, options, path: Vec::new() }.read(network.definition(), other)
}

struct Reader<'a> {
    network: &'a Network,
    options: Options,
    path: Vec<String>,
}

impl Reader<'_> {
    fn read(&mut self, definition: &Definition, other: &Definition) -> Graph {
        let mut out = Graph { name: definition.name.clone(), ..Graph::default() };
        for (input, other) in definition.inputs.iter().zip(&other.inputs) {
            out.nodes.push(Node {
                name: input.name.clone(),
                class: "InputLayer".into(),
                details: self.details(&[(input.spec, other.spec)], 0),
                call: None,
                kind: Kind::Input,
                inside: None,
            });
        }
        let inputs = out.nodes.len();
        let at = |source: &Source| match *source {
            Source::Input(input) => input,
            Source::Node { node, .. } => inputs + node,
        };
        for (number, (node, other_node)) in definition.nodes.iter().zip(&other.nodes).enumerate() {
            let (member, other_member) = (&definition.members[node.member], &other.members[node.member]);
            self.path.push(member.name.clone());
            let variables = self.network.variables().iter().filter(|v| v.layer.starts_with(&self.path));
            let params: usize = variables.map(|v| v.size()).sum();
            let specs = node.plan.outputs.as_slice().iter().copied();
            let specs: Vec<(Spec, Spec)> =
                specs.zip(other_node.plan.outputs.as_slice().iter().copied()).collect();
            let inside = match (&member.body, &other_member.body) {
                (Body::Model(inner), Body::Model(other)) if self.options.expand_nested => {
                    Some(self.read(inner, other))
                }
                _ => None,
            };
            self.path.pop();
            let calls = definition.nodes.iter().filter(|n| n.member == node.member).count();
            let call = 1 + definition.nodes[..number].iter().filter(|n| n.member == node.member).count();
            let class = member.class_name().to_string();
            let kind = match &member.body {
                Body::Model(_) => Kind::Model,
                Body::Layer(_) => kind(&class, params, node.inputs.len()),
            };
            let details = self.details(&specs, params);
            let call = (calls > 1).then_some(call);
            out.nodes.push(Node { name: member.name.clone(), class, details, call, kind, inside });
            for source in &node.inputs {
                let edge = (at(source), inputs + number);
                if !out.edges.contains(&edge) {
                    out.edges.push(edge);
                }
            }
        }
        // A box for each output, where boxes at the end do not tell which is which.
        if definition.outputs.len() > 1 || self.path.is_empty() && !definition.sequential {
            for (output, other_output) in definition.outputs.iter().zip(&other.outputs) {
                let spec = (definition.spec_of(output.source), other.spec_of(other_output.source));
                out.edges.push((at(&output.source), out.nodes.len()));
                out.nodes.push(Node {
                    name: output.name.clone(),
                    class: "output".into(),
                    details: self.details(&[spec], 0),
                    call: None,
                    kind: Kind::Output,
                    inside: None,
                });
            }
        }
        out
    }

    fn details(&self, specs: &[(Spec, Spec)], params: usize) -> Vec<String> {
        if self.options.plain {
            return Vec::new();
        }
        let shapes: Vec<String> = specs.iter().map(|(spec, other)| shape(spec, other)).collect();
        let mut out = vec![shapes.join(" ")];
        if params > 0 {
            out.push(format!("{} params", grouped(params)));
        }
        out
    }
}

/// `[None, 28, 28]`.
fn shape(spec: &Spec, other: &Spec) -> String {
    let (dims, others) = (spec.shape().to_vec(), other.shape().to_vec());
    let dims = dims.iter().zip(&others).map(|(a, b)| if a == b { a.to_string() } else { "None".into() });
    let batch = spec.batched().then(|| "None".to_string());
    format!("({})", batch.into_iter().chain(dims).collect::<Vec<_>>().join(", "))
}

/// `101,770`.
fn grouped(n: usize) -> String {
    let digits = n.to_string();
    let groups: Vec<&str> = {
        let first = digits.len() % 3;
        let head = (first > 0).then(|| &digits[..first]);
        head.into_iter().chain((first..digits.len()).step_by(3).map(|at| &digits[at..at + 3])).collect()
    };
    groups.join(",")
}

fn kind(class: &str, params: usize, inputs: usize) -> Kind {
    let has = |parts: &[&str]| parts.iter().any(|part| class.contains(part));
    match () {
        () if has(&["Conv"]) => Kind::Convolution,
        () if has(&["Normalization"]) => Kind::Normalization,
        () if has(&["LSTM", "GRU", "RNN", "Attention", "Bidirectional"]) => Kind::Sequence,
        () if params > 0 => Kind::Weighted,
        () if inputs > 1 => Kind::Merge,
        () => Kind::Plain,
    }
}

#[cfg(test)]
mod tests {
    use super::grouped;

    #[test]
    fn thousands() {
        assert_eq!(
            [grouped(7), grouped(512), grouped(1_000), grouped(25_636_712)],
            ["7", "512", "1,000", "25,636,712"]
        );
    }
}
