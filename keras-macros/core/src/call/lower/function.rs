//! Calls of the functions of `keras::ops`.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, Lit, RangeLimits};

use super::value::Value;
use super::{Found, Lower};
use crate::call::composed::Builder;
use crate::call::functions::{self, EINSUM, FLAT, Function, INPUTS, LINEAR, OUTPUT, find};
use crate::call::graph::{Along, Kind, OpInfo, is_discrete};

/// A call of a known function: its name as text and where it stands.
struct Site<'a> {
    call: &'a ExprCall,
    name: &'a str,
    span: Span,
}

impl Lower<'_> {
    pub(super) fn call(&mut self, call: &ExprCall) -> Value {
        let Some(name) = name_of(&call.func) else {
            return self.number(&Expr::Call(call.clone()));
        };
        let text = name.to_string();
        let Some(function) = find(&text) else {
            // A function of numbers, unless it is given a tensor.
            if call.args.iter().any(|a| matches!(self.plain(a), Some(Value::Tensor(_)))) {
                let hint = functions::similar(&text);
                let hint = hint.map_or(String::new(), |best| format!("; did you mean `{best}`?"));
                return self.wrong(name, &format!("`{text}` is not a function of `keras::ops`{hint}"));
            }
            return self.number(&Expr::Call(call.clone()));
        };
        let takes = match &function {
            Function::Unary(_) | Function::Composed => "x",
            Function::Binary(_) => "a, b",
            Function::Reduction(..) => "x, axes",
            Function::Special => special_arguments(&text),
        };
        if call.args.len() != takes.split(',').count() {
            return self.arity(call, &text, takes, matches!(function, Function::Reduction(..)));
        }
        let site = Site { call, name: &text, span: name.span() };
        match self.function(&site, function) {
            Some(node) => Value::Tensor(node),
            None => Value::Wrong,
        }
    }

    /// `let [a, b] = split(x, axis)`, whose pattern says how many parts there are.
    pub(super) fn split(&mut self, call: &ExprCall, count: usize) -> Value {
        if call.args.len() != 2 {
            return self.arity(call, "split", "x, axis", false);
        }
        let (x, axis) = (self.argument(&call.args[0]), self.int(&call.args[1]));
        let (Some(x), Some(axis)) = (x, axis) else { return Value::Wrong };
        let parts = (0..count).map(|n| {
            let op = quote!(::keras::rt::Slice::nth(#axis, #n, #count));
            Value::Tensor(self.graph.push(Kind::Op(op, &LINEAR), vec![x], "split", call.func.span()))
        });
        Value::Several(parts.collect())
    }

    fn arity(&mut self, call: &ExprCall, name: &str, takes: &str, reduction: bool) -> Value {
        let found = call.args.len();
        let s = if found == 1 { "" } else { "s" };
        let hint = match (reduction, found) {
            (true, 1) => format!("; `{name}(x, [])` reduces all axes"),
            (true, 3) => format!("; `{name}(x, keepdims(axes))` keeps the axes"),
            _ => String::new(),
        };
        self.wrong(call, &format!("`{name}` takes ({takes}), found {found} argument{s}{hint}"))
    }

    /// A tensor argument.
    fn argument(&mut self, expr: &Expr) -> Found<usize> {
        let value = self.expr(expr);
        self.tensor(value, expr.span())
    }

    /// An argument that is a tensor or a number.
    fn either(&mut self, expr: &Expr) -> Found<usize> {
        let value = self.expr(expr);
        self.operand(value, expr.span())
    }

    /// An argument that is a number: an axis.
    fn int(&mut self, expr: &Expr) -> Found<TokenStream> {
        self.number_tokens(expr, "expected a number, found a tensor")
    }

    /// An argument that is a number or an array of them.
    fn list(&mut self, expr: &Expr) -> Found<Vec<TokenStream>> {
        match expr {
            Expr::Array(array) => array.elems.iter().map(|e| self.int(e)).collect(),
            one => Some(vec![self.int(one)?]),
        }
    }

    /// The same as `::keras::rt::Ints`.
    fn ints(&mut self, expr: &Expr) -> Found<TokenStream> {
        let items = self.list(expr)?;
        Some(quote!(::keras::rt::Ints::of([#(#items),*])))
    }

    /// `-1`, `[0, 1]`, `keepdims(-1)`.
    fn along(&mut self, expr: &Expr) -> Found<Along> {
        match expr {
            Expr::Call(call) if name_of(&call.func).is_some_and(|name| name == "keepdims") => {
                if call.args.len() != 1 {
                    self.arity(call, "keepdims", "axes", false);
                    return None;
                }
                Some(Along { axes: self.list(&call.args[0])?, keepdims: true })
            }
            axes => Some(Along { axes: self.list(axes)?, keepdims: false }),
        }
    }

    fn op(
        &mut self,
        site: &Site<'_>,
        tokens: TokenStream,
        info: &'static OpInfo,
        inputs: Vec<usize>,
    ) -> usize {
        self.graph.push(Kind::Op(tokens, info), inputs, site.name, site.span)
    }

    fn alias(&mut self, site: &Site<'_>, tokens: TokenStream, x: usize) -> usize {
        self.graph.push(Kind::Alias(tokens), vec![x], site.name, site.span)
    }

    fn function(&mut self, site: &Site<'_>, function: Function) -> Found<usize> {
        let args = &site.call.args;
        match function {
            Function::Unary(f) => {
                let x = self.argument(&args[0])?;
                Some(self.graph.push(Kind::Unary(f), vec![x], site.name, site.span))
            }
            Function::Composed => {
                let x = self.argument(&args[0])?;
                Some(Builder { graph: &mut self.graph, what: site.name, span: site.span }.composed(x))
            }
            Function::Binary(f) => {
                let (a, b) = (self.either(&args[0]), self.either(&args[1]));
                Some(self.graph.push(Kind::Binary(f), vec![a?, b?], site.name, site.span))
            }
            Function::Reduction(f, info) => {
                let (x, along) = (self.argument(&args[0])?, self.along(&args[1])?);
                let f = Ident::new(f, Span::call_site());
                let Along { axes, keepdims } = &along;
                let op = quote!(::keras::rt::Reduction {
                    kind: ::keras::rt::Reduce::#f,
                    axes: ::keras::rt::Ints::of([#(#axes),*]),
                    keepdims: #keepdims,
                });
                Some(self.op_along(site, op, info, x, along))
            }
            Function::Special => match site.name {
                "where_" | "clip" | "cast" | "stop_gradient" => self.elementwise(site),
                "reshape" | "expand_dims" | "squeeze" => self.reshaped(site),
                "softmax" | "log_softmax" | "argmax" | "argmin" => self.along_axis(site),
                "transpose" | "concatenate" | "stack" | "slice" | "split" => self.moved(site),
                _ => self.product(site),
            },
        }
    }

    fn op_along(
        &mut self,
        site: &Site<'_>,
        op: TokenStream,
        info: &'static OpInfo,
        x: usize,
        along: Along,
    ) -> usize {
        let node = self.op(site, op, info, vec![x]);
        self.graph.nodes[node].along = Some(along);
        node
    }

    fn elementwise(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        match site.name {
            "where_" | "clip" => {
                let inputs: Vec<Found<usize>> = args.iter().map(|arg| self.either(arg)).collect();
                let inputs = inputs.into_iter().collect::<Found<Vec<usize>>>()?;
                let mut build = Builder { graph: &mut self.graph, what: site.name, span: site.span };
                if site.name == "where_" {
                    return Some(build.select(inputs[0], inputs[1], inputs[2]));
                }
                let above = build.binary("Max", inputs[0], inputs[1]);
                Some(build.binary("Min", above, inputs[2]))
            }
            "cast" => {
                let x = self.argument(&args[0])?;
                match args[1].to_token_stream().to_string().rsplit("::").next().map(str::trim) {
                    // Elementwise functions read any type as floats. What was a truth value or an integer has no gradient.
                    Some("F32") => {
                        let kind = match &self.graph.nodes[x].kind {
                            Kind::Unary(f) | Kind::Binary(f) if is_discrete(f) => Kind::Stop,
                            Kind::Op(_, info) if !info.differentiable => Kind::Stop,
                            _ => Kind::Copy,
                        };
                        Some(self.graph.push(kind, vec![x], site.name, site.span))
                    }
                    Some("I32") => Some(self.op(site, quote!(::keras::rt::Cast), &FLAT, vec![x])),
                    _ => {
                        self.wrong(&args[1], "expected `DType::F32` or `DType::I32`");
                        None
                    }
                }
            }
            _ => {
                let x = self.argument(&args[0])?;
                Some(self.graph.push(Kind::Stop, vec![x], site.name, site.span))
            }
        }
    }

    fn reshaped(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        let x = self.argument(&args[0])?;
        let alias = match site.name {
            "reshape" => {
                let shape = self.ints(&args[1])?;
                quote!(::keras::rt::Reshape { shape: #shape })
            }
            "expand_dims" => {
                let axis = self.int(&args[1])?;
                quote!(::keras::rt::ExpandDims { axis: #axis })
            }
            _ => {
                let axis = self.int(&args[1])?;
                quote!(::keras::rt::Squeeze { axis: #axis })
            }
        };
        Some(self.alias(site, alias, x))
    }

    fn along_axis(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        let (x, axis) = (self.argument(&args[0])?, self.int(&args[1])?);
        let along = Along { axes: vec![axis.clone()], keepdims: false };
        let (op, info) = match site.name {
            "argmax" | "argmin" => {
                let kind = if site.name == "argmax" { "ArgMax" } else { "ArgMin" };
                let kind = Ident::new(kind, Span::call_site());
                (quote!(::keras::rt::ArgReduce { kind: ::keras::rt::Reduce::#kind, axis: #axis }), &FLAT)
            }
            name => {
                let log = name == "log_softmax";
                (quote!(::keras::rt::Softmax { axis: #axis, log: #log }), &OUTPUT)
            }
        };
        Some(self.op_along(site, op, info, x, along))
    }

    fn moved(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        match site.name {
            "transpose" => {
                let (x, axes) = (self.argument(&args[0])?, self.ints(&args[1])?);
                Some(self.op(site, quote!(::keras::rt::Transpose { axes: #axes }), &LINEAR, vec![x]))
            }
            "concatenate" | "stack" => self.joined(site),
            "split" => {
                self.wrong(site.call, "name the parts: `let [a, b] = split(x, axis);`");
                None
            }
            _ => {
                let (x, axis) = (self.argument(&args[0])?, self.int(&args[1])?);
                let Expr::Range(range) = &args[2] else {
                    self.wrong(&args[2], "expected a range such as `0..4` or `-2..`");
                    return None;
                };
                if let RangeLimits::Closed(closed) = &range.limits {
                    self.wrong(closed, "expected a range without its end, `start..end`");
                    return None;
                }
                let start = match &range.start {
                    Some(start) => self.int(start)?,
                    None => quote!(0),
                };
                let end = match &range.end {
                    Some(end) => self.int(end)?,
                    None => quote!(isize::MAX),
                };
                let op = quote!(::keras::rt::Slice::range(#axis, #start, #end));
                Some(self.op(site, op, &LINEAR, vec![x]))
            }
        }
    }

    /// `concatenate([a, b], axis)` and `stack([a, b], axis)`.
    fn joined(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        let Value::Several(values) = self.expr(&args[0]) else {
            self.wrong(&args[0], &format!("`{}` takes an array of tensors: `[a, b]`", site.name));
            return None;
        };
        let axis = self.int(&args[1])?;
        let mut inputs = Vec::new();
        for value in values {
            let x = self.tensor(value, args[0].span())?;
            inputs.push(match site.name {
                "stack" => self.alias(site, quote!(::keras::rt::ExpandDims { axis: #axis }), x),
                _ => x,
            });
        }
        if inputs.is_empty() {
            self.wrong(&args[0], &format!("`{}` needs at least one tensor", site.name));
            return None;
        }
        Some(self.op(site, quote!(::keras::rt::Concat { axis: #axis }), &LINEAR, inputs))
    }

    /// Products, and rows by their numbers.
    fn product(&mut self, site: &Site<'_>) -> Found<usize> {
        let args = &site.call.args;
        match site.name {
            "matmul" => {
                let (a, b) = (self.argument(&args[0]), self.argument(&args[1]));
                let op = quote_spanned!(site.span=> ::keras::rt::Matmul);
                Some(self.op(site, op, &INPUTS, vec![a?, b?]))
            }
            "einsum" => {
                let Expr::Lit(syn::ExprLit { lit: Lit::Str(equation), .. }) = &args[0] else {
                    self.wrong(&args[0], "expected the equation as text, such as `\"abc,cd->abd\"`");
                    return None;
                };
                let (a, b) = (self.argument(&args[1]), self.argument(&args[2]));
                // Read where it is written, so that a mistake in it does not wait for a model.
                self.graph.checks.push(quote_spanned!(equation.span()=>
                    const _: () = ::keras::rt::assert_equation(#equation);
                ));
                let op = quote!(::keras::rt::Einsum::new(#equation));
                Some(self.op(site, op, &EINSUM, vec![a?, b?]))
            }
            "one_hot" => {
                let (ids, classes) = (self.argument(&args[0])?, self.int(&args[1])?);
                let ids = self.graph.push(Kind::Stop, vec![ids], site.name, site.span);
                let op = quote!(::keras::rt::OneHot { classes: #classes });
                Some(self.op(site, op, &LINEAR, vec![ids]))
            }
            "take" => {
                let (table, ids) = (self.argument(&args[0]), self.argument(&args[1]));
                // The gradient reads the numbers of the rows; no gradient flows to them.
                let ids = self.graph.push(Kind::Stop, vec![ids?], site.name, site.span);
                Some(self.op(site, quote!(::keras::rt::Take), &INPUTS, vec![table?, ids]))
            }
            other => unreachable!("`{other}` is not in the table of special functions"),
        }
    }
}

fn special_arguments(name: &str) -> &'static str {
    match name {
        "where_" => "condition, a, b",
        "clip" => "x, min, max",
        "matmul" => "a, b",
        "einsum" => "equation, a, b",
        "reshape" => "x, shape",
        "transpose" => "x, axes",
        "concatenate" | "stack" => "tensors, axis",
        "slice" => "x, axis, range",
        "take" => "table, ids",
        "one_hot" => "ids, classes",
        "cast" => "x, dtype",
        "stop_gradient" => "x",
        _ => "x, axis",
    }
}

/// The name of a function that may be one of `keras::ops`: `exp`, `ops::exp`, `keras::ops::exp`.
pub(super) fn name_of(function: &Expr) -> Option<&Ident> {
    match function {
        Expr::Path(path) => match path.path.segments.len() {
            1 => path.path.get_ident(),
            n if path.path.segments[n - 2].ident == "ops" => Some(&path.path.segments[n - 1].ident),
            _ => None,
        },
        _ => None,
    }
}
