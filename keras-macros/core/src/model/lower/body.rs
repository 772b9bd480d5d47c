//! Lists, blocks and statements.

use quote::ToTokens;
use syn::spanned::Spanned;
use syn::{
    Block, Expr, ExprArray, ExprAssign, ExprForLoop, ExprIf, ExprRange, Local, Pat, RangeLimits, Stmt,
};

use super::consts;
use super::env::{Env, Val};
use super::{Lower, Name, Value};
use crate::similar::similar;

/// Most turns of one loop.
const MOST_TURNS: i128 = 4000;

impl<'a> Lower<'a> {
    /// `= [list]`.
    pub(super) fn list(&mut self, list: &'a ExprArray) {
        if let [_, second, ..] = &self.header.inputs[..] {
            let message = "a list of layers has one input; for several, write a body `{ .. }`";
            return self.errors.push(syn::Error::new(second.ends.first, message));
        }
        if list.elems.is_empty() {
            self.errors
                .push(syn::Error::new(list.bracket_token.span.join(), "a model has at least one layer"));
            return;
        }
        let mut env = Env::default();
        let layers: Vec<Val<'a>> = list.elems.iter().map(|item| self.item(item, &mut env)).collect();
        let mut now = Val::Value(Value::Input(0));
        for (layer, at) in layers.into_iter().zip(&list.elems) {
            now = match layer {
                Val::Error => Val::Error,
                layer => self.apply(layer, vec![now], at),
            };
        }
        self.outputs(now, list.elems.last().map_or(list as &dyn ToTokens, |last| last));
    }

    /// A body `{ block }`.
    pub(super) fn body(&mut self, block: &'a Block, env: &mut Env<'a>) {
        if let ([port], true) = (&self.header.inputs[..], self.header.inputs[0].name.is_none()) {
            let message = "the input of a model with a body needs a name, such as `(x: [28, 28, 1])`";
            return self.errors.push(syn::Error::new(port.ends.first, message));
        }
        match self.block(block, env) {
            Some((result, at)) => self.outputs(result, at),
            None => {
                let message = "the body must end with its output, such as `Dense(10)(x)`, without a `;`";
                let last = block.stmts.last();
                match last {
                    Some(Stmt::Expr(_, Some(semicolon))) => self.errors.at(semicolon, message),
                    _ => self.errors.push(syn::Error::new(block.brace_token.span.close(), message)),
                }
            }
        }
        if self.errors.is_empty() {
            for binding in self.bindings.unused() {
                let (ident, kind) = (&binding.ident, binding.kind);
                let message = match kind {
                    "a layer" => format!("the layer `{ident}` is never called"),
                    "a block" => format!("the block `{ident}` is never called"),
                    _ if self.header.inputs.iter().any(|i| i.name.as_ref() == Some(ident)) => {
                        format!("the input `{ident}` is never used")
                    }
                    _ => format!("`{ident}` is never used; call it `_{ident}` if that is intended"),
                };
                self.errors.push(syn::Error::new(ident.span(), message));
            }
        }
    }

    /// Sets the model's outputs.
    fn outputs(&mut self, result: Val<'a>, at: &dyn ToTokens) {
        let declared = self.header.outputs.len();
        let at = &at.to_token_stream();
        let values = match result {
            Val::Error => return,
            Val::Node(node) if declared > 1 => {
                self.take(node, declared, at);
                Some((0..declared).map(|output| Value::Output { node, output }).collect())
            }
            Val::Tuple(items) if items.is_empty() => {
                self.errors.at(at, "the body must end with its output");
                None
            }
            result => self.values(result, at),
        };
        let Some(values) = values else { return };
        if values.len() != declared {
            let (model, found) = (&self.header.name, values.len());
            let s = if declared == 1 { "" } else { "s" };
            self.errors
                .at(at, format!("`{model}` declares {declared} output{s}, but its body yields {found}"));
        } else {
            self.graph.outputs = values;
        }
    }

    /// The statements of a block; what its last expression is, and that expression.
    pub(super) fn block(
        &mut self,
        block: &'a Block,
        env: &mut Env<'a>,
    ) -> Option<(Val<'a>, &'a dyn ToTokens)> {
        let mut result: Option<(Val<'a>, &'a dyn ToTokens)> = None;
        for (at, statement) in block.stmts.iter().enumerate() {
            let last = at + 1 == block.stmts.len();
            match statement {
                Stmt::Local(local) => self.local(local, env),
                Stmt::Expr(Expr::Assign(assign), _) => self.assign(assign, env),
                Stmt::Expr(Expr::ForLoop(turns), _) => self.for_loop(turns, env),
                Stmt::Expr(expr, None) if last => result = Some((self.expr(expr, env, None), expr)),
                Stmt::Expr(Expr::If(choice), _) => {
                    self.choice(choice, env);
                }
                Stmt::Expr(Expr::Block(inner), _) => {
                    env.open();
                    self.block(&inner.block, env);
                    env.close();
                }
                Stmt::Expr(expr @ (Expr::While(_) | Expr::Loop(_) | Expr::Match(_) | Expr::Return(_)), _) => {
                    self.unsupported(expr);
                }
                // At the end of a body, its caller says what is wrong with the `;`.
                Stmt::Expr(expr, Some(_)) if last => {
                    self.expr(expr, env, None);
                }
                Stmt::Expr(expr, _) => {
                    if !matches!(self.expr(expr, env, None), Val::Error) {
                        self.errors.at(expr, "what this yields is not used: bind it with `let`");
                    }
                }
                Stmt::Item(item) => {
                    self.errors.at(item, "items do not belong in a model's body: put them before the model");
                }
                Stmt::Macro(call) => {
                    self.errors.at(call, "macros are not supported in a model's body");
                }
            }
        }
        result
    }

    fn local(&mut self, local: &'a Local, env: &mut Env<'a>) {
        let name = self.attributes(&local.attrs);
        let Some(init) = &local.init else {
            return self.errors.at(local, "a variable of a model needs a value");
        };
        if let Some((_, otherwise)) = &init.diverge {
            return self.errors.at(otherwise, "`else` is not supported here");
        }
        let name = name.or_else(|| match &local.pat {
            Pat::Ident(pat) if is_instance(&init.expr) => {
                Some(Name { text: plain(&pat.ident), span: pat.ident.span(), explicit: false })
            }
            _ => None,
        });
        match (&local.pat, &*init.expr) {
            // Each layer of `let (a, b) = (Dense(3), Dense(4));` has its name.
            (Pat::Tuple(pats), Expr::Tuple(exprs)) if pats.elems.len() == exprs.elems.len() => {
                for (pat, expr) in pats.elems.iter().zip(&exprs.elems) {
                    let name = match pat {
                        Pat::Ident(pat) if is_instance(expr) => {
                            Some(Name { text: plain(&pat.ident), span: pat.ident.span(), explicit: false })
                        }
                        _ => None,
                    };
                    let val = self.expr(expr, env, name);
                    self.pattern(pat, val, env);
                }
            }
            (pat, expr) => {
                let val = self.expr(expr, env, name);
                self.pattern(pat, val, env);
            }
        }
    }

    /// Binds the names in a pattern.
    pub(super) fn pattern(&mut self, pat: &'a Pat, val: Val<'a>, env: &mut Env<'a>) {
        match (pat, val) {
            (Pat::Ident(pat), val) if pat.by_ref.is_none() && pat.subpat.is_none() => {
                self.bind(&pat.ident, val, env);
            }
            (Pat::Wild(_), _) => {}
            (Pat::Paren(pat), val) => self.pattern(&pat.pat, val, env),
            (Pat::Type(typed), val) => {
                if !matches!(val, Val::Const(_) | Val::Error) {
                    self.errors.at(
                        &typed.ty,
                        "a value of the graph has no type annotation: its shape is worked out",
                    );
                }
                self.pattern(&typed.pat, val, env);
            }
            (Pat::Tuple(pats), val) => {
                let count = pats.elems.len();
                let vals = match val {
                    Val::Tuple(vals) | Val::List(vals) => vals,
                    Val::Node(node) => {
                        let ok = self.take(node, count, pats);
                        let part =
                            |output| if ok { Val::Value(Value::Output { node, output }) } else { Val::Error };
                        (0..count).map(part).collect()
                    }
                    Val::Error => vec![Val::Error; count],
                    other => {
                        self.errors.at(pats, format!("{} cannot be taken apart", other.kind()));
                        vec![Val::Error; count]
                    }
                };
                if vals.len() != count {
                    self.errors.at(pats, format!("expected {} names, found {count}", vals.len()));
                }
                let vals = vals.into_iter().chain(std::iter::repeat(Val::Error));
                for (pat, val) in pats.elems.iter().zip(vals) {
                    self.pattern(pat, val, env);
                }
            }
            (pat, _) => self.errors.at(pat, "expected a name, or names in parentheses"),
        }
    }

    fn assign(&mut self, assign: &'a ExprAssign, env: &mut Env<'a>) {
        let val = self.expr(&assign.right, env, None);
        let name = match &*assign.left {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        let Some(name) = name else {
            return self.errors.at(&assign.left, "only a variable can be assigned to");
        };
        let text = name.to_string();
        let binding = self.bindings.at(name, &val);
        if let Some(variable) = env.get_mut(&text) {
            variable.val = val;
            variable.binding = binding;
        } else if env.get(&text).is_some() {
            self.errors.at(name, format!("`{text}` is outside this block: return the new value instead"));
        } else {
            // What the user meant to change is unknown from here on.
            let known = similar(&text, env.names()).map(str::to_string);
            let message = match &known {
                Some(known) => format!("cannot find `{text}` in this model; did you mean `{known}`?"),
                None => format!("cannot find `{text}` in this model: declare it with `let mut`"),
            };
            self.errors.at(name, message);
            if let Some(variable) = known.and_then(|known| env.get_mut(&known)) {
                variable.val = Val::Error;
            }
        }
    }

    fn for_loop(&mut self, turns: &'a ExprForLoop, env: &mut Env<'a>) {
        for item in self.turns(&turns.expr, env) {
            env.open();
            self.pattern(&turns.pat, item, env);
            if let Some((result, at)) = self.block(&turns.body, env)
                && !matches!(result, Val::Error | Val::Tuple(_))
            {
                self.errors.at(&at.to_token_stream(), "what a turn of the loop yields is not used");
                env.close();
                break;
            }
            env.close();
        }
    }

    /// The values that a loop's variable takes.
    fn turns(&mut self, over: &'a Expr, env: &mut Env<'a>) -> Vec<Val<'a>> {
        let Expr::Range(ExprRange { start, end, limits, .. }) = over else {
            return match self.expr(over, env, None) {
                Val::List(items) => items,
                Val::Error => Vec::new(),
                _ => {
                    self.errors
                        .at(over, "a loop is unrolled: write `for i in 0..3` or `for units in [64, 128]`");
                    Vec::new()
                }
            };
        };
        let bound = |this: &mut Self, bound: &Option<Box<Expr>>| {
            let Some(bound) = bound else {
                this.errors.at(over, "a loop is unrolled, so it needs both bounds: `for i in 0..3`");
                return None;
            };
            let value = this.constant(bound, env, "the bound of a loop is a number")?;
            let number = consts::integer(&value);
            if number.is_none() {
                let message = "a loop is unrolled when the macro runs, so its bounds are integer literals";
                this.errors.at(&**bound, message);
            }
            number
        };
        let (start, end) = (bound(self, start), bound(self, end));
        let (Some(start), Some(end)) = (start, end) else { return Vec::new() };
        let end = if matches!(limits, RangeLimits::Closed(_)) { end.saturating_add(1) } else { end };
        if end.saturating_sub(start) > MOST_TURNS {
            self.errors.at(over, format!("a loop is unrolled: at most {MOST_TURNS} turns"));
            return Vec::new();
        }
        let literal = |i: i128| {
            let mut literal = proc_macro2::Literal::i128_unsuffixed(i);
            literal.set_span(over.span());
            Val::Const(syn::parse_quote!(#literal))
        };
        (start..end).map(literal).collect()
    }

    /// `if` with a condition that is known when the macro runs.
    pub(super) fn choice(&mut self, choice: &'a ExprIf, env: &mut Env<'a>) -> Val<'a> {
        let Some(known) = self.constant(&choice.cond, env, "a condition is known before the model runs")
        else {
            return Val::Error;
        };
        let Some(holds) = consts::condition(&known) else {
            return self.error(
                &choice.cond,
                "a model's graph is fixed: `if` takes literals and loop variables alone, as in `if i == 0`",
            );
        };
        env.open();
        let result = match (&choice.else_branch, holds) {
            (_, true) => self.block(&choice.then_branch, env).map(|(val, _)| val),
            (Some((_, otherwise)), false) => Some(self.expr(otherwise, env, None)),
            (None, false) => None,
        };
        env.close();
        result.unwrap_or(Val::Tuple(Vec::new()))
    }
}

/// Whether an expression makes a layer (and does not call it).
fn is_instance(expr: &Expr) -> bool {
    match expr {
        Expr::Paren(paren) => is_instance(&paren.expr),
        Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if super::instance::is_class(&path.path)),
        Expr::Path(path) => super::instance::is_class(&path.path),
        _ => false,
    }
}

fn plain(ident: &syn::Ident) -> String {
    use syn::ext::IdentExt;
    ident.unraw().to_string()
}
