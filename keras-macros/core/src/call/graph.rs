//! What `call` computes, as a graph: one for each way through its `if`s.

use proc_macro2::{Ident, Span, TokenStream};

/// One value.
pub(super) struct Node {
    pub kind: Kind,
    /// Earlier nodes.
    pub inputs: Vec<usize>,
    /// The function or operator that the user wrote.
    pub what: String,
    /// Along which axes it works, as the user wrote them; formulas read it.
    pub along: Option<Along>,
    pub span: Span,
}

/// The axes of a reduction or a softmax.
#[derive(Clone)]
pub(super) struct Along {
    /// One by one.
    pub axes: Vec<TokenStream>,
    /// Whether they stay, as 1.
    pub keepdims: bool,
}

/// What a node is.
pub(super) enum Kind {
    /// An argument of `call`.
    Input(usize),
    /// A field of the layer: a weight, or a number of its configuration. `#[call]` does not see the struct; the generated code
    /// asks `#[derive(Layer)]`.
    Field(Ident),
    Const(f64),
    /// A number that Rust computes.
    Scalar(TokenStream),
    Copy,
    /// A function of one element, by its name in `kernels::elementwise::Unary`.
    Unary(&'static str),
    /// A function of two elements.
    Binary(&'static str),
    /// The second where the first is not zero, else the third.
    Select,
    /// An operation of its own; the tokens make it.
    Op(TokenStream, &'static OpInfo),
    /// The same elements in another shape; the tokens say which.
    Alias(TokenStream),
    /// The same value, to which no gradient flows.
    Stop,
}

/// What the generated code must know about an operation.
pub(super) struct OpInfo {
    /// Whether its gradient reads its inputs.
    pub reads_inputs: bool,
    /// Whether its gradient reads its result.
    pub reads_output: bool,
    /// Whether a gradient flows through it.
    pub differentiable: bool,
    /// Buffers that it needs.
    pub forward_extras: &'static [Extra],
    /// Buffers that its gradient needs.
    pub extras: &'static [Extra],
}

/// A buffer for an operation.
#[derive(Clone, Copy)]
pub(super) enum Extra {
    /// Like the first input.
    Input,
    /// One number for each result of a reduction.
    Counts,
    /// For an operand or the result in another order, empty if the equation needs none.
    Room(usize),
    /// The same, for the gradient.
    BackwardRoom(usize),
}

/// A condition that was met on the way.
pub(super) struct Decision {
    pub condition: TokenStream,
    pub taken: bool,
    /// How many nodes there were.
    pub at: usize,
    pub span: Span,
}

#[derive(Default)]
pub(super) struct Graph {
    pub nodes: Vec<Node>,
    pub outputs: Vec<usize>,
    pub decisions: Vec<Decision>,
    /// Nodes whose sizes are asked for, with the axes.
    pub measured: Vec<(usize, syn::Expr)>,
    /// Items that check constants.
    pub checks: Vec<TokenStream>,
}

impl Graph {
    pub(super) fn push(&mut self, kind: Kind, inputs: Vec<usize>, what: &str, span: Span) -> usize {
        self.nodes.push(Node { kind, inputs, what: what.to_string(), along: None, span });
        self.nodes.len() - 1
    }

    /// Names of the fields that are used.
    pub(super) fn fields(&self) -> impl Iterator<Item = String> {
        self.nodes.iter().filter_map(|node| match &node.kind {
            Kind::Field(name) => Some(name.to_string()),
            _ => None,
        })
    }

    /// Whether the node is one pass over its elements.
    pub(super) fn is_elementwise(&self, node: usize) -> bool {
        matches!(self.nodes[node].kind, Kind::Copy | Kind::Unary(_) | Kind::Binary(_) | Kind::Select)
    }

    /// Whether the node is a number that every chain carries itself.
    pub(super) fn is_number(&self, node: usize) -> bool {
        matches!(self.nodes[node].kind, Kind::Const(_) | Kind::Scalar(_))
    }

    /// The node whose memory this one shares: itself, if it is no alias.
    pub(super) fn owner(&self, node: usize) -> usize {
        match self.nodes[node].kind {
            Kind::Alias(_) | Kind::Stop => self.owner(self.nodes[node].inputs[0]),
            _ => node,
        }
    }

    /// For each node whether a gradient flows through it.
    pub(super) fn differentiable(&self) -> Vec<bool> {
        let mut flows: Vec<bool> = Vec::with_capacity(self.nodes.len());
        for node in &self.nodes {
            let some = node.inputs.iter().any(|i| flows[*i]);
            flows.push(match &node.kind {
                Kind::Input(_) | Kind::Field(_) => true,
                Kind::Const(_) | Kind::Scalar(_) | Kind::Stop => false,
                Kind::Unary(name) => some && !is_flat(name),
                Kind::Binary(name) => some && !is_flat(name),
                // The condition of a selection has no gradient.
                Kind::Select => node.inputs[1..].iter().any(|i| flows[*i]),
                Kind::Op(_, info) => some && info.differentiable,
                Kind::Copy | Kind::Alias(_) => some,
            });
        }
        flows
    }
}

/// Functions that yield truth values: those of Keras have no gradient at all.
pub(super) fn is_discrete(name: &str) -> bool {
    is_flat(name) && !matches!(name, "Sign" | "Floor" | "Ceil" | "Round" | "FloorDiv")
}

/// Functions whose gradient is zero wherever it exists, as in Keras.
pub(super) fn is_flat(name: &str) -> bool {
    const FLAT: &[&str] = &[
        "Sign",
        "Floor",
        "Ceil",
        "Round",
        "Not",
        "IsNan",
        "IsFinite",
        "FloorDiv",
        "Less",
        "LessEqual",
        "Greater",
        "GreaterEqual",
        "Equal",
        "NotEqual",
        "And",
        "Or",
    ];
    FLAT.contains(&name)
}
