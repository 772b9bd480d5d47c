//! What an expression can stand for, and the nodes that values become.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote};
use syn::BinOp;

use super::{Found, Lower};
use crate::call::graph::Kind;

/// What an expression is.
#[derive(Clone)]
pub(super) enum Value {
    Tensor(usize),
    Number(Number),
    /// `[a, b]`, `(a, b)`.
    Several(Vec<Value>),
    /// Reported already.
    Wrong,
}

/// A number, or a field that is one unless it is a weight.
#[derive(Clone)]
pub(super) enum Number {
    Tokens(TokenStream),
    Field(Ident),
    Neg(Box<Number>),
    Pair(&'static str, BinOp, Box<Number>, Box<Number>),
}

impl Number {
    pub(super) fn tokens(&self) -> TokenStream {
        match self {
            Number::Tokens(tokens) => quote!((#tokens)),
            Number::Field(name) => quote!(self.#name),
            Number::Neg(x) => {
                let x = x.tokens();
                quote!((-#x))
            }
            Number::Pair(_, op, a, b) => {
                let (a, b) = (a.tokens(), b.tokens());
                quote!((#a #op #b))
            }
        }
    }

    /// Whether it may be a weight.
    pub(super) fn has_field(&self) -> bool {
        match self {
            Number::Tokens(_) => false,
            Number::Field(_) => true,
            Number::Neg(x) => x.has_field(),
            Number::Pair(_, _, a, b) => a.has_field() || b.has_field(),
        }
    }
}

impl Lower<'_> {
    /// A node for a tensor or a number.
    pub(super) fn operand(&mut self, value: Value, span: Span) -> Found<usize> {
        match value {
            Value::Tensor(node) => Some(node),
            Value::Number(number) => Some(self.number_node(&number, span)),
            Value::Several(_) => {
                self.error(span, "expected one tensor");
                None
            }
            Value::Wrong => None,
        }
    }

    fn number_node(&mut self, number: &Number, span: Span) -> usize {
        match number {
            Number::Tokens(tokens) => {
                if let Ok(value) = tokens.to_string().replace('_', "").parse::<f64>() {
                    return self.graph.push(Kind::Const(value), Vec::new(), "number", span);
                }
                self.graph.push(Kind::Scalar(tokens.clone()), Vec::new(), "number", span)
            }
            Number::Field(name) => self.field(name),
            Number::Neg(x) => {
                let x = self.number_node(x, span);
                self.graph.push(Kind::Unary("Neg"), vec![x], "-", span)
            }
            Number::Pair(f, op, a, b) => {
                if !number.has_field() {
                    return self.graph.push(Kind::Scalar(number.tokens()), Vec::new(), "number", span);
                }
                let (a, b) = (self.number_node(a, span), self.number_node(b, span));
                self.graph.push(Kind::Binary(f), vec![a, b], &op.to_token_stream().to_string(), span)
            }
        }
    }

    fn field(&mut self, name: &Ident) -> usize {
        let text = name.to_string();
        if let Some(node) = self.fields.get(&text) {
            return *node;
        }
        let node = self.graph.push(Kind::Field(name.clone()), Vec::new(), &text, name.span());
        self.fields.insert(text, node);
        node
    }

    /// A node for a tensor.
    pub(super) fn tensor(&mut self, value: Value, span: Span) -> Found<usize> {
        match value {
            Value::Tensor(node) => Some(node),
            Value::Number(number) if number.has_field() => Some(self.number_node(&number, span)),
            Value::Number(_) => {
                self.error(span, "expected a tensor, found a number");
                None
            }
            Value::Several(values) if values.is_empty() => {
                self.error(span, "expected a tensor, found nothing");
                None
            }
            Value::Several(_) => {
                self.error(span, "expected one tensor");
                None
            }
            Value::Wrong => None,
        }
    }
}
