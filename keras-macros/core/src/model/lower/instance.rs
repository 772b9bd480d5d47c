//! Constructors: `Dense(64, activation = relu)` becomes `Dense::new(64).activation(relu)`, with the user's spans.

use std::collections::HashSet;

use proc_macro2::{Delimiter, Group, Ident, TokenStream};
use quote::{ToTokens, format_ident, quote};
use syn::punctuated::Punctuated;
use syn::visit_mut::{self, VisitMut};
use syn::{
    Expr, ExprAssign, ExprCall, ExprStruct, FieldValue, Member, Path, Token, parse_quote_spanned, token,
};

use super::consts;
use super::env::{Env, Val};
use super::{Lower, Name};
use crate::model::graph::Layer;
use crate::naming::snake;
use crate::spans::Ends;

/// Arguments in parentheses.
pub(super) type Arguments = (token::Paren, Punctuated<Expr, Token![,]>);

/// Whether a path names a layer: its last segment is in upper camel case.
pub(super) fn is_class(path: &Path) -> bool {
    let last = path.segments.last().map(|s| s.ident.to_string()).unwrap_or_default();
    last.starts_with(char::is_uppercase) && last.chars().any(char::is_lowercase)
}

/// Whether an expression that is called names a layer: `LSTM(..)` does, too.
pub(super) fn is_called_class(path: &Path) -> bool {
    path.segments.last().is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase))
}

/// Whether `Path { .. }` makes a layer. A variant of an enum is a value: `Initializer::Constant { value: 0.5 }`.
pub(super) fn is_layer(path: &Path) -> bool {
    let of_a_type = path
        .segments
        .iter()
        .rev()
        .nth(1)
        .is_some_and(|s| s.ident.to_string().starts_with(char::is_uppercase));
    is_called_class(path) && !of_a_type
}

impl<'a> Lower<'a> {
    /// `Gated { units: 64 }`: a layer whose fields are given by name.
    pub(super) fn instance_by_name(
        &mut self,
        fields: &ExprStruct,
        env: &mut Env<'a>,
        name: Option<Name>,
    ) -> Val<'a> {
        match self.layer_by_name(fields, env, name) {
            Some(layer) => {
                self.graph.layers.push(layer);
                Val::Layer(self.graph.layers.len() - 1)
            }
            None => Val::Error,
        }
    }

    fn layer_by_name(&mut self, fields: &ExprStruct, env: &mut Env<'a>, name: Option<Name>) -> Option<Layer> {
        if let Some(rest) = &fields.dot2_token {
            self.errors.at(rest, "`..` is not needed: fields that are left out have their defaults");
            return None;
        }
        let mut layer = self.layer(&fields.path, None, env, name, Ends::of(fields))?;
        layer.by_name = true;
        let mut seen = HashSet::new();
        let mut fine = true;
        for FieldValue { member, expr, .. } in &fields.fields {
            let Member::Named(field) = member else {
                self.errors.at(member, "expected the name of a field, as in `units: 64`");
                return None;
            };
            if matches!(expr, Expr::Path(path) if path.path.is_ident("None")) {
                let none = format_ident!("__none_{field}", span = field.span());
                layer.options.extend(quote!(.#none()));
                continue;
            }
            let option: ExprAssign = parse_quote_spanned!(field.span()=> #field = #expr);
            fine &= self.option(&mut layer, &option, &mut seen, env);
        }
        fine.then_some(layer)
    }

    /// A layer with its configuration.
    pub(super) fn instance(
        &mut self,
        class: &Path,
        arguments: Option<&Arguments>,
        env: &mut Env<'a>,
        name: Option<Name>,
        ends: Ends,
    ) -> Val<'a> {
        match self.layer(class, arguments, env, name, ends) {
            Some(layer) => {
                self.graph.layers.push(layer);
                Val::Layer(self.graph.layers.len() - 1)
            }
            None => Val::Error,
        }
    }

    fn layer(
        &mut self,
        class: &Path,
        arguments: Option<&Arguments>,
        env: &mut Env<'a>,
        name: Option<Name>,
        ends: Ends,
    ) -> Option<Layer> {
        let last = &class.segments.last()?.ident;
        if class.is_ident(&self.header.name) || class.is_ident("Self") {
            self.errors.at(class, format!("`{}` contains itself", self.header.name));
            return None;
        }
        let mut layer = Layer {
            class: class.clone(),
            label: format!("`{last}`"),
            stem: snake(&last.to_string()),
            name,
            by_name: false,
            inner: None,
            backward: None,
            arguments: TokenStream::new(),
            paren: arguments.map_or(ends.last, |(paren, _)| paren.span.join()),
            options: TokenStream::new(),
            trainable: None,
            activity_regularizer: None,
            ends,
        };
        let mut seen = HashSet::new();
        let mut fine = true;
        for (at, argument) in arguments.iter().flat_map(|(_, list)| list).enumerate() {
            fine &= match argument {
                Expr::Assign(option) => self.option(&mut layer, option, &mut seen, env),
                positional if !seen.is_empty() => {
                    self.errors.at(positional, "positional arguments come before `name = value` options");
                    false
                }
                positional if at == 0 && self.is_layer(positional, env) => {
                    match self.wrapped(positional, env) {
                        Some(inner) => {
                            layer.inner = Some(inner);
                            true
                        }
                        None => false,
                    }
                }
                positional => match self.argument(positional, env, last) {
                    Some(value) => {
                        layer.arguments.extend(quote!(#value,));
                        true
                    }
                    None => false,
                },
            };
        }
        fine.then_some(layer)
    }

    /// An argument of a constructor, which is constant.
    fn argument(&mut self, argument: &Expr, env: &Env<'a>, class: &Ident) -> Option<Expr> {
        let message =
            format!("a layer is made first and called then, `{class}(..)(x)`: its arguments are constants");
        Some(constructors(consts::arrays(self.constant(argument, env, &message)?)))
    }

    /// `name = value`.
    fn option(
        &mut self,
        layer: &mut Layer,
        option: &ExprAssign,
        seen: &mut HashSet<String>,
        env: &mut Env<'a>,
    ) -> bool {
        let name = match &*option.left {
            Expr::Path(path) => path.path.get_ident(),
            _ => None,
        };
        let Some(name) = name else {
            self.errors.at(&option.left, "expected the name of an option, as in `activation = relu`");
            return false;
        };
        if !seen.insert(name.to_string()) {
            self.errors.at(name, format!("the option `{name}` is given twice"));
            return false;
        }
        if name == "name" {
            let given = self.name_of(&option.right);
            let fine = given.is_some();
            layer.name = given.or(layer.name.take());
            return fine;
        }
        if name == "dtype" {
            let message =
                "`dtype` belongs to the model, not to one layer: make the model in another float type";
            self.errors.at(option, message);
            return false;
        }
        if name == "backward_layer" && layer.inner.is_some() {
            if !self.is_layer(&option.right, env) {
                let message = "expected a layer, as in `backward_layer = LSTM(64, go_backwards = true)`";
                self.errors.at(&option.right, message);
                return false;
            }
            layer.backward = self.wrapped(&option.right, env);
            return layer.backward.is_some();
        }
        let Some(value) = self.argument(&option.right, env, name) else { return false };
        match &name.to_string()[..] {
            "trainable" => layer.trainable = Some(value),
            "activity_regularizer" => layer.activity_regularizer = Some(value),
            _ => layer.options.extend(setter(name, &value)),
        }
        true
    }

    /// Whether the first argument of a layer is a layer itself.
    fn is_layer(&self, argument: &Expr, env: &Env<'a>) -> bool {
        match argument {
            Expr::Paren(paren) => self.is_layer(&paren.expr, env),
            Expr::Struct(fields) => is_layer(&fields.path),
            Expr::Call(call) => matches!(&*call.func, Expr::Path(path) if is_called_class(&path.path)),
            Expr::Path(path) => match path.path.get_ident().and_then(|ident| env.get(&ident.to_string())) {
                Some(variable) => matches!(variable.val, Val::Layer(_)),
                None => is_class(&path.path),
            },
            _ => false,
        }
    }

    /// The layer that a wrapper wraps: `LSTM(64)` in `Bidirectional(LSTM(64))`.
    fn wrapped(&mut self, argument: &Expr, env: &mut Env<'a>) -> Option<usize> {
        let ends = Ends::of(argument);
        let layer = match argument {
            Expr::Paren(paren) => return self.wrapped(&paren.expr, env),
            Expr::Struct(fields) => self.layer_by_name(fields, env, None)?,
            Expr::Call(call) => {
                let Expr::Path(path) = &*call.func else { return None };
                self.layer(&path.path, Some(&(call.paren_token, call.args.clone())), env, None, ends)?
            }
            Expr::Path(path) => {
                let bound = path.path.get_ident().and_then(|ident| env.get(&ident.to_string()));
                if bound.is_some() {
                    let message = "write the wrapped layer in place, as in `Bidirectional(LSTM(64))`: a wrapper has its own";
                    self.errors.at(argument, message);
                    return None;
                }
                self.layer(&path.path, None, env, None, ends)?
            }
            _ => return None,
        };
        for (option, given) in
            [("trainable", &layer.trainable), ("activity_regularizer", &layer.activity_regularizer)]
        {
            if let Some(value) = given {
                self.errors.at(value, format!("give `{option}` to the wrapper, not to the layer inside it"));
                return None;
            }
        }
        self.graph.wrapped.push(layer);
        Some(self.graph.wrapped.len() - 1)
    }
}

/// `.name(value)`: an error in the value is shown there.
pub(super) fn setter(name: &Ident, value: &impl ToTokens) -> TokenStream {
    let mut group = Group::new(Delimiter::Parenthesis, value.to_token_stream());
    group.set_span(Ends::of(value).last);
    quote!(.#name #group)
}

/// Inside values, too, `Class(a, option = b)` is a constructor: `Class::new(a).option(b)`.
fn constructors(mut value: Expr) -> Expr {
    struct Constructors;
    impl VisitMut for Constructors {
        fn visit_expr_mut(&mut self, expr: &mut Expr) {
            visit_mut::visit_expr_mut(self, expr);
            if let Expr::Call(call) = expr
                && let Some(made) = constructor(call)
            {
                *expr = made;
            }
        }
    }
    Constructors.visit_expr_mut(&mut value);
    value
}

fn constructor(call: &ExprCall) -> Option<Expr> {
    let Expr::Path(path) = &*call.func else { return None };
    let has_options = call.args.iter().any(|a| matches!(a, Expr::Assign(_)));
    if !has_options || !is_called_class(&path.path) {
        return None;
    }
    let positional = call.args.iter().filter(|a| !matches!(a, Expr::Assign(_)));
    let span = Ends::of(path).last;
    let mut made: Expr = parse_quote_spanned!(span=> #path::new(#(#positional),*));
    for argument in &call.args {
        if let Expr::Assign(ExprAssign { left, right, .. }) = argument {
            made = parse_quote_spanned!(span=> #made.#left(#right));
        }
    }
    Some(made)
}
