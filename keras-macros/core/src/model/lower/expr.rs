//! Expressions.

use std::rc::Rc;

use quote::ToTokens;
use syn::{Attribute, Expr, ExprPath};

use super::env::{Env, Val};
use super::instance::is_layer;
use super::{Lower, Name, consts, instance};
use crate::model::functions;
use crate::similar::similar;
use crate::spans::Ends;

const SUPPORTED: &str = "a model's body has `let`, calls of layers and functions, operators, slices, local blocks `|x| ..` and `for i in 0..3`";

impl<'a> Lower<'a> {
    /// What an expression stands for. `name` is the name of the layer that it makes (or calls, if the name was given).
    pub(super) fn expr(&mut self, expr: &'a Expr, env: &mut Env<'a>, name: Option<Name>) -> Val<'a> {
        let name = self.attributes(attrs(expr)).or(name);
        match expr {
            Expr::Paren(paren) => self.expr(&paren.expr, env, name),
            Expr::Group(group) => self.expr(&group.expr, env, name),
            Expr::Call(call) => self.call(call, env, name),
            Expr::Path(path) => self.path(path, env, name),
            Expr::Struct(fields) if is_layer(&fields.path) => self.instance_by_name(fields, env, name),
            Expr::Lit(_) => Val::Const(expr.clone()),
            Expr::Tuple(tuple) => Val::Tuple(tuple.elems.iter().map(|e| self.expr(e, env, None)).collect()),
            Expr::Array(array) => Val::List(array.elems.iter().map(|e| self.item(e, env)).collect()),
            Expr::Closure(closure) => Val::Block(closure, Rc::new(env.clone())),
            Expr::Block(block) if block.label.is_none() => {
                env.open();
                let result = self.block(&block.block, env);
                env.close();
                result.map_or(Val::Tuple(Vec::new()), |(val, _)| val)
            }
            Expr::If(choice) => self.choice(choice, env),
            Expr::Binary(binary) => self.binary(binary, env, name),
            Expr::Index(index) => self.index(index, env, name),
            Expr::Unary(unary) => self.unary(unary, env, name),
            Expr::While(_)
            | Expr::Loop(_)
            | Expr::Match(_)
            | Expr::Return(_)
            | Expr::ForLoop(_)
            | Expr::Assign(_)
            | Expr::MethodCall(_)
            | Expr::Async(_)
            | Expr::Unsafe(_)
            | Expr::Try(_)
            | Expr::Let(_)
            | Expr::Range(_)
            | Expr::Verbatim(_) => self.unsupported(expr),
            other => self.constant_or(other, env),
        }
    }

    /// Something else is fine if it is constant: `WIDTH as usize`.
    pub(super) fn constant_or(&mut self, expr: &Expr, env: &Env<'a>) -> Val<'a> {
        match consts::constant(expr, env, &mut self.bindings) {
            Ok(value) => Val::Const(value),
            Err(consts::NotConst::Error) => Val::Error,
            Err(consts::NotConst::Graph(..)) => self.unsupported(expr),
        }
    }

    /// Reports an expression that a body cannot have.
    pub(super) fn unsupported(&mut self, expr: &Expr) -> Val<'a> {
        let what = match expr {
            Expr::While(_) => "`while` is not supported: a loop is unrolled, write `for i in 0..3`",
            Expr::Loop(_) => "`loop` is not supported: a loop is unrolled, write `for i in 0..3`",
            Expr::Match(_) => "`match` is not supported: a model's graph is fixed",
            Expr::Return(_) => "`return` is not supported: the body ends with its output",
            Expr::MethodCall(_) => {
                "methods are not supported: call a layer or a function, as in `Dense(10)(relu(x))`"
            }
            Expr::Try(_) => "`?` is not supported: nothing fails in a model's body",
            _ => SUPPORTED,
        };
        self.error(expr, what)
    }

    /// An item of a list: a path is a layer there even if it is written in capitals.
    pub(super) fn item(&mut self, expr: &'a Expr, env: &mut Env<'a>) -> Val<'a> {
        if let Expr::Path(path) = expr {
            let last = path.path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
            let bound = path.path.get_ident().is_some_and(|ident| env.get(&ident.to_string()).is_some());
            let shouted = !last.chars().any(char::is_lowercase) && last.len() > 1;
            let known = matches!(&last[..], "LSTM" | "GRU" | "ELU");
            if !bound && shouted && known {
                let name = self.attributes(&path.attrs);
                return self.instance(&path.path, None, env, name, Ends::of(path));
            }
        }
        self.expr(expr, env, None)
    }

    fn path(&mut self, path: &'a ExprPath, env: &mut Env<'a>, name: Option<Name>) -> Val<'a> {
        if let Some(ident) = path.path.get_ident() {
            let text = ident.to_string();
            if let Some(variable) = env.get(&text) {
                self.bindings.read(variable.binding);
                return variable.val.clone();
            }
            if text.starts_with(char::is_lowercase) && !functions::is_word(&text) {
                let known = env.names();
                let message = match similar(&text, known.iter().copied()) {
                    Some(known) => format!("cannot find `{text}` in this model; did you mean `{known}`?"),
                    None if known.is_empty() => format!("cannot find `{text}` in this model"),
                    None => format!("cannot find `{text}` in this model (in scope: {})", known.join(", ")),
                };
                return self.error(path, message);
            }
        }
        if instance::is_class(&path.path) {
            return self.instance(&path.path, None, env, name, Ends::of(path));
        }
        Val::Const(syn::parse_quote!(#path))
    }
}

/// The attributes of an expression that may have a name.
fn attrs(expr: &Expr) -> &[Attribute] {
    match expr {
        Expr::Call(call) => &call.attrs,
        Expr::Path(path) => &path.attrs,
        Expr::Paren(paren) => &paren.attrs,
        Expr::Struct(fields) => &fields.attrs,
        Expr::Binary(binary) => &binary.attrs,
        Expr::Unary(unary) => &unary.attrs,
        Expr::Index(index) => &index.attrs,
        _ => &[],
    }
}

/// As it is written.
pub(super) fn text(tokens: &impl ToTokens) -> String {
    tokens.to_token_stream().to_string()
}
