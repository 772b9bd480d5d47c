//! From a body to a graph, on one way through its `if`s.
//!
//! [`value`] is what an expression can stand for, [`expr`] reads expressions, [`function`] the functions of `keras::ops`; the
//! statements are read here.

mod expr;
mod function;
mod value;

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{Block, Error, Expr, Local, Pat, Stmt};

use super::graph::{Decision, Graph, Kind};
use crate::similar::similar;
use value::Value;

/// Whose body is read.
pub(super) struct Subject {
    /// What messages call it.
    pub name: &'static str,
    /// What its numbers are.
    pub numbers: &'static str,
    /// Whether it has fields.
    pub fields: bool,
}

/// Reads one body.
pub(super) struct Lower<'s> {
    pub graph: Graph,
    pub errors: Vec<Error>,
    subject: &'s Subject,
    scopes: Vec<HashMap<String, Value>>,
    fields: HashMap<String, usize>,
    /// Names that stand for numbers: parameters.
    numbers: Vec<String>,
    /// Which way to go at each `if`; those beyond the end are taken.
    ways: Vec<bool>,
}

type Found<T> = Option<T>;

impl<'s> Lower<'s> {
    /// Reads `body`, whose arguments are the tensors `inputs` and `numbers`, going these ways.
    pub(super) fn run(
        subject: &'s Subject,
        inputs: &[Ident],
        numbers: &[Ident],
        body: &Block,
        outputs: usize,
        ways: &[bool],
    ) -> Lower<'s> {
        let mut lower = Lower {
            graph: Graph::default(),
            errors: Vec::new(),
            subject,
            scopes: vec![HashMap::new()],
            fields: HashMap::new(),
            numbers: numbers.iter().map(Ident::to_string).collect(),
            ways: ways.to_vec(),
        };
        for (i, name) in inputs.iter().enumerate() {
            let node = lower.graph.push(Kind::Input(i), Vec::new(), &name.to_string(), name.span());
            lower.bind(name, Value::Tensor(node));
        }
        let result = lower.block(body);
        lower.finish(result, body, outputs);
        lower
    }

    fn finish(&mut self, result: Value, body: &Block, outputs: usize) {
        let span = body.stmts.last().map_or(body.brace_token.span.close(), Spanned::span);
        let values = match result {
            Value::Wrong => return,
            Value::Several(values) => values,
            one => vec![one],
        };
        if values.len() != outputs {
            let (name, found) = (self.subject.name, values.len());
            let s = if outputs == 1 { "" } else { "s" };
            return self
                .error(span, &format!("{name} says that it returns {outputs} tensor{s}, this is {found}"));
        }
        for value in values {
            let Some(node) = self.tensor(value, span) else { return };
            let computed =
                self.graph.is_elementwise(node) || matches!(self.graph.nodes[node].kind, Kind::Op(..));
            // What is no computation of its own, or is returned already, is copied.
            let output = if computed && !self.graph.outputs.contains(&node) {
                node
            } else {
                self.graph.push(Kind::Copy, vec![node], "result", span)
            };
            self.graph.outputs.push(output);
        }
    }

    fn error(&mut self, span: Span, message: &str) {
        self.errors.push(Error::new(span, message));
    }

    fn wrong(&mut self, tokens: &impl ToTokens, message: &str) -> Value {
        self.errors.push(Error::new_spanned(tokens, message));
        Value::Wrong
    }

    fn no_loops(&mut self, tokens: &impl ToTokens) -> Value {
        let name = self.subject.name;
        self.wrong(
            tokens,
            &format!("{name} has no loops: the gradient is straight-line code; write the steps out"),
        )
    }

    fn no_variable(&mut self, tokens: &impl ToTokens, name: &str) -> Value {
        let known = self.scopes.iter().flat_map(|scope| scope.keys().map(String::as_str));
        let hint = match similar(name, known.chain(self.numbers.iter().map(String::as_str))) {
            Some(best) => format!("; did you mean `{best}`?"),
            None => String::new(),
        };
        self.wrong(tokens, &format!("there is no variable `{name}` here{hint}"))
    }

    fn bind(&mut self, name: &Ident, value: Value) {
        self.scopes.last_mut().expect("a scope").insert(name.to_string(), value);
    }

    fn lookup(&self, name: &Ident) -> Option<&Value> {
        let name = name.to_string();
        self.scopes.iter().rev().find_map(|scope| scope.get(&name))
    }

    fn block(&mut self, block: &Block) -> Value {
        self.scopes.push(HashMap::new());
        let value = self.statements(block);
        self.scopes.pop();
        value
    }

    fn statements(&mut self, block: &Block) -> Value {
        for (i, statement) in block.stmts.iter().enumerate() {
            let last = i + 1 == block.stmts.len();
            match statement {
                Stmt::Local(local) => self.local(local),
                Stmt::Expr(Expr::Return(end), _) if last && self.scopes.len() == 2 => {
                    return match &end.expr {
                        Some(value) => self.expr(value),
                        None => self.wrong(end, "a tensor is to be returned"),
                    };
                }
                Stmt::Expr(value, None) if last => return self.expr(value),
                Stmt::Expr(Expr::Assign(assign), _) => self.assign(assign),
                Stmt::Expr(Expr::If(branch), _) => {
                    self.branch(branch);
                }
                Stmt::Expr(value @ (Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_)), _) => {
                    return self.no_loops(value);
                }
                Stmt::Expr(value, Some(_)) if last => {
                    // Most likely a `;` too many.
                    if matches!(self.expr(value), Value::Wrong) {
                        return Value::Wrong;
                    }
                    let name = self.subject.name;
                    return self.wrong(statement, &format!("{name} must end with a tensor: remove this `;`"));
                }
                other => {
                    let Subject { name, numbers, .. } = self.subject;
                    let message = format!(
                        "this is not understood: {name} is written with `let`, `if` on {numbers}, operators and the functions \
                         of `keras::ops`"
                    );
                    return self.wrong(other, &message);
                }
            }
        }
        Value::Several(Vec::new())
    }

    fn local(&mut self, local: &Local) {
        let Some(init) = &local.init else {
            self.wrong(local, "a `let` needs its value here");
            return;
        };
        if let Some((_, other)) = &init.diverge {
            self.wrong(other, "`let .. else` has no meaning here");
            return;
        }
        // `let [a, b] = split(x, -1);`: the pattern says how many parts.
        let mut pattern = &local.pat;
        if let Pat::Type(typed) = pattern {
            pattern = &typed.pat;
        }
        let value = match (pattern, &*init.expr) {
            (Pat::Slice(parts), Expr::Call(call))
                if function::name_of(&call.func).is_some_and(|n| n == "split") =>
            {
                self.split(call, parts.elems.len())
            }
            (_, value) => self.expr(value),
        };
        self.pattern(pattern, value);
    }

    fn pattern(&mut self, pattern: &Pat, value: Value) {
        let parts = match pattern {
            Pat::Ident(name) if name.subpat.is_none() => return self.bind(&name.ident, value),
            Pat::Wild(_) => return,
            Pat::Tuple(tuple) => &tuple.elems,
            Pat::Slice(slice) => &slice.elems,
            Pat::Paren(inner) => return self.pattern(&inner.pat, value),
            other => {
                self.wrong(other, "a `let` binds names, tuples of names or arrays of names here");
                return;
            }
        };
        match value {
            Value::Several(values) if values.len() == parts.len() => {
                parts.iter().zip(values).for_each(|(p, v)| self.pattern(p, v));
            }
            Value::Wrong => parts.iter().for_each(|p| self.pattern(p, Value::Wrong)),
            _ => {
                parts.iter().for_each(|p| self.pattern(p, Value::Wrong));
                self.wrong(pattern, &format!("the value does not have {} parts", parts.len()));
            }
        }
    }

    fn assign(&mut self, assign: &syn::ExprAssign) {
        let value = self.expr(&assign.right);
        let Expr::Path(path) = &*assign.left else {
            self.wrong(&assign.left, "only variables can be assigned");
            return;
        };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        match self.scopes.iter_mut().rev().find(|scope| scope.contains_key(&name)) {
            Some(scope) => {
                scope.insert(name, value);
            }
            None => {
                self.no_variable(path, &name);
            }
        }
    }

    fn branch(&mut self, branch: &syn::ExprIf) -> Value {
        if let Expr::Let(condition) = &*branch.cond {
            return self.wrong(condition, "`if let` is not understood here: use `if` with a condition");
        }
        let message = format!(
            "the condition of `if` depends on {}, not on tensors: use `where_(condition, a, b)`",
            self.subject.numbers
        );
        let Some(condition) = self.number_tokens(&branch.cond, &message) else { return Value::Wrong };
        let taken = *self.ways.get(self.graph.decisions.len()).unwrap_or(&true);
        let at = self.graph.nodes.len();
        self.graph.decisions.push(Decision { condition, taken, at, span: branch.if_token.span });
        match (&branch.else_branch, taken) {
            (_, true) => self.block(&branch.then_branch),
            (Some((_, other)), false) => self.expr(other),
            (None, false) => Value::Several(Vec::new()),
        }
    }
}
