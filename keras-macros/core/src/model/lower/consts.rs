//! Constant expressions: loop variables and local numbers are put in, literals are computed with.

use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Expr, ExprArray, ExprParen, Lit, UnOp, parse_quote};

use super::env::{Bindings, Env, Val};

/// Why an expression is not constant.
pub enum NotConst {
    /// It mentions this variable of the graph (what it is, where).
    Graph(Box<Expr>, &'static str),
    /// It mentions something that had a mistake.
    Error,
}

/// The expression with local constants put in.
///
/// # Errors
/// If it mentions a value or a layer of the graph.
pub fn constant(expr: &Expr, env: &Env<'_>, bindings: &mut Bindings) -> Result<Expr, NotConst> {
    let mut substitution = Substitution { env, bindings, fault: None };
    let mut expr = expr.clone();
    substitution.visit_expr_mut(&mut expr);
    match substitution.fault {
        Some(fault) => Err(fault),
        None => Ok(expr),
    }
}

struct Substitution<'s, 'a> {
    env: &'s Env<'a>,
    bindings: &'s mut Bindings,
    fault: Option<NotConst>,
}

impl VisitMut for Substitution<'_, '_> {
    fn visit_expr_mut(&mut self, expr: &mut Expr) {
        let variable = match expr {
            Expr::Path(path) => path.path.get_ident().and_then(|ident| self.env.get(&ident.to_string())),
            _ => None,
        };
        let Some(variable) = variable else {
            return visit_mut::visit_expr_mut(self, expr);
        };
        self.bindings.read(variable.binding);
        match as_const(&variable.val) {
            Some(value) => *expr = value,
            None if matches!(variable.val, Val::Error) => self.fault = Some(NotConst::Error),
            None => {
                let fault = NotConst::Graph(Box::new(expr.clone()), variable.val.kind());
                self.fault.get_or_insert(fault);
            }
        }
    }
}

/// A constant as an expression that can stand anywhere.
pub fn as_const(val: &Val<'_>) -> Option<Expr> {
    match val {
        Val::Const(expr @ (Expr::Lit(_) | Expr::Path(_) | Expr::Paren(_))) => Some(expr.clone()),
        Val::Const(expr) => Some(parse_quote!((#expr))),
        Val::List(items) | Val::Tuple(items) => {
            let items: Vec<Expr> = items.iter().map(as_const).collect::<Option<_>>()?;
            Some(parse_quote!([#(#items),*]))
        }
        _ => None,
    }
}

/// Tuples written as values of options are arrays: `strides = (2, 1)`.
pub fn arrays(expr: Expr) -> Expr {
    match expr {
        Expr::Tuple(tuple) if !tuple.elems.is_empty() => {
            let mut bracket = syn::token::Bracket::default();
            bracket.span = tuple.paren_token.span;
            let elems = tuple.elems.into_iter().map(arrays).collect();
            Expr::Array(ExprArray { attrs: tuple.attrs, bracket_token: bracket, elems })
        }
        Expr::Array(mut array) => {
            array.elems = array.elems.into_iter().map(arrays).collect();
            Expr::Array(array)
        }
        Expr::Paren(paren) => {
            let inner = arrays(*paren.expr);
            match inner {
                Expr::Array(_) => inner,
                inner => Expr::Paren(ExprParen { expr: Box::new(inner), ..paren }),
            }
        }
        other => other,
    }
}

/// The integer that a constant expression of literals is.
pub fn integer(expr: &Expr) -> Option<i128> {
    match expr {
        Expr::Paren(paren) => integer(&paren.expr),
        Expr::Group(group) => integer(&group.expr),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Int(int) => int.base10_parse().ok(),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Neg(_)) => integer(&unary.expr)?.checked_neg(),
        Expr::Binary(binary) => {
            let (a, b) = (integer(&binary.left)?, integer(&binary.right)?);
            match binary.op {
                BinOp::Add(_) => a.checked_add(b),
                BinOp::Sub(_) => a.checked_sub(b),
                BinOp::Mul(_) => a.checked_mul(b),
                BinOp::Div(_) => a.checked_div(b),
                BinOp::Rem(_) => a.checked_rem(b),
                BinOp::Shl(_) => u32::try_from(b).ok().and_then(|b| a.checked_shl(b)),
                BinOp::Shr(_) => u32::try_from(b).ok().and_then(|b| a.checked_shr(b)),
                _ => None,
            }
        }
        _ => None,
    }
}

/// Whether a condition of literals holds.
pub fn condition(expr: &Expr) -> Option<bool> {
    match expr {
        Expr::Paren(paren) => condition(&paren.expr),
        Expr::Lit(lit) => match &lit.lit {
            Lit::Bool(value) => Some(value.value),
            _ => None,
        },
        Expr::Unary(unary) if matches!(unary.op, UnOp::Not(_)) => condition(&unary.expr).map(|c| !c),
        Expr::Binary(binary) => {
            let numbers = || Some((integer(&binary.left)?, integer(&binary.right)?));
            let conditions = || Some((condition(&binary.left)?, condition(&binary.right)?));
            match binary.op {
                BinOp::And(_) => conditions().map(|(a, b)| a && b),
                BinOp::Or(_) => conditions().map(|(a, b)| a || b),
                BinOp::Eq(_) => numbers().map(|(a, b)| a == b),
                BinOp::Ne(_) => numbers().map(|(a, b)| a != b),
                BinOp::Lt(_) => numbers().map(|(a, b)| a < b),
                BinOp::Le(_) => numbers().map(|(a, b)| a <= b),
                BinOp::Gt(_) => numbers().map(|(a, b)| a > b),
                BinOp::Ge(_) => numbers().map(|(a, b)| a >= b),
                _ => None,
            }
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use quote::ToTokens;

    #[test]
    fn integers_and_conditions() {
        let number = |text: &str| integer(&syn::parse_str(text).unwrap());
        assert_eq!(number("(2 + 3) * 4 - 6 / 2"), Some(17));
        assert_eq!(number("-(1 << 3) % 5"), Some(-3));
        assert_eq!(number("1 / 0"), None);
        assert_eq!(number("N + 1"), None);
        let holds = |text: &str| condition(&syn::parse_str(text).unwrap());
        assert_eq!(holds("!(1 + 1 == 2) || 3 >= 2 && true"), Some(true));
        assert_eq!(holds("1 != 1"), Some(false));
        assert_eq!(holds("N > 1"), None);
    }

    #[test]
    fn tuples_become_arrays() {
        let made = |text: &str| arrays(syn::parse_str(text).unwrap()).to_token_stream().to_string();
        assert_eq!(made("((1, 0), (2, 2))"), "[[1 , 0] , [2 , 2]]");
        assert_eq!(made("(3)"), "(3)");
        assert_eq!(made("(3,)"), "[3]");
        assert_eq!(made("f((1, 2))"), "f ((1 , 2))");
    }
}
