//! Calls of the functions of `keras.ops`: `mean(x, axis = 1)`, `a / b`, `x[.., ..1]`.

use proc_macro2::{Ident, Literal, TokenStream};
use quote::{ToTokens, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Expr, ExprCall, ExprIndex, ExprLit, ExprMethodCall, ExprRange, ExprUnary, Lit, RangeLimits, UnOp};

use super::env::{Env, Val};
use super::{Lower, Name, consts};
use crate::model::graph::{Layer, Value};
use crate::model::operations::{Arguments, Function, Kind, Opt};
use crate::naming::snake;
use crate::similar::similar;
use crate::spans::Ends;

/// A call under way.
#[derive(Default)]
struct Given {
    /// Tensors that it is called on.
    inputs: Vec<Value>,
    /// Arguments, as the runtime takes them.
    arguments: Vec<TokenStream>,
    /// Options by name.
    options: Vec<(&'static str, TokenStream)>,
    /// Whether something of it had a mistake, which was reported.
    failed: bool,
}

impl<'a> Lower<'a> {
    /// A function of `keras.ops`.
    pub(super) fn operation(
        &mut self,
        function: &Function,
        call: &'a ExprCall,
        env: &mut Env<'a>,
        name: Option<Name>,
    ) -> Val<'a> {
        let before = self.errors.len();
        let label = function.name;
        let mut given = Given::default();
        let (mut arguments, mut options) = (0, 0);
        for argument in &call.args {
            if let Expr::Assign(assign) = argument {
                let Some(key) = super::call::option_name(assign) else {
                    self.errors.at(&assign.left, "expected the name of an option, as in `axis = 1`");
                    continue;
                };
                match (function.option(&key.to_string()), function.arguments) {
                    (Some(option), _) => self.setting(option, &assign.right, env, &mut given, key),
                    (None, Arguments::Named(names)) if names.get(arguments).is_some_and(|n| key == n) => {
                        arguments += 1;
                        self.argument_of(&assign.right, env, &mut given);
                    }
                    (None, _) => self.unknown_option(function, key),
                }
                continue;
            }
            let takes = match function.arguments {
                Arguments::Named(names) => arguments < names.len(),
                Arguments::List => self.mentions_graph(argument, env) != Some(false),
                Arguments::Operands => options > 0,
            };
            if takes {
                arguments += 1;
                match function.arguments {
                    Arguments::Named(_) => self.argument_of(argument, env, &mut given),
                    _ => {
                        let val = self.expr(argument, env, None);
                        match self.values(val, argument) {
                            Some(values) => given.inputs.extend(values),
                            None => given.failed = true,
                        }
                    }
                }
                continue;
            }
            match function.options.get(options) {
                Some(option) => self.setting(option, argument, env, &mut given, argument),
                None => self.errors.at(argument, format!("`{label}` takes no more arguments")),
            }
            options += 1;
        }
        if given.failed || self.errors.len() > before {
            return Val::Error;
        }
        if let Arguments::Named(names) = function.arguments
            && let Some(missing) = names.get(arguments)
        {
            return self
                .error(call, format!("`{label}` needs {}: `{missing}` is missing", counted(names.len())));
        }
        let is_given = |option: &Opt| given.options.iter().any(|(name, _)| *name == option.name);
        if let Some(missing) = function.options.iter().find(|option| option.required && !is_given(option)) {
            return self.error(call, format!("`{label}` needs `{}`", missing.name));
        }
        match function.arguments {
            Arguments::Named(_) => {}
            Arguments::List => given.arguments.push(quote!(::keras::rt::Argument::Tensors)),
            Arguments::Operands => {
                given.arguments = (0..given.inputs.len()).map(tensor).collect();
            }
        }
        if given.inputs.is_empty() {
            return self.error(call, format!("`{label}` is called without a value"));
        }
        // Keras counts these among the arguments of the call.
        for option in function.options.iter().filter(|option| option.kind.is_argument()) {
            if let Some(at) = given.options.iter().position(|(name, _)| *name == option.name) {
                given.arguments.push(given.options.remove(at).1);
            }
        }
        self.made(&function.class(), format!("`{label}`"), given, Ends::of(call), name)
    }

    /// A value, number or array that a function is called on.
    fn argument_of(&mut self, argument: &'a Expr, env: &mut Env<'a>, given: &mut Given) {
        let val = self.expr(argument, env, None);
        self.operand(val, argument, given);
    }

    fn operand(&mut self, val: Val<'a>, at: &impl ToTokens, given: &mut Given) {
        if let Some(constant) = consts::as_const(&val) {
            let array = consts::arrays(constant);
            let span = Ends::of(at).first;
            given.arguments.push(match stripped(&array) {
                Expr::Array(_) => quote_spanned!(span=> ::keras::rt::Argument::array(&#array)),
                number => quote_spanned!(span=> ::keras::rt::Argument::number(#number)),
            });
            return;
        }
        match self.value(val, at) {
            Some(value) => {
                given.arguments.push(tensor(given.inputs.len()));
                given.inputs.push(value);
            }
            None => given.failed = true,
        }
    }

    fn unknown_option(&mut self, function: &Function, key: &Ident) {
        let names = function.options.iter().map(|option| option.name);
        let label = function.name;
        let message = match similar(&key.to_string(), names.clone()) {
            Some(known) => format!("`{label}` has no option `{key}`; did you mean `{known}`?"),
            None if function.options.is_empty() => format!("`{label}` has no option `{key}`"),
            None => {
                let names: Vec<&str> = names.collect();
                format!("`{label}` has no option `{key}`; it has `{}`", names.join("`, `"))
            }
        };
        self.errors.at(key, message);
    }

    /// An option's value.
    fn setting(
        &mut self,
        option: &'static Opt,
        value: &Expr,
        env: &Env<'a>,
        given: &mut Given,
        at: &impl ToTokens,
    ) {
        let name = option.name;
        if given.options.iter().any(|(given, _)| *given == name) {
            return self.errors.at(at, format!("the option `{name}` is given twice"));
        }
        let message = format!("the option `{name}` is a constant");
        let Some(value) = self.constant(value, env, &message) else {
            given.failed = true;
            return;
        };
        let value = consts::arrays(value);
        // What is not given has Keras' default.
        if matches!(&value, Expr::Path(path) if path.path.is_ident("None")) {
            return;
        }
        let span = Ends::of(&value).first;
        let setting = match option.kind {
            Kind::Axes => quote_spanned!(span=> ::keras::rt::Setting::axes(#value)),
            Kind::Parts if !matches!(stripped(&value), Expr::Array(_)) => {
                quote_spanned!(span=> ::keras::rt::Setting::Int(#value))
            }
            Kind::Ints | Kind::Parts => quote_spanned!(span=> ::keras::rt::Setting::ints(#value)),
            Kind::Int => quote_spanned!(span=> ::keras::rt::Setting::Int(#value)),
            Kind::Float => {
                let value = float(&value);
                quote_spanned!(span=> ::keras::rt::Setting::Float(#value))
            }
            Kind::Flag => quote_spanned!(span=> ::keras::rt::Setting::Flag(#value)),
            Kind::Pairs => quote_spanned!(span=> ::keras::rt::Setting::pairs(#value)),
            Kind::Text => quote_spanned!(span=> ::keras::rt::Setting::text(#value)),
            Kind::Number => quote_spanned!(span=> ::keras::rt::Argument::number(#value)),
            Kind::Places => quote_spanned!(span=> ::keras::rt::Argument::places(#value)),
            Kind::DType => {
                let Some(dtype) = dtype(&value) else {
                    let message = "expected an element type: `f32`, `i32`, `i64`, `u8` or `bool`";
                    return self.errors.at(&value, message);
                };
                quote_spanned!(span=> ::keras::rt::Setting::text(#dtype))
            }
        };
        given.options.push((name, setting));
    }

    /// The operation of an operator.
    pub(super) fn operator(
        &mut self,
        class: &str,
        symbol: &str,
        operands: Vec<(Val<'a>, &'a Expr)>,
        ends: Ends,
        name: Option<Name>,
    ) -> Val<'a> {
        let before = self.errors.len();
        let mut given = Given::default();
        for (val, at) in operands {
            if matches!(val, Val::Error) {
                return Val::Error;
            }
            self.operand(val, at, &mut given);
        }
        if given.failed || self.errors.len() > before {
            return Val::Error;
        }
        self.made(class, format!("`{symbol}`"), given, ends, name)
    }

    /// `x[.., 1..3]`, with Python's rules: negative places count from the end.
    pub(super) fn index(&mut self, index: &'a ExprIndex, env: &mut Env<'a>, name: Option<Name>) -> Val<'a> {
        let val = self.expr(&index.expr, env, None);
        // An item of a list or tuple, or of a constant.
        if consts::as_const(&val).is_some() {
            return self.constant_or(&Expr::Index(index.clone()), env);
        }
        if let Val::List(items) | Val::Tuple(items) = val {
            let place = self.constant(&index.index, env, "the place of an item is a constant");
            let place = place.and_then(|place| consts::integer(&place));
            let item = place.and_then(|at| items.into_iter().nth(usize::try_from(at).ok()?));
            return item.unwrap_or_else(|| self.error(&index.index, "there is no such item"));
        }
        let Some(value) = self.value(val, &index.expr) else { return Val::Error };
        let parts: Vec<&Expr> = match &*index.index {
            Expr::Tuple(parts) => parts.elems.iter().collect(),
            one => vec![one],
        };
        let parts: Vec<Option<TokenStream>> = parts.into_iter().map(|part| self.part(part, env)).collect();
        let Some(parts) = parts.into_iter().collect::<Option<Vec<_>>>() else { return Val::Error };
        let given = Given {
            inputs: vec![value],
            arguments: vec![tensor(0), quote!(::keras::rt::Argument::key(&[#(#parts),*]))],
            ..Given::default()
        };
        self.made("GetItem", "the slice".into(), given, Ends::of(index), name)
    }

    /// One part of an index; `None` after a mistake.
    fn part(&mut self, part: &Expr, env: &Env<'a>) -> Option<TokenStream> {
        match part {
            Expr::Paren(paren) => self.part(&paren.expr, env),
            Expr::Range(range) => self.range(range, quote!(1), env),
            Expr::MethodCall(ExprMethodCall { receiver, method, args, .. })
                if method == "step_by" && args.len() == 1 =>
            {
                let Expr::Range(range) = stripped(receiver) else {
                    self.errors.at(receiver, "expected a range, as in `(..).step_by(2)`");
                    return None;
                };
                let step = self.place(&args[0], env)?;
                self.range(range, step, env)
            }
            Expr::Path(path) if path.path.is_ident("None") => Some(quote!(::keras::rt::Index::New)),
            Expr::Path(path) if path.path.is_ident("Ellipsis") => Some(quote!(::keras::rt::Index::Rest)),
            place => {
                let at = self.place(place, env)?;
                Some(quote!(::keras::rt::Index::At(#at)))
            }
        }
    }

    fn range(&mut self, range: &ExprRange, step: TokenStream, env: &Env<'a>) -> Option<TokenStream> {
        if let RangeLimits::Closed(limits) = &range.limits {
            self.errors.at(limits, "a slice ends before its last place, as in `x[.., 1..3]`");
            return None;
        }
        let mut bound = |bound: &Option<Box<Expr>>| match bound {
            Some(bound) => {
                let at = self.place(bound, env)?;
                Some(quote!(::core::option::Option::Some(#at)))
            }
            None => Some(quote!(::core::option::Option::None)),
        };
        let (start, stop) = (bound(&range.start), bound(&range.end));
        let (start, stop) = (start?, stop?);
        Some(quote!(::keras::rt::Index::Range { start: #start, stop: #stop, step: #step }))
    }

    /// A place along an axis.
    fn place(&mut self, place: &Expr, env: &Env<'a>) -> Option<TokenStream> {
        let place = self.constant(place, env, "a place along an axis is a constant")?;
        Some(quote_spanned!(place.span()=> (#place) as isize))
    }

    /// Adds the operation and its call.
    fn made(&mut self, class: &str, label: String, given: Given, ends: Ends, name: Option<Name>) -> Val<'a> {
        let Given { inputs, arguments, options, .. } = given;
        let count = Literal::usize_unsuffixed(inputs.len());
        let options = options.iter().map(|(name, value)| quote!((#name, #value)));
        let ident = Ident::new("Operation", ends.first);
        self.graph.layers.push(Layer {
            class: syn::parse_quote!(::keras::rt::#ident),
            label,
            stem: snake(class),
            name: name.filter(|name| name.explicit),
            by_name: false,
            inner: None,
            backward: None,
            arguments: quote!(#class, #count, &[#(#arguments),*], &[#(#options),*]),
            paren: ends.last,
            options: TokenStream::new(),
            trainable: None,
            activity_regularizer: None,
            ends,
        });
        let layer = self.graph.layers.len() - 1;
        self.node(layer, inputs, TokenStream::new(), ends)
    }
}

fn tensor(at: usize) -> TokenStream {
    let at = Literal::usize_unsuffixed(at);
    quote!(::keras::rt::Argument::Tensor(#at))
}

fn counted(values: usize) -> String {
    if values == 1 { "a value".into() } else { format!("{values} values") }
}

/// Without parentheses around it.
fn stripped(expr: &Expr) -> &Expr {
    match expr {
        Expr::Paren(paren) => stripped(&paren.expr),
        Expr::Group(group) => stripped(&group.expr),
        expr => expr,
    }
}

/// A number as a float: `2` is `2.0`.
fn float(number: &Expr) -> TokenStream {
    match number {
        Expr::Lit(ExprLit { lit: Lit::Float(_), .. }) => number.to_token_stream(),
        Expr::Unary(ExprUnary { op: UnOp::Neg(_), expr, .. })
            if matches!(&**expr, Expr::Lit(ExprLit { lit: Lit::Float(_), .. })) =>
        {
            number.to_token_stream()
        }
        other => quote_spanned!(other.span()=> (#other) as f64),
    }
}

/// The name that Keras gives an element type: `i32` and `"int32"` are `int32`.
fn dtype(value: &Expr) -> Option<&'static str> {
    const NAMES: &[(&str, &str)] =
        &[("f32", "float32"), ("i32", "int32"), ("i64", "int64"), ("u8", "uint8"), ("bool", "bool")];
    let text = match stripped(value) {
        Expr::Lit(ExprLit { lit: Lit::Str(text), .. }) => text.value(),
        Expr::Path(path) => path.path.get_ident()?.to_string(),
        _ => return None,
    };
    NAMES.iter().find(|(short, name)| text == *short || text == *name).map(|(_, name)| *name)
}
