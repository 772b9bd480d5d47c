//! From a body to a graph: variables, blocks and loops disappear, calls of layers remain.

mod arithmetic;
mod body;
mod call;
mod consts;
mod env;
mod expr;
mod instance;
mod operation;

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Attribute, Expr, ExprLit, Lit, Meta};

use self::consts::NotConst;
use self::env::{Bindings, Env, Val, Variable};
use super::graph::{Graph, Name, Node, Value};
use super::parse::{Body, Header};
use crate::errors::Errors;
use crate::spans::Ends;

/// Most calls in a model: the peaks are worked out in const evaluation.
const MOST_NODES: usize = 4000;

/// The graph of a body. After a mistake it holds what could be understood, so that the rest is still checked.
pub fn lower(header: &Header, body: &Body, errors: &mut Errors) -> Graph {
    let mut lower =
        Lower { header, errors, graph: Graph::default(), bindings: Bindings::default(), full: false };
    let mut env = Env::default();
    for (at, port) in header.inputs.iter().enumerate() {
        if let Some(name) = &port.name {
            let text = name.to_string();
            if env.get(&text).is_some() {
                lower.errors.at(name, format!("two inputs are called `{text}`"));
            }
            lower.bind(name, Val::Value(Value::Input(at)), &mut env);
        }
    }
    for (at, port) in header.outputs.iter().enumerate() {
        if let Some(name) = &port.name
            && header.outputs[..at].iter().any(|other| other.name.as_ref() == Some(name))
        {
            lower.errors.at(name, format!("two outputs are called `{name}`"));
        }
    }
    match body {
        Body::List(list) => lower.list(list),
        Body::Block(block) => lower.body(block, &mut env),
        // Files are opened before: what they hold is a list or a block.
        Body::File(_) => {}
    }
    let Lower { graph, .. } = lower;
    graph
}

/// Lowering under way. It goes on after a mistake, with [`Val::Error`] in place of what could not be understood.
struct Lower<'a> {
    header: &'a Header,
    errors: &'a mut Errors,
    graph: Graph,
    bindings: Bindings,
    /// Whether the model was reported as too large.
    full: bool,
}

impl<'a> Lower<'a> {
    /// Reports a mistake.
    fn error(&mut self, at: &impl ToTokens, message: impl std::fmt::Display) -> Val<'a> {
        self.errors.at(at, message);
        Val::Error
    }

    /// Binds a name.
    fn bind(&mut self, ident: &'a Ident, val: Val<'a>, env: &mut Env<'a>) {
        let binding = self.bindings.at(ident, &val);
        env.bind(ident.to_string(), Variable { val, binding });
    }

    /// Adds a call of a layer.
    fn node(
        &mut self,
        layer: usize,
        inputs: Vec<Value>,
        options: proc_macro2::TokenStream,
        ends: Ends,
    ) -> Val<'a> {
        if self.graph.nodes.len() >= MOST_NODES {
            if !std::mem::replace(&mut self.full, true) {
                let message = format!("a model has at most {MOST_NODES} calls of layers");
                self.errors.push(syn::Error::new(ends.first, message));
            }
            return Val::Error;
        }
        self.graph.nodes.push(Node { layer, inputs, options, outputs: None, ends });
        Val::Node(self.graph.nodes.len() - 1)
    }

    /// Says that the model takes `count` values from a node.
    fn take(&mut self, node: usize, count: usize, at: &impl ToTokens) -> bool {
        let outputs = &mut self.graph.nodes[node].outputs;
        let before = *outputs.get_or_insert(count);
        if before != count {
            let message = format!(
                "this was taken as {before} value{} before, and now as {count}",
                if before == 1 { "" } else { "s" }
            );
            self.errors.at(at, message);
        }
        before == count
    }

    /// The one value that `val` is; reports anything else.
    fn value(&mut self, val: Val<'a>, at: &impl ToTokens) -> Option<Value> {
        match val {
            Val::Value(value) => Some(value),
            Val::Node(node) => self.take(node, 1, at).then_some(Value::Output { node, output: 0 }),
            Val::Error => None,
            Val::Layer(layer) => {
                let label = self.graph.layers[layer].label.clone();
                let message =
                    format!("{label} is a layer here, not a value: call it on one, as in `Dense(10)(x)`");
                self.errors.at(at, message);
                None
            }
            Val::Block(..) => {
                self.errors.at(at, "this is a block, not a value: call it on one");
                None
            }
            Val::Const(_) => {
                self.errors.at(at, "expected a value of the graph, found a constant");
                None
            }
            Val::List(_) | Val::Tuple(_) => {
                self.errors.at(at, format!("expected one value of the graph, found {}", val.kind()));
                None
            }
        }
    }

    /// All values in `val`, with lists and tuples unfolded.
    fn values(&mut self, val: Val<'a>, at: &impl ToTokens) -> Option<Vec<Value>> {
        match val {
            Val::List(items) | Val::Tuple(items) => {
                let parts: Vec<_> = items.into_iter().map(|item| self.values(item, at)).collect();
                let parts: Option<Vec<Vec<Value>>> = parts.into_iter().collect();
                Some(parts?.into_iter().flatten().collect())
            }
            val => Some(vec![self.value(val, at)?]),
        }
    }

    /// A constant; reports anything else.
    fn constant(&mut self, expr: &Expr, env: &Env<'a>, message: &str) -> Option<Expr> {
        match consts::constant(expr, env, &mut self.bindings) {
            Ok(value) => Some(value),
            Err(NotConst::Error) => None,
            Err(NotConst::Graph(at, kind)) => {
                self.errors.at(&at, format!("{message}, and `{}` is {kind}", at.to_token_stream()));
                None
            }
        }
    }

    /// The name in `#[name = ".."]`; other attributes are reported.
    fn attributes(&mut self, attrs: &[Attribute]) -> Option<Name> {
        let mut name = None;
        for attr in attrs {
            let Meta::NameValue(meta) = &attr.meta else {
                self.errors.at(attr, "the attribute of a layer is `#[name = \"..\"]`");
                continue;
            };
            if !meta.path.is_ident("name") {
                self.errors.at(attr, "the attribute of a layer is `#[name = \"..\"]`");
                continue;
            }
            name = self.name_of(&meta.value);
        }
        name
    }

    /// The name that a string literal gives.
    fn name_of(&mut self, value: &Expr) -> Option<Name> {
        let Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) = value else {
            self.errors.at(value, "the name of a layer is a string, such as \"conv1\"");
            return None;
        };
        if text.value().is_empty() || text.value().contains('/') {
            self.errors.at(value, "the name of a layer is not empty and has no `/`");
            return None;
        }
        Some(Name { text: text.value(), span: text.span(), explicit: true })
    }
}
