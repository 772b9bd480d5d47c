//! The graph that a body describes, in static single assignment: every value is made once, before it is read.

use proc_macro2::{Ident, Span, TokenStream};
use syn::{Expr, Path};

use crate::spans::Ends;

/// A value.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Debug)]
pub enum Value {
    /// An input of the model.
    Input(usize),
    /// An output of a node.
    Output {
        /// The node.
        node: usize,
        /// Which of its outputs.
        output: usize,
    },
}

/// A name that a layer should have.
#[derive(Clone)]
pub struct Name {
    /// The name.
    pub text: String,
    /// Where it is written.
    pub span: Span,
    /// Whether it was given as a name (`name = ".."`, then it must be free), not taken from a variable.
    pub explicit: bool,
}

/// A layer with its configuration; several nodes may call it.
pub struct Layer {
    /// The type.
    pub class: Path,
    /// How the class is called in messages: `` `Dense` ``, `` `+` ``.
    pub label: String,
    /// Stem of its name if none was given.
    pub stem: String,
    /// Its wanted name.
    pub name: Option<Name>,
    /// Whether its fields are given by name alone: `Gated { units: 64 }`.
    pub by_name: bool,
    /// The layer that it wraps, as an index into [`Graph::wrapped`].
    pub inner: Option<usize>,
    /// The layer of its own that it wraps for the other direction: `backward_layer = GRU(4, go_backwards = true)`.
    pub backward: Option<usize>,
    /// Positional arguments of the constructor.
    pub arguments: TokenStream,
    /// The parentheses around them.
    pub paren: Span,
    /// Option calls: `.activation(relu)`.
    pub options: TokenStream,
    /// `trainable = ..`.
    pub trainable: Option<Expr>,
    /// `activity_regularizer = ..`.
    pub activity_regularizer: Option<Expr>,
    /// The expression.
    pub ends: Ends,
}

/// One call of a layer.
pub struct Node {
    /// Which layer.
    pub layer: usize,
    /// What it is called on.
    pub inputs: Vec<Value>,
    /// Option calls of this call alone; empty for most.
    pub options: TokenStream,
    /// How many outputs the model takes from it; `None` until it is used.
    pub outputs: Option<usize>,
    /// The expression.
    pub ends: Ends,
}

/// A model's graph.
#[derive(Default)]
pub struct Graph {
    /// Layers, in order of creation.
    pub layers: Vec<Layer>,
    /// Layers that other layers wrap; they have no name and no node of their own.
    pub wrapped: Vec<Layer>,
    /// Calls, in order of computation.
    pub nodes: Vec<Node>,
    /// The outputs.
    pub outputs: Vec<Value>,
}

impl Graph {
    /// Drops the nodes that no output depends on (their variables begin with `_`), and the layers that nobody calls.
    pub fn prune(&mut self) {
        let mut needed = vec![false; self.nodes.len()];
        let mut open: Vec<Value> = self.outputs.clone();
        while let Some(value) = open.pop() {
            if let Value::Output { node, .. } = value
                && !std::mem::replace(&mut needed[node], true)
            {
                open.extend(&self.nodes[node].inputs);
            }
        }
        let mut called = vec![false; self.layers.len()];
        for (node, _) in self.nodes.iter().zip(&needed).filter(|(_, needed)| **needed) {
            called[node.layer] = true;
        }
        let (nodes, layers) = (places(&needed), places(&called));
        let moved = |value: &mut Value| {
            if let Value::Output { node, .. } = value {
                *node = nodes[*node];
            }
        };
        let mut keep = needed.iter();
        self.nodes.retain(|_| *keep.next().unwrap_or(&false));
        let mut keep = called.iter();
        self.layers.retain(|_| *keep.next().unwrap_or(&false));
        for node in &mut self.nodes {
            node.layer = layers[node.layer];
            node.inputs.iter_mut().for_each(moved);
        }
        self.outputs.iter_mut().for_each(moved);
    }

    /// For each node whether it is the first call of its layer.
    pub fn first_calls(&self) -> Vec<bool> {
        let mut seen = vec![false; self.layers.len()];
        self.nodes.iter().map(|node| !std::mem::replace(&mut seen[node.layer], true)).collect()
    }
}

/// Where each kept item goes.
fn places(kept: &[bool]) -> Vec<usize> {
    let mut next = 0;
    let place = |kept: &bool| {
        next += usize::from(*kept);
        next.wrapping_sub(1)
    };
    kept.iter().map(place).collect()
}

/// Identifiers of a graph's generated items.
pub struct Idents {
    /// Names of the layers as Keras knows them.
    pub names: Vec<String>,
    /// Methods that return the layers: `dense_1`.
    pub methods: Vec<Ident>,
    /// Methods that return them to be changed: `dense_1_mut`.
    pub methods_mut: Vec<Ident>,
    /// Consts of the layers: `DENSE_1`.
    pub layers: Vec<Ident>,
    /// Consts of the wrapped layers.
    pub wrapped: Vec<Ident>,
    /// Consts of the plans of the nodes: `DENSE_1_PLAN`.
    pub plans: Vec<Ident>,
    /// Consts of layers with the options of one call; `None` for most.
    pub calls: Vec<Option<Ident>>,
    /// Consts of the inputs' specs.
    pub inputs: Vec<Ident>,
    /// Consts of the declared outputs' specs.
    pub outputs: Vec<Ident>,
}
