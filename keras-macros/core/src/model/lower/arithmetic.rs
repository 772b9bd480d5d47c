//! Arithmetic between values, and between values and numbers.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{BinOp, Expr, ExprBinary, ExprUnary, Path, UnOp, parse_quote};

use super::Lower;
use super::consts;
use super::env::{Env, Val};
use crate::model::graph::{Layer, Value};
use crate::naming::snake;
use crate::spans::Ends;

impl<'a> Lower<'a> {
    /// `a + b` and its kin.
    pub(super) fn binary(&mut self, binary: &'a ExprBinary, env: &mut Env<'a>) -> Val<'a> {
        let symbol = match binary.op {
            BinOp::Add(_) => '+',
            BinOp::Sub(_) => '-',
            BinOp::Mul(_) => '*',
            BinOp::Div(_) => '/',
            _ => return self.other_operator(binary, env),
        };
        let left = self.expr(&binary.left, env, None);
        let right = self.expr(&binary.right, env, None);
        let ends = Ends::of(binary);
        match (left, right) {
            (Val::Error, _) | (_, Val::Error) => Val::Error,
            (left @ Val::Const(_), right @ Val::Const(_)) => {
                let (Some(left), Some(right)) = (consts::as_const(&left), consts::as_const(&right)) else {
                    return Val::Error;
                };
                let op = &binary.op;
                Val::Const(parse_quote!(#left #op #right))
            }
            (left, Val::Const(number)) => match self.value(left, &binary.left) {
                Some(value) => self.with_number(value, symbol, number, ends),
                None => Val::Error,
            },
            (Val::Const(number), right) => {
                let Some(value) = self.value(right, &binary.right) else { return Val::Error };
                match symbol {
                    '+' | '*' => self.with_number(value, symbol, number, ends),
                    '-' => {
                        let offset = number_tokens(&number);
                        self.rescaling(value, quote!(-1.0,), quote!(.offset(#offset)), symbol, ends)
                    }
                    _ => self.error(binary, "a number cannot be divided by a value here: compute it in a layer of your own, with `#[call]`"),
                }
            }
            (left, right) => {
                let (left, right) = (self.value(left, &binary.left), self.value(right, &binary.right));
                let (Some(left), Some(right)) = (left, right) else { return Val::Error };
                let class = match symbol {
                    '+' => "Add",
                    '-' => "Subtract",
                    '*' => "Multiply",
                    _ => {
                        let message = "a value can be divided by a number, not by a value: compute it in a layer of your own, \
                                       with `#[call]`";
                        return self.error(binary, message);
                    }
                };
                self.builtin(class, vec![left, right], TokenStream::new(), TokenStream::new(), symbol, ends)
            }
        }
    }

    /// `-x`.
    pub(super) fn unary(&mut self, unary: &'a ExprUnary, env: &mut Env<'a>) -> Val<'a> {
        let val = self.expr(&unary.expr, env, None);
        match (&unary.op, val) {
            (_, Val::Error) => Val::Error,
            (op, Val::Const(number)) => Val::Const(parse_quote!(#op #number)),
            (UnOp::Neg(_), val) => match self.value(val, &unary.expr) {
                Some(value) => self.rescaling(value, quote!(-1.0,), TokenStream::new(), '-', Ends::of(unary)),
                None => Val::Error,
            },
            (op, _) => self.error(op, "supported for values: `-x`"),
        }
    }

    fn other_operator(&mut self, binary: &'a ExprBinary, env: &mut Env<'a>) -> Val<'a> {
        match consts::constant(&Expr::Binary(binary.clone()), env, &mut self.bindings) {
            Ok(value) => Val::Const(value),
            Err(consts::NotConst::Error) => Val::Error,
            Err(consts::NotConst::Graph(..)) => {
                self.error(&binary.op, "supported between values: `+`, `-`, `*`, and `/` by a number")
            }
        }
    }

    fn with_number(&mut self, value: Value, symbol: char, number: Expr, ends: Ends) -> Val<'a> {
        let number = number_tokens(&number);
        let (scale, options) = match symbol {
            '+' => (quote!(1.0,), quote!(.offset(#number))),
            '-' => (quote!(1.0,), quote!(.offset(-(#number)))),
            '*' => (quote!(#number,), TokenStream::new()),
            _ => (quote!(1.0 / (#number),), TokenStream::new()),
        };
        self.rescaling(value, scale, options, symbol, ends)
    }

    fn rescaling(
        &mut self,
        value: Value,
        scale: TokenStream,
        options: TokenStream,
        symbol: char,
        ends: Ends,
    ) -> Val<'a> {
        self.builtin("Rescaling", vec![value], scale, options, symbol, ends)
    }

    /// A call of a layer that an operator stands for.
    fn builtin(
        &mut self,
        class: &str,
        inputs: Vec<Value>,
        arguments: TokenStream,
        options: TokenStream,
        symbol: char,
        ends: Ends,
    ) -> Val<'a> {
        let ident = Ident::new(class, ends.first);
        let path: Path = parse_quote!(::keras::layers::#ident);
        self.graph.layers.push(Layer {
            class: path,
            label: format!("`{symbol}`"),
            stem: snake(class),
            name: None,
            inner: None,
            arguments,
            paren: ends.last,
            options,
            trainable: None,
            activity_regularizer: None,
            ends,
        });
        let layer = self.graph.layers.len() - 1;
        self.node(layer, inputs, TokenStream::new(), ends)
    }
}

/// A number as a float: `2` is `2.0` beside a value.
fn number_tokens(number: &Expr) -> TokenStream {
    match number {
        Expr::Lit(syn::ExprLit { lit: syn::Lit::Float(float), .. }) if float.suffix().is_empty() => {
            quote!(#float)
        }
        other => quote!((#other) as f64),
    }
}
