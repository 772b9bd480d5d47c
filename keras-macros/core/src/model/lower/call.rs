//! Calls: of layers on values, of functions, of local blocks.

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, format_ident};
use syn::{Expr, ExprAssign, ExprCall, ExprClosure, Path, parse_quote_spanned};

use super::consts::NotConst;
use super::env::{Env, Val};
use super::instance::{is_called_class, setter};
use super::{Lower, Name, consts};
use crate::model::functions;
use crate::model::graph::Value;
use crate::model::operations::{self, Arguments, Function};
use crate::similar::similar;
use crate::spans::Ends;

impl<'a> Lower<'a> {
    /// `callee(arguments)`.
    pub(super) fn call(&mut self, call: &'a ExprCall, env: &mut Env<'a>, name: Option<Name>) -> Val<'a> {
        if let Expr::Path(path) = &*call.func {
            let bound = path.path.get_ident().is_some_and(|ident| env.get(&ident.to_string()).is_some());
            if !bound && is_called_class(&path.path) {
                let arguments = (call.paren_token, call.args.clone());
                return self.instance(&path.path, Some(&arguments), env, name, Ends::of(call));
            }
            if !bound {
                return self.function(call, &path.path, env, name);
            }
        }
        // A name from a variable belongs to a layer that is made, not to one that is called.
        let callee = self.expr(&call.func, env, name.filter(|name| name.explicit));
        match callee {
            Val::Layer(layer) => self.call_layer(layer, call, env),
            callee => {
                let mut arguments = Vec::with_capacity(call.args.len());
                for argument in &call.args {
                    if let Expr::Assign(assign) = argument {
                        arguments.push(self.error(assign, "only layers take `name = value`"));
                    } else {
                        arguments.push(self.expr(argument, env, None));
                    }
                }
                self.apply(callee, arguments, call)
            }
        }
    }

    /// Applies a layer, a list of layers or a block to arguments. `at` is the whole call.
    pub(super) fn apply(&mut self, callee: Val<'a>, arguments: Vec<Val<'a>>, at: &impl ToTokens) -> Val<'a> {
        match callee {
            Val::Layer(layer) => {
                let parts: Vec<_> = arguments.into_iter().map(|argument| self.values(argument, at)).collect();
                match parts.into_iter().collect::<Option<Vec<_>>>() {
                    Some(inputs) => self.node(layer, inputs.concat(), TokenStream::new(), Ends::of(at)),
                    None => Val::Error,
                }
            }
            Val::List(layers) => {
                let mut now = arguments;
                for layer in layers {
                    if !matches!(layer, Val::Layer(_) | Val::List(_) | Val::Block(..) | Val::Error) {
                        return self
                            .error(at, format!("this list holds {}, so it cannot be called", layer.kind()));
                    }
                    now = vec![self.apply(layer, now, at)];
                }
                match now.len() {
                    1 => now.remove(0),
                    _ => Val::Tuple(now),
                }
            }
            Val::Block(block, outside) => self.apply_block(block, Env::inside(outside), arguments, at),
            Val::Error => Val::Error,
            other => self.error(
                at,
                format!("{} cannot be called: only layers, blocks and lists of them can", other.kind()),
            ),
        }
    }

    fn apply_block(
        &mut self,
        block: &'a ExprClosure,
        mut env: Env<'a>,
        arguments: Vec<Val<'a>>,
        at: &impl ToTokens,
    ) -> Val<'a> {
        let (expected, found) = (block.inputs.len(), arguments.len());
        if expected != found {
            let s = if expected == 1 { "" } else { "s" };
            return self.error(at, format!("this block takes {expected} argument{s}, {found} given"));
        }
        for (pat, argument) in block.inputs.iter().zip(arguments) {
            self.pattern(pat, argument, &mut env);
        }
        self.expr(&block.body, &mut env, None)
    }

    /// `mha(x, y, use_causal_mask = true)`: options of this call alone, and values as options.
    fn call_layer(&mut self, layer: usize, call: &'a ExprCall, env: &mut Env<'a>) -> Val<'a> {
        let mut inputs: Vec<Value> = Vec::new();
        let mut options = TokenStream::new();
        let mut fine = true;
        for argument in &call.args {
            let Expr::Assign(option) = argument else {
                if !options.is_empty() {
                    self.errors.at(argument, "values come before `name = value` options");
                    fine = false;
                }
                let val = self.expr(argument, env, None);
                match self.values(val, argument) {
                    Some(values) => inputs.extend(values),
                    None => fine = false,
                }
                continue;
            };
            let Some(name) = option_name(option) else {
                self.errors
                    .at(&option.left, "expected the name of an option, as in `use_causal_mask = true`");
                fine = false;
                continue;
            };
            match consts::constant(&option.right, env, &mut self.bindings) {
                Ok(value) => options.extend(setter(name, &consts::arrays(value))),
                Err(NotConst::Error) => fine = false,
                // Values follow the inputs, and the layer is told how many there are.
                Err(NotConst::Graph(..)) => {
                    let val = self.expr(&option.right, env, None);
                    let Some(values) = self.values(val, &option.right) else {
                        fine = false;
                        continue;
                    };
                    let count = proc_macro2::Literal::usize_unsuffixed(values.len());
                    options.extend(setter(&format_ident!("{name}_inputs", span = name.span()), &count));
                    inputs.extend(values);
                }
            }
        }
        if inputs.is_empty() && fine {
            let label = self.graph.layers[layer].label.clone();
            return self.error(call, format!("{label} is called without a value"));
        }
        if fine { self.node(layer, inputs, options, Ends::of(call)) } else { Val::Error }
    }

    /// A function: a layer without weights that is made and called at once.
    fn function(
        &mut self,
        call: &'a ExprCall,
        path: &'a Path,
        env: &mut Env<'a>,
        name: Option<Name>,
    ) -> Val<'a> {
        if let Some(operation) = self.operation_of(call, path, env) {
            return self.operation(&operation, call, env, name.filter(|name| name.explicit));
        }
        let known =
            path.get_ident().and_then(|ident| Some((ident, functions::function(&ident.to_string())?)));
        let Some((ident, function)) = known else { return self.unknown_function(call, path, env) };
        let mut inputs: Vec<Value> = Vec::new();
        let mut arguments = syn::punctuated::Punctuated::new();
        let mut fine = true;
        for argument in &call.args {
            let is_const = matches!(argument, Expr::Assign(_))
                || (!inputs.is_empty() && matches!(self.mentions_graph(argument, env), Some(false)));
            if is_const {
                let parameter = functions::parameter(&ident.to_string());
                match argument {
                    // Keras takes `axes = 1` where a constructor takes it by position.
                    Expr::Assign(option) if parameter.is_some_and(|name| is_named(option, name)) => {
                        arguments.insert(0, (*option.right).clone());
                    }
                    Expr::Assign(_) => arguments.push(argument.clone()),
                    _ if parameter.is_none() && matches!(function, functions::Function::Layer(_)) => {
                        let message = format!("`{ident}` takes values of the graph, and this is a constant");
                        self.errors.at(argument, message);
                        fine = false;
                    }
                    _ => arguments.push(argument.clone()),
                }
                continue;
            }
            let val = self.expr(argument, env, None);
            match self.values(val, argument) {
                Some(values) => inputs.extend(values),
                None => fine = false,
            }
        }
        if !fine {
            return Val::Error;
        }
        if inputs.is_empty() {
            return self.error(call, format!("`{ident}` is called without a value"));
        }
        let span = ident.span();
        let class = |class: &str| -> Path {
            let class = Ident::new(class, span);
            parse_quote_spanned!(span=> ::keras::layers::#class)
        };
        let class = match function {
            functions::Function::Layer(of) => class(of),
            functions::Function::Activation(_, Some(of)) if !arguments.is_empty() => class(of),
            functions::Function::Activation(word, _) => {
                if let Some(argument) = arguments.first() {
                    return self.error(argument, format!("`{word}` takes no options here"));
                }
                let word = Ident::new(word, span);
                arguments.push(parse_quote_spanned!(span=> ::keras::symbols::#word));
                class("Activation")
            }
        };
        let name = name.filter(|name| name.explicit);
        let made = self.instance(&class, Some(&(call.paren_token, arguments)), env, name, Ends::of(call));
        if let Val::Layer(layer) = made {
            self.graph.layers[layer].label = format!("`{ident}`");
            return self.node(layer, inputs, TokenStream::new(), Ends::of(call));
        }
        Val::Error
    }

    /// The function of `keras.ops` that a call means: `ops::mean`, or `mean` where no layer has the name. What layers of the same
    /// name do not take, numbers and options, operations do.
    fn operation_of(&mut self, call: &ExprCall, path: &Path, env: &Env<'a>) -> Option<Function> {
        let (name, of_ops) = operation_name(path)?;
        let operation = operations::function(&name)?;
        let layer = match functions::function(&name) {
            _ if of_ops => return Some(operation),
            None => return Some(operation),
            Some(layer) => layer,
        };
        let has_options = || call.args.iter().any(|argument| matches!(argument, Expr::Assign(_)));
        let mut constants = call.args.iter().filter(|a| !matches!(a, Expr::Assign(_)));
        let takes_it = match layer {
            functions::Function::Layer(_) => {
                functions::parameter(&name).is_none()
                    && matches!(operation.arguments, Arguments::Named([_, _]))
                    && call.args.len() == 2
                    && constants.any(|argument| self.mentions_graph(argument, env) == Some(false))
            }
            functions::Function::Activation(_, layer) => layer.is_none() && has_options(),
        };
        takes_it.then_some(operation)
    }

    /// A function that is not in the list: a constant function of the user's, or a mistake.
    fn unknown_function(&mut self, call: &'a ExprCall, path: &'a Path, env: &mut Env<'a>) -> Val<'a> {
        let text = super::expr::text(path).replace(' ', "");
        let operation = operation_name(path);
        let reason = operation.as_ref().and_then(|(name, _)| operations::refused(name));
        let of_ops = operation.as_ref().is_some_and(|(_, of_ops)| *of_ops);
        let suggestion = match &operation {
            _ if reason.is_some() => None,
            Some((name, true)) => similar(name, operations::names()).map(|known| format!("ops::{known}")),
            _ => similar(&text, names(env)).map(str::to_string),
        };
        let graph = call.args.iter().any(|argument| self.mentions_graph(argument, env) != Some(false));
        if !graph && suggestion.is_none() && !of_ops {
            return match consts::constant(&Expr::Call(call.clone()), env, &mut self.bindings) {
                Ok(value) => Val::Const(value),
                Err(_) => Val::Error,
            };
        }
        // Its arguments count as used.
        call.args.iter().for_each(|argument| {
            consts::constant(argument, env, &mut self.bindings).ok();
        });
        let message = match suggestion {
            _ if let Some(reason) = reason => format!("a model's body has no `{text}`: {reason}"),
            Some(known) => format!("cannot find the function `{text}`; did you mean `{known}`?"),
            None => format!("cannot find the function `{text}`; a layer's name begins with a capital"),
        };
        self.error(path, message)
    }

    /// Whether an expression mentions values or layers of the graph; `None` after a mistake.
    pub(super) fn mentions_graph(&mut self, expr: &Expr, env: &Env<'a>) -> Option<bool> {
        match consts::constant(expr, env, &mut self.bindings) {
            Ok(_) => Some(has_class(expr)),
            Err(NotConst::Graph(..)) => Some(true),
            Err(NotConst::Error) => None,
        }
    }
}

/// The name in `mean` and `ops::mean`, and whether `ops` is said.
fn operation_name(path: &Path) -> Option<(String, bool)> {
    let segments: Vec<String> = path.segments.iter().map(|segment| segment.ident.to_string()).collect();
    match segments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        [name] => Some((name.into(), false)),
        ["ops", name] | ["keras", "ops", name] => Some((name.into(), true)),
        _ => None,
    }
}

/// The name in `name = ..`.
pub(super) fn option_name(option: &ExprAssign) -> Option<&Ident> {
    match &*option.left {
        Expr::Path(path) => path.path.get_ident(),
        _ => None,
    }
}

/// Whether this is `name = ..`.
fn is_named(option: &ExprAssign, name: &str) -> bool {
    matches!(&*option.left, Expr::Path(path) if path.path.is_ident(name))
}

/// What a misspelt function may have meant.
fn names<'e>(env: &'e Env<'_>) -> Vec<&'e str> {
    let mut names = env.names();
    for function in functions::names().chain(operations::names()) {
        names.push(function);
    }
    names
}

/// Whether an expression calls a layer that it makes: `Dense(3)(2)` is not constant.
fn has_class(expr: &Expr) -> bool {
    match expr {
        Expr::Call(call) => matches!(&*call.func, Expr::Call(_)),
        _ => false,
    }
}
