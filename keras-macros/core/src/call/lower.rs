//! From the body of `call` to a graph, on one way through its `if`s.

use std::collections::HashMap;

use proc_macro2::{Ident, Span, TokenStream};
use quote::{ToTokens, format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::visit_mut::{self, VisitMut};
use syn::{BinOp, Block, Error, Expr, Lit, Local, Member, Pat, RangeLimits, Stmt, UnOp};

use super::functions::{Builder, FLAT, Function, INPUTS, LINEAR, OUTPUT, find, similar};
use super::graph::{Decision, Graph, Kind, OpInfo};

/// What an expression is.
#[derive(Clone)]
enum Value {
    Tensor(usize),
    Number(Number),
    /// `[a, b]`, `(a, b)`.
    Several(Vec<Value>),
    /// Reported already.
    Wrong,
}

/// A number, or a field that is one unless it is a weight.
#[derive(Clone)]
enum Number {
    Tokens(TokenStream),
    Field(Ident),
    Neg(Box<Number>),
    Pair(&'static str, BinOp, Box<Number>, Box<Number>),
}

impl Number {
    fn tokens(&self) -> TokenStream {
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
    fn has_field(&self) -> bool {
        match self {
            Number::Tokens(_) => false,
            Number::Field(_) => true,
            Number::Neg(x) => x.has_field(),
            Number::Pair(_, _, a, b) => a.has_field() || b.has_field(),
        }
    }
}

/// Reads one body.
pub(super) struct Lower {
    pub graph: Graph,
    pub errors: Vec<Error>,
    scopes: Vec<HashMap<String, Value>>,
    fields: HashMap<String, usize>,
    /// Which way to go at each `if`; those beyond the end are taken.
    ways: Vec<bool>,
}

type Found<T> = Option<T>;

impl Lower {
    /// Reads `body`, whose arguments are `inputs`, going these ways.
    pub(super) fn run(inputs: &[Ident], body: &Block, outputs: usize, ways: &[bool]) -> Lower {
        let mut lower = Lower {
            graph: Graph::default(),
            errors: Vec::new(),
            scopes: vec![HashMap::new()],
            fields: HashMap::new(),
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
            let message = format!("`call` says that it returns {outputs} tensors, this is {}", values.len());
            return self.error(span, &message);
        }
        for value in values {
            let Some(node) = self.tensor(value, span) else { return };
            let computed =
                self.graph.is_elementwise(node) || matches!(self.graph.nodes[node].kind, Kind::Op(..));
            // What is no computation of its own, or is returned already, is copied.
            let output = if computed && !self.graph.outputs.contains(&node) {
                node
            } else {
                self.graph.push(Kind::Copy, vec![node], "call", span)
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
                        None => self.wrong(end, "`call` returns a tensor"),
                    };
                }
                Stmt::Expr(value, None) if last => return self.expr(value),
                Stmt::Expr(Expr::Assign(assign), _) => self.assign(assign),
                Stmt::Expr(Expr::If(branch), _) => {
                    self.branch(branch);
                }
                Stmt::Expr(value @ (Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_)), _) => {
                    self.wrong(
                        value,
                        "`call` has no loops: the gradient is straight-line code; write the steps out",
                    );
                    return Value::Wrong;
                }
                Stmt::Expr(value, Some(_)) if last => {
                    // Most likely a `;` too many.
                    if matches!(self.expr(value), Value::Wrong) {
                        return Value::Wrong;
                    }
                    return self.wrong(statement, "`call` must end with a tensor: remove this `;`");
                }
                other => {
                    return self.wrong(
                        other,
                        "the gradient of this is not known: `call` is written with `let`, `if` on options, operators and \
                         the functions of `keras::ops`",
                    );
                }
            }
        }
        Value::Several(Vec::new())
    }

    fn local(&mut self, local: &Local) {
        let Some(init) = &local.init else {
            self.wrong(local, "a `let` in `call` needs its value");
            return;
        };
        if let Some((_, other)) = &init.diverge {
            self.wrong(other, "`let .. else` has no meaning in `call`");
            return;
        }
        // `let [a, b] = split(x, -1);`: the pattern says how many parts.
        let mut pattern = &local.pat;
        if let Pat::Type(typed) = pattern {
            pattern = &typed.pat;
        }
        let value = match (pattern, &*init.expr) {
            (Pat::Slice(parts), Expr::Call(call)) if name_of(&call.func).is_some_and(|n| n == "split") => {
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
                self.wrong(other, "a `let` in `call` binds names, tuples of names or arrays of names");
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
            self.wrong(&assign.left, "only variables of `call` can be assigned");
            return;
        };
        let Some(name) = path.path.get_ident().map(ToString::to_string) else { return };
        match self.scopes.iter_mut().rev().find(|scope| scope.contains_key(&name)) {
            Some(scope) => {
                scope.insert(name, value);
            }
            None => {
                self.wrong(path, &format!("there is no variable `{name}` in `call`"));
            }
        }
    }

    fn branch(&mut self, branch: &syn::ExprIf) -> Value {
        if let Expr::Let(condition) = &*branch.cond {
            return self.wrong(condition, "`if let` is not understood in `call`: use `if` with a condition");
        }
        let errors = self.errors.len();
        let Some(condition) = self.number_tokens(
            &branch.cond,
            "the condition of `if` depends on the layer's options, not on tensors: use `where_(condition, a, b)`",
        ) else {
            debug_assert!(self.errors.len() > errors);
            return Value::Wrong;
        };
        let taken = *self.ways.get(self.graph.decisions.len()).unwrap_or(&true);
        let at = self.graph.nodes.len();
        self.graph.decisions.push(Decision { condition, taken, at, span: branch.if_token.span });
        match (&branch.else_branch, taken) {
            (_, true) => self.block(&branch.then_branch),
            (Some((_, other)), false) => self.expr(other),
            (None, false) => Value::Several(Vec::new()),
        }
    }

    fn expr(&mut self, expr: &Expr) -> Value {
        match expr {
            Expr::Paren(inner) => self.expr(&inner.expr),
            Expr::Group(inner) => self.expr(&inner.expr),
            Expr::Block(block) if block.label.is_none() => self.block(&block.block),
            Expr::Lit(literal) => Value::Number(Number::Tokens(literal.to_token_stream())),
            Expr::Path(path) => match path.path.get_ident().and_then(|name| self.lookup(name)) {
                Some(value) => value.clone(),
                None => Value::Number(Number::Tokens(path.to_token_stream())),
            },
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
                "`call` cannot call other methods: the gradient of their body is not known here; use a block or a layer of its own",
            ),
            Expr::MethodCall(call) if matches!(self.plain(&call.receiver), Some(Value::Tensor(_))) && call.method != "dim" => {
                let name = call.method.to_string();
                let hint = match find(&name) {
                    Some(_) => format!("write `{name}(..)`: operations are functions"),
                    None => "its only method is `dim(axis)`; operations are functions, such as `exp(x)`".into(),
                };
                self.wrong(&call.method, &format!("a tensor has no method `{name}`: {hint}"))
            }
            Expr::ForLoop(_) | Expr::While(_) | Expr::Loop(_) => self.wrong(
                expr,
                "`call` has no loops: the gradient is straight-line code; write the steps out",
            ),
            Expr::Match(_) => self.wrong(expr, "`match` is not understood in `call`: use `if` on options"),
            Expr::Closure(_) => self.wrong(expr, "closures are not understood in `call`: use a block"),
            Expr::Macro(_) => self.wrong(expr, "macros are not understood in `call`"),
            Expr::Return(_) => self.wrong(expr, "`call` returns at its end alone"),
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
    fn plain(&self, expr: &Expr) -> Option<Value> {
        match expr {
            Expr::Paren(inner) => self.plain(&inner.expr),
            Expr::Path(path) => path.path.get_ident().and_then(|name| self.lookup(name)).cloned(),
            _ => None,
        }
    }

    /// An expression that Rust computes.
    fn number(&mut self, expr: &Expr) -> Value {
        match self.number_tokens(expr, "a tensor cannot stand here: numbers and options are expected") {
            Some(tokens) => Value::Number(Number::Tokens(tokens)),
            None => Value::Wrong,
        }
    }

    /// The expression with variables of `call` put in; reports tensors in it.
    fn number_tokens(&mut self, expr: &Expr, message: &str) -> Found<TokenStream> {
        struct Put<'a> {
            lower: &'a mut Lower,
            message: &'a str,
            failed: bool,
        }
        impl VisitMut for Put<'_> {
            fn visit_expr_mut(&mut self, expr: &mut Expr) {
                if let Expr::MethodCall(call) = expr
                    && call.method == "dim"
                    && call.args.len() == 1
                    && let Some(Value::Tensor(node)) = self.lower.plain(&call.receiver)
                {
                    let slot = format_ident!("__SLOT_{node}");
                    self.lower.graph.measured.push(node);
                    self.visit_expr_mut(&mut call.args[0]);
                    let axis = &call.args[0];
                    *expr = Expr::Verbatim(quote!(__trace.dim(#slot, #axis)));
                    return;
                }
                if let Expr::Path(path) = expr {
                    let value = path.path.get_ident().and_then(|name| self.lower.lookup(name)).cloned();
                    match value {
                        Some(Value::Number(number)) => *expr = Expr::Verbatim(number.tokens()),
                        Some(Value::Wrong) => self.failed = true,
                        Some(_) => {
                            self.failed = true;
                            self.lower.wrong(path, self.message);
                        }
                        None => {}
                    }
                    return;
                }
                visit_mut::visit_expr_mut(self, expr);
            }
        }
        let mut expr = expr.clone();
        let mut put = Put { lower: self, message, failed: false };
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

    /// A node for a tensor or a number.
    fn operand(&mut self, value: Value, span: Span) -> Found<usize> {
        match value {
            Value::Tensor(node) => {
                if let Kind::Op(_, info) = &self.graph.nodes[node].kind
                    && !info.differentiable
                {
                    let what = self.graph.nodes[node].what.clone();
                    self.error(
                            span,
                            &format!("`{what}` is an integer, to which no gradient flows: say so with `cast({what}(..), DType::F32)`"),
                        );
                    return None;
                }
                Some(node)
            }
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
    fn tensor(&mut self, value: Value, span: Span) -> Found<usize> {
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

    fn split(&mut self, call: &syn::ExprCall, count: usize) -> Value {
        if call.args.len() != 2 {
            return self.arity(call, "split", "x, axis");
        }
        let value = self.expr(&call.args[0]);
        let Some(x) = self.tensor(value, call.args[0].span()) else { return Value::Wrong };
        let Some(axis) = self.int(&call.args[1]) else { return Value::Wrong };
        let parts = (0..count).map(|n| {
            let op = quote!(::keras::rt::Slice::nth(#axis, #n, #count));
            Value::Tensor(self.graph.push(Kind::Op(op, &LINEAR), vec![x], "split", call.func.span()))
        });
        Value::Several(parts.collect())
    }

    fn arity(&mut self, call: &syn::ExprCall, name: &str, takes: &str) -> Value {
        let found = call.args.len();
        self.wrong(
            call,
            &format!("`{name}` takes ({takes}), found {found} argument{}", if found == 1 { "" } else { "s" }),
        )
    }

    /// An argument that is a number: an axis.
    fn int(&mut self, expr: &Expr) -> Found<TokenStream> {
        self.number_tokens(expr, "expected a number, found a tensor")
    }

    /// An argument that is a number or an array of them: `::keras::rt::Ints`.
    fn ints(&mut self, expr: &Expr) -> Found<TokenStream> {
        match expr {
            Expr::Array(array) => {
                let items: Vec<TokenStream> =
                    array.elems.iter().map(|e| self.int(e)).collect::<Found<_>>()?;
                Some(quote!(::keras::rt::Ints::of([#(#items),*])))
            }
            one => {
                let one = self.int(one)?;
                Some(quote!(::keras::rt::Ints::of([#one])))
            }
        }
    }

    fn call(&mut self, call: &syn::ExprCall) -> Value {
        let Some(name) = name_of(&call.func) else {
            return self.number(&Expr::Call(call.clone()));
        };
        let text = name.to_string();
        let Some(function) = find(&text) else {
            // A function of numbers, unless it is given a tensor.
            if call.args.iter().any(|a| matches!(self.plain(a), Some(Value::Tensor(_)))) {
                let hint = similar(&text).map_or(String::new(), |best| format!("; did you mean `{best}`?"));
                return self.wrong(name, &format!("`{text}` is not a function of `keras::ops`{hint}"));
            }
            return self.number(&Expr::Call(call.clone()));
        };
        let span = name.span();
        let takes = match &function {
            Function::Unary(_) | Function::Composed => "x",
            Function::Binary(_) => "a, b",
            Function::Reduction(..) => "x, axes, keepdims",
            Function::Special => special_arguments(&text),
        };
        if call.args.len() != takes.split(',').count() {
            return self.arity(call, &text, takes);
        }
        match self.function(call, function, &text, span) {
            Some(node) => Value::Tensor(node),
            None => Value::Wrong,
        }
    }

    fn function(&mut self, call: &syn::ExprCall, function: Function, text: &str, span: Span) -> Found<usize> {
        let args = &call.args;
        let is_comparison = matches!(function, Function::Binary(f) if super::graph::is_flat(f));
        let values = |lower: &mut Lower, range: std::ops::Range<usize>| -> Found<Vec<usize>> {
            let values: Vec<(Value, Span)> =
                args.iter().take(range.end).skip(range.start).map(|a| (lower.expr(a), a.span())).collect();
            values
                .into_iter()
                .map(|(v, s)| match v {
                    Value::Tensor(node) if is_comparison => Some(node),
                    v => lower.operand(v, s),
                })
                .collect()
        };
        match function {
            Function::Unary(f) => {
                let x = self.argument(&args[0])?;
                Some(self.graph.push(Kind::Unary(f), vec![x], text, span))
            }
            Function::Composed => {
                let x = self.argument(&args[0])?;
                Some(Builder { graph: &mut self.graph, what: text, span }.composed(x))
            }
            Function::Binary(f) => {
                let inputs = values(self, 0..2)?;
                Some(self.graph.push(Kind::Binary(f), inputs, text, span))
            }
            Function::Reduction(f, info) => {
                let (x, axes) = (self.argument(&args[0])?, self.ints(&args[1])?);
                let keepdims = self.int(&args[2])?;
                let f = Ident::new(f, Span::call_site());
                let op = quote!(::keras::rt::Reduction { kind: ::keras::rt::Reduce::#f, axes: #axes, keepdims: #keepdims });
                Some(self.graph.push(Kind::Op(op, info), vec![x], text, span))
            }
            Function::Special => self.special(call, text, span),
        }
    }

    /// A tensor argument in which an integer is not welcome.
    fn argument(&mut self, expr: &Expr) -> Found<usize> {
        let value = self.expr(expr);
        match value {
            Value::Tensor(_) => self.operand(value, expr.span()),
            other => self.tensor(other, expr.span()),
        }
    }

    fn special(&mut self, call: &syn::ExprCall, text: &str, span: Span) -> Found<usize> {
        let args = &call.args;
        let op = |lower: &mut Lower, tokens, info: &'static OpInfo, inputs| {
            Some(lower.graph.push(Kind::Op(tokens, info), inputs, text, span))
        };
        match text {
            "where_" | "clip" => {
                let mut inputs = Vec::new();
                for arg in args {
                    let value = self.expr(arg);
                    inputs.push(self.operand(value, arg.span())?);
                }
                let mut build = Builder { graph: &mut self.graph, what: text, span };
                if text == "where_" {
                    return Some(build.select(inputs[0], inputs[1], inputs[2]));
                }
                let above = build.binary("Max", inputs[0], inputs[1]);
                Some(build.binary("Min", above, inputs[2]))
            }
            "matmul" => {
                let inputs = vec![self.argument(&args[0])?, self.argument(&args[1])?];
                op(self, quote_spanned!(span=> ::keras::rt::Matmul), &INPUTS, inputs)
            }
            "softmax" | "log_softmax" => {
                let (x, axis, log) = (self.argument(&args[0])?, self.int(&args[1])?, text == "log_softmax");
                op(self, quote!(::keras::rt::Softmax { axis: #axis, log: #log }), &OUTPUT, vec![x])
            }
            "argmax" | "argmin" => {
                let (x, axis) = (self.argument(&args[0])?, self.int(&args[1])?);
                let kind = Ident::new(if text == "argmax" { "ArgMax" } else { "ArgMin" }, Span::call_site());
                op(
                    self,
                    quote!(::keras::rt::ArgReduce { kind: ::keras::rt::Reduce::#kind, axis: #axis }),
                    &FLAT,
                    vec![x],
                )
            }
            "reshape" | "expand_dims" | "squeeze" => {
                let value = self.expr(&args[0]);
                let x = self.tensor(value, args[0].span())?;
                let alias = match text {
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
                Some(self.graph.push(Kind::Alias(alias), vec![x], text, span))
            }
            "transpose" => {
                let (x, axes) = (self.argument(&args[0])?, self.ints(&args[1])?);
                op(self, quote!(::keras::rt::Transpose { axes: #axes }), &LINEAR, vec![x])
            }
            "concatenate" | "stack" => {
                let Value::Several(values) = self.expr(&args[0]) else {
                    self.wrong(&args[0], &format!("`{text}` takes an array of tensors: `[a, b]`"));
                    return None;
                };
                let axis = self.int(&args[1])?;
                let mut inputs = Vec::new();
                for value in values {
                    let x = self.tensor(value, args[0].span())?;
                    inputs.push(if text == "stack" {
                        let alias = quote!(::keras::rt::ExpandDims { axis: #axis });
                        self.graph.push(Kind::Alias(alias), vec![x], text, span)
                    } else {
                        x
                    });
                }
                if inputs.is_empty() {
                    self.wrong(&args[0], &format!("`{text}` needs at least one tensor"));
                    return None;
                }
                op(self, quote!(::keras::rt::Concat { axis: #axis }), &LINEAR, inputs)
            }
            "split" => {
                self.wrong(call, "name the parts: `let [a, b] = split(x, axis);`");
                None
            }
            "slice" => {
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
                op(self, quote!(::keras::rt::Slice::range(#axis, #start, #end)), &LINEAR, vec![x])
            }
            "take" => {
                let table = self.argument(&args[0])?;
                let value = self.expr(&args[1]);
                let ids = self.tensor(value, args[1].span())?;
                // The gradient reads the numbers of the rows; no gradient flows to them.
                let ids = self.graph.push(Kind::Stop, vec![ids], text, span);
                op(self, quote!(::keras::rt::Take), &INPUTS, vec![table, ids])
            }
            "cast" => {
                let value = self.expr(&args[0]);
                let x = self.tensor(value, args[0].span())?;
                match args[1].to_token_stream().to_string().rsplit("::").next().map(str::trim) {
                    // Elementwise functions read any type as floats.
                    Some("F32") => Some(self.graph.push(Kind::Copy, vec![x], text, span)),
                    Some("I32") => op(self, quote!(::keras::rt::Cast), &FLAT, vec![x]),
                    _ => {
                        self.wrong(&args[1], "`call` computes with `DType::F32` and `DType::I32`");
                        None
                    }
                }
            }
            "stop_gradient" => {
                let value = self.expr(&args[0]);
                let x = self.tensor(value, args[0].span())?;
                Some(self.graph.push(Kind::Stop, vec![x], text, span))
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
        "reshape" => "x, shape",
        "transpose" => "x, axes",
        "concatenate" | "stack" => "tensors, axis",
        "slice" => "x, axis, range",
        "take" => "table, ids",
        "cast" => "x, dtype",
        "stop_gradient" => "x",
        _ => "x, axis",
    }
}

fn is_self(expr: &Expr) -> bool {
    matches!(expr, Expr::Path(path) if path.path.is_ident("self"))
}

fn name_of(function: &Expr) -> Option<&Ident> {
    match function {
        // `keras::ops::exp` and `ops::exp` mean `exp`.
        Expr::Path(path) => match path.path.segments.len() {
            1 => path.path.get_ident(),
            n if path.path.segments[n - 2].ident == "ops" => Some(&path.path.segments[n - 1].ident),
            _ => None,
        },
        _ => None,
    }
}
