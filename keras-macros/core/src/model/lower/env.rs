//! What names mean while a body is lowered.

use std::collections::HashMap;
use std::rc::Rc;

use proc_macro2::Ident;
use syn::{Expr, ExprClosure};

use crate::model::graph::Value;

/// What an expression stands for.
#[derive(Clone)]
pub enum Val<'a> {
    /// One value of the graph.
    Value(Value),
    /// What a node yields: one value until it is taken apart.
    Node(usize),
    /// A layer that can be called.
    Layer(usize),
    /// A list: of layers, called one after the other; of values; of numbers.
    List(Vec<Val<'a>>),
    /// A tuple.
    Tuple(Vec<Val<'a>>),
    /// A local block, with the names it sees.
    Block(&'a ExprClosure, Rc<Env<'a>>),
    /// Something that is known before the model runs: a number, an option's value.
    Const(Expr),
    /// Something that had a mistake; it was reported.
    Error,
}

impl Val<'_> {
    /// What it is, in words.
    pub fn kind(&self) -> &'static str {
        match self {
            Val::Value(_) | Val::Node(_) => "a value",
            Val::Layer(_) => "a layer",
            Val::List(_) => "a list",
            Val::Tuple(_) => "a tuple",
            Val::Block(..) => "a block",
            Val::Const(_) => "a constant",
            Val::Error => "a mistake",
        }
    }
}

/// A variable: what it holds, and the place that bound it.
#[derive(Clone)]
pub struct Variable<'a> {
    /// What it holds.
    pub val: Val<'a>,
    /// Place in [`Bindings`].
    pub binding: usize,
}

/// The names in scope.
#[derive(Clone, Default)]
pub struct Env<'a> {
    /// What a local block sees of the outside; it cannot assign to it.
    outside: Option<Rc<Env<'a>>>,
    scopes: Vec<HashMap<String, Variable<'a>>>,
}

impl<'a> Env<'a> {
    /// The names inside a local block.
    pub fn inside(outside: Rc<Env<'a>>) -> Env<'a> {
        Env { outside: Some(outside), scopes: vec![HashMap::new()] }
    }

    /// Opens a scope.
    pub fn open(&mut self) {
        self.scopes.push(HashMap::new());
    }

    /// Closes the innermost scope.
    pub fn close(&mut self) {
        self.scopes.pop();
    }

    /// Binds a name in the innermost scope.
    pub fn bind(&mut self, name: String, variable: Variable<'a>) {
        if self.scopes.is_empty() {
            self.open();
        }
        if let Some(scope) = self.scopes.last_mut() {
            scope.insert(name, variable);
        }
    }

    /// The variable of this name.
    pub fn get(&self, name: &str) -> Option<&Variable<'a>> {
        let here = self.scopes.iter().rev().find_map(|scope| scope.get(name));
        here.or_else(|| self.outside.as_ref()?.get(name))
    }

    /// The variable of this name, to assign to; not one outside the local block.
    pub fn get_mut(&mut self, name: &str) -> Option<&mut Variable<'a>> {
        self.scopes.iter_mut().rev().find_map(|scope| scope.get_mut(name))
    }

    /// All names, sorted.
    pub fn names(&self) -> Vec<&str> {
        let mut names: Vec<&str> = self.outside.as_ref().map(|outside| outside.names()).unwrap_or_default();
        names.extend(self.scopes.iter().flat_map(|scope| scope.keys().map(String::as_str)));
        names.sort_unstable();
        names.dedup();
        names
    }
}

/// A place in the source that binds a name.
pub struct Binding {
    /// The name.
    pub ident: Ident,
    /// What it was bound to.
    pub kind: &'static str,
    /// Whether the name was read. A place in a loop or in a local block counts once.
    pub used: bool,
}

/// All places that bind names.
#[derive(Default)]
pub struct Bindings {
    list: Vec<Binding>,
    places: HashMap<*const Ident, usize>,
}

impl Bindings {
    /// The binding at this identifier.
    pub fn at(&mut self, ident: &Ident, val: &Val<'_>) -> usize {
        // Identifiers are told apart by their address in the syntax tree, which outlives the lowering.
        *self.places.entry(ident).or_insert_with(|| {
            self.list.push(Binding { ident: ident.clone(), kind: val.kind(), used: false });
            self.list.len() - 1
        })
    }

    /// Notes that the name was read.
    pub fn read(&mut self, binding: usize) {
        self.list[binding].used = true;
    }

    /// Those whose name was never read and does not begin with `_`.
    pub fn unused(&self) -> impl Iterator<Item = &Binding> {
        self.list.iter().filter(|b| !b.used && !b.ident.to_string().starts_with('_'))
    }
}
