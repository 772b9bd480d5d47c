//! Operators between values, and between values and numbers: they are operations of `keras.ops`, as in Keras.

use syn::{BinOp, Expr, ExprBinary, ExprUnary, UnOp, parse_quote};

use super::consts::{self, NotConst};
use super::env::{Env, Val};
use super::{Lower, Name};
use crate::spans::Ends;

/// The class of an operator, and its symbol.
fn class(op: &BinOp) -> Option<(&'static str, &'static str)> {
    Some(match op {
        BinOp::Add(_) => ("Add", "+"),
        BinOp::Sub(_) => ("Subtract", "-"),
        BinOp::Mul(_) => ("Multiply", "*"),
        BinOp::Div(_) => ("TrueDivide", "/"),
        BinOp::Rem(_) => ("Mod", "%"),
        BinOp::Lt(_) => ("Less", "<"),
        BinOp::Le(_) => ("LessEqual", "<="),
        BinOp::Gt(_) => ("Greater", ">"),
        BinOp::Ge(_) => ("GreaterEqual", ">="),
        BinOp::Eq(_) => ("Equal", "=="),
        BinOp::Ne(_) => ("NotEqual", "!="),
        BinOp::BitAnd(_) => ("LogicalAnd", "&"),
        BinOp::BitOr(_) => ("LogicalOr", "|"),
        BinOp::BitXor(_) => ("LogicalXor", "^"),
        _ => return None,
    })
}

impl<'a> Lower<'a> {
    /// `a + b` and its kin.
    pub(super) fn binary(
        &mut self,
        binary: &'a ExprBinary,
        env: &mut Env<'a>,
        name: Option<Name>,
    ) -> Val<'a> {
        let Some((class, symbol)) = class(&binary.op) else { return self.other_operator(binary, env) };
        // `x ** 2` is `x * (*2)` to Rust.
        if let Expr::Unary(ExprUnary { op: UnOp::Deref(star), .. }) = &*binary.right
            && symbol == "*"
        {
            return self.error(star, "a power is written `power(x, 2)`");
        }
        let left = self.expr(&binary.left, env, None);
        let right = self.expr(&binary.right, env, None);
        match (left, right) {
            (Val::Error, _) | (_, Val::Error) => Val::Error,
            (left @ Val::Const(_), right @ Val::Const(_)) => {
                let (Some(left), Some(right)) = (consts::as_const(&left), consts::as_const(&right)) else {
                    return Val::Error;
                };
                let op = &binary.op;
                Val::Const(parse_quote!(#left #op #right))
            }
            (left, right) => {
                let operands = vec![(left, &*binary.left), (right, &*binary.right)];
                self.operator(class, symbol, operands, Ends::of(binary), name)
            }
        }
    }

    /// `-x`, `!x`.
    pub(super) fn unary(&mut self, unary: &'a ExprUnary, env: &mut Env<'a>, name: Option<Name>) -> Val<'a> {
        let (class, symbol) = match &unary.op {
            UnOp::Neg(_) => ("Negative", "-"),
            UnOp::Not(_) => ("LogicalNot", "!"),
            op => return self.error(op, "supported for values: `-x` and `!x`"),
        };
        match self.expr(&unary.expr, env, None) {
            Val::Error => Val::Error,
            Val::Const(number) => {
                let op = &unary.op;
                Val::Const(parse_quote!(#op #number))
            }
            val => self.operator(class, symbol, vec![(val, &unary.expr)], Ends::of(unary), name),
        }
    }

    fn other_operator(&mut self, binary: &'a ExprBinary, env: &mut Env<'a>) -> Val<'a> {
        match consts::constant(&Expr::Binary(binary.clone()), env, &mut self.bindings) {
            Ok(value) => Val::Const(value),
            Err(NotConst::Error) => Val::Error,
            Err(NotConst::Graph(..)) => self.error(
                &binary.op,
                "supported between values: `+`, `-`, `*`, `/`, `%`, comparisons, and `&`, `|`, `^` for truth values",
            ),
        }
    }
}
