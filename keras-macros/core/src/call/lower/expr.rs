//! Expressions.

use proc_macro2::TokenStream;
use quote::{ToTokens, format_ident, quote};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, Lit, Member, UnOp};

use super::value::{Number, Value};
use super::{Found, Lower};
use crate::call::functions::find;
use crate::call::graph::Kind;

impl Lower<'_> {
    pub(super) fn expr(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Block(block) if block.label.is_none() => self.block(&block.block),
            Expr::Lit(literal) => Value::Number(Number::Tokens(literal.to_token_stream())),
            Expr::Path(path) => match path.path.get_ident().and_then(|name| self.lookup(name)) {
                Some(value) => value.clone(),
                None => self.number(expr),
            },
            Expr::Field(field) if is_self(&field.base) && !self.subject.fields => {
                self.wrong(field, &format!("{} has no fields: take the number as a parameter", self.subject.name))
            }
            Expr::Field(field) if is_self(&field.base) => match &field.member {
                Member::Named(name) => Value::Number(Number::Field(name.clone())),
                Member::Unnamed(_) => self.wrong(field, "a layer's fields have names"),
            },
            Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => match self.expr(&unary.expr) {
                Value::Tensor(x) => {
                    Value::Tensor(self.graph.push(Kind::Unary("Neg"), vec![x], "-", unary.op.span()))
                }
                Value::Number(x) => Value::Number(Number::Neg(Box::new(x))),
                Value::Several(_) => self.wrong(&unary.expr, "expected one tensor"),
                Value::Wrong => Value::Wrong,
            },
            Expr::Binary(binary) => self.binary(binary),
            Expr::Array(array) => Value::Several(array.elems.iter().map(|e| self.expr(e)).collect()),
            Expr::Tuple(tuple) => Value::Several(tuple.elems.iter().map(|e| self.expr(e)).collect()),
            Expr::If(branch) => self.branch(branch),
            Expr::Call(call) => self.call(call),
            Expr::MethodCall(call) if is_self(&call.receiver) => self.wrong(
                &call.method,
                "other methods cannot be called: the gradient of their body is not known here; use a block or a layer of its own",
            ),
            Expr::MethodCall(call) if matches!(self.plain(&call.receiver), Some(Value::Tensor(_))) && call.method != "dim" => {
                let name = call.method.to_string();
                let hint = match find(&name) {
                    Some(_) => format!("write `{name}(..)`: operations are functions"),
                    None => "its only method is `dim(axis)`; operations are functions, such as `exp(x)`".into(),
                };
                self.wrong(&call.method, &format!("a tensor has no method `{name}`: {hint}"))
            }
            Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) => self.no_loops(expr),
            Expr::Match(_) => {
                let message = format!("`match` is not understood here: use `if` on {}", self.subject.numbers);
                self.wrong(expr, &message)
            }
            Expr::Closure(_) => self.wrong(expr, "closures are not understood here: use a block"),
            Expr::Macro(_) => self.wrong(expr, "macros are not understood here"),
            Expr::Return(_) => self.wrong(expr, "a tensor is returned at the end alone: use `if` and `else`"),
            Expr::Index(index) => {
                if let (Some(Value::Several(values)), Expr::Lit(literal)) = (self.plain(&index.expr), &*index.index)
                    && let Lit::Int(i) = &literal.lit
                        && let Some(value) = i.base10_parse::<usize>().ok().and_then(|i| values.get(i).cloned()) {
                            return value;
                        }
                self.number(expr)
            }
            _ => self.number(expr),
        }
    }

    /// The value of a plain name.
    pub(super) fn plain(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Paren(inner) => self.plain(&inner.expr),
            Expr::Path(path) => path.path.get_ident().and_then(|name| self.lookup(name)).cloned(),
            _ => None,
        }
    }

    /// An expression that Rust computes.
    pub(super) fn number(&mut self, expr: &Expr) -> Value {
        match self.number_tokens(expr, "a tensor cannot stand here: numbers and options are expected") {
            Some(tokens) => Value::Number(Number::Tokens(tokens)),
            None => Value::Wrong,
        }
    }

    /// The expression with variables of `call` put in; reports tensors in it.
    pub(super) fn number_tokens(&mut self, expr: &Expr, message: &str) -> Found<TokenStream> {
        struct Put<'a, 's> {
            lower: &'a mut Lower<'s>,
            message: &'a str,
            failed: bool,
            /// How many closures, blocks and `match`es this is in: they bind names of their own.
            inside: usize,
        }
        impl Put<'_, '_> {
            fn own_names(&mut self, visit: impl FnOnce(&mut Self)) {
                self.inside += 1;
                visit(self);
                self.inside -= 1;
            }
        }
        impl VisitMut for Put<'_, '_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                if let Expr::MethodCall(call) = expr
                    && call.method == "dim"
                    && call.args.len() == 1
                    && let Some(Value::Tensor(node)) = self.lower.plain(&call.receiver)
                {
                    let slot = format_ident!("__SLOT_{node}");
                    self.visit_expr_mut(&mut call.args[0]);
                    let axis = &call.args[0];
                    self.lower.graph.measured.push((node, axis.clone()));
                    *expr = Expr::Verbatim(quote!(__trace.dim(#slot, #axis)));
                    return;
                }
                if let Expr::Path(path) = expr {
                    let Some(name) = path.path.get_ident() else { return };
                    match self.lower.lookup(name).cloned() {
                        Some(Value::Number(number)) => *expr = Expr::Verbatim(number.tokens()),
                        Some(Value::Wrong) => self.failed = true,
                        Some(_) => {
                            self.failed = true;
                            self.lower.wrong(path, self.message);
                        }
                        // Constants are written in capitals.
                        None => {
                            let text = name.to_string();
                            let known = text == "self" || self.lower.numbers.contains(&text);
                            if !known && self.inside == 0 && text.starts_with(char::is_lowercase) {
                                self.failed = true;
                                self.lower.no_variable(path, &text);
                            }
                        }
                    }
                    return;
                }
                visit_mut::visit_expr_mut(self, expr);
            }

            fn visit_expr_call_mut(&mut self, call: &mut syn::ExprCall) {
                if !matches!(*call.func, Expr::Path(_)) {
                    self.visit_expr_mut(&mut call.func);
                }
                call.args.iter_mut().for_each(|arg| self.visit_expr_mut(arg));
            }

            fn visit_expr_closure_mut(&mut self, closure: &mut syn::ExprClosure) {
                self.own_names(|put| visit_mut::visit_expr_closure_mut(put, closure));
            }
            fn visit_block_mut(&mut self, block: &mut syn::Block) {
                self.own_names(|put| visit_mut::visit_block_mut(put, block));
            }
            fn visit_expr_match_mut(&mut self, choice: &mut syn::ExprMatch) {
                self.own_names(|put| visit_mut::visit_expr_match_mut(put, choice));
            }
        }
        let mut expr = expr.clone();
        let mut put = Put { lower: self, message, failed: false, inside: 0 };
        put.visit_expr_mut(&mut expr);
        (!put.failed).then(|| expr.to_token_stream())
    }

    fn binary(&mut self, binary: &syn::ExprBinary) -> Value {
        let (f, what) = match binary.op {
            BinOp::Add(_) => ("Add", "+"),
            BinOp::Sub(_) => ("Sub", "-"),
            BinOp::Mul(_) => ("Mul", "*"),
            BinOp::Div(_) => ("Div", "/"),
            BinOp::Rem(_) => ("Mod", "%"),
            _ => {
                let function = match binary.op {
                    BinOp::Lt(_) => "less",
                    BinOp::Le(_) => "less_equal",
                    BinOp::Gt(_) => "greater",
                    BinOp::Ge(_) => "greater_equal",
                    BinOp::Eq(_) => "equal",
                    BinOp::Ne(_) => "not_equal",
                    BinOp::And(_) | BinOp::BitAnd(_) => "logical_and",
                    BinOp::Or(_) | BinOp::BitOr(_) => "logical_or",
                    _ => "a function of `keras::ops`",
                };
                let sides = [self.expr(&binary.left), self.expr(&binary.right)];
                if sides.iter().any(|s| matches!(s, Value::Wrong)) {
                    return Value::Wrong;
                }
                if sides.iter().any(|s| matches!(s, Value::Tensor(_))) {
                    let message = format!("not an operator of tensors: use `{function}(a, b)`");
                    return self.wrong(&binary.op, &message);
                }
                return self.number(&Expr::Binary(binary.clone()));
            }
        };
        match (self.expr(&binary.left), self.expr(&binary.right)) {
            (Value::Wrong, _) | (_, Value::Wrong) => Value::Wrong,
            (Value::Number(a), Value::Number(b)) => {
                if a.has_field() || b.has_field() {
                    Value::Number(Number::Pair(f, binary.op, Box::new(a), Box::new(b)))
                } else {
                    let (a, b, op) = (a.tokens(), b.tokens(), &binary.op);
                    Value::Number(Number::Tokens(quote!(#a #op #b)))
                }
            }
            (a, b) => {
                let (Some(a), Some(b)) =
                    (self.operand(a, binary.left.span()), self.operand(b, binary.right.span()))
                else {
                    return Value::Wrong;
                };
                Value::Tensor(self.graph.push(Kind::Binary(f), vec![a, b], what, binary.op.span()))
            }
        }
    }
}

/// Whether this is `self`.
fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}
