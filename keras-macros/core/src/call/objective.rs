//! `#[loss]` and `#[metric]`: what is made small, and what is reported, from functions.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::parse::{Parse, ParseStream};
use syn::{Error, FnArg, ItemFn, Pat, PatType, Result, ReturnType, Type};

use super::graph::{Graph, Kind};
use super::lower::Subject;
use super::rows::{Rows, Rules};
use super::signature::is_tensor;
use super::{every_way, flow, read};

/// Which of the two is written.
#[derive(Clone, Copy, PartialEq, Eq)]
pub enum Objective {
    /// `#[loss]`.
    Loss,
    /// `#[metric]`.
    Metric,
}

impl Objective {
    fn subject(self) -> Subject {
        let name = match self {
            Objective::Loss => "a loss",
            Objective::Metric => "a metric",
        };
        Subject { name, numbers: "its numbers", fields: false }
    }

    fn form(self) -> &'static str {
        match self {
            Objective::Loss => {
                "a loss is `fn name(y_true: Tensor, y_pred: Tensor) -> Tensor`, with numbers after the tensors"
            }
            Objective::Metric => {
                "a metric is `fn name(y_true: Tensor, y_pred: Tensor) -> Tensor`, with numbers after the tensors"
            }
        }
    }
}

/// `#[loss]`, `#[loss(sparse)]`.
struct Arguments {
    sparse: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Arguments { sparse: false });
        }
        let word: Ident = input.parse().map_err(|e| Error::new(e.span(), "expected `sparse`, or nothing"))?;
        if word != "sparse" {
            let message =
                format!("unknown option `{word}`; expected `sparse` (labels are numbers of classes)");
            return Err(Error::new(word.span(), message));
        }
        if input.is_empty() {
            Ok(Arguments { sparse: true })
        } else {
            Err(input.error("expected nothing after `sparse`"))
        }
    }
}

/// A function's parts.
struct Function {
    item: ItemFn,
    tensors: Vec<Ident>,
    numbers: Vec<(Ident, Type)>,
}

/// Number types of parameters.
const NUMBERS: [&str; 9] = ["f64", "f32", "usize", "isize", "i32", "i64", "u32", "u64", "bool"];

impl Function {
    fn new(item: ItemFn, form: &str) -> Result<Function> {
        let (mut tensors, mut numbers) = (Vec::new(), Vec::new());
        if let Some(generic) = item.sig.generics.params.first() {
            return Err(Error::new_spanned(generic, format!("it cannot be generic: {form}")));
        }
        for argument in &item.sig.inputs {
            let (name, ty) = match argument {
                FnArg::Typed(PatType { pat, ty, .. }) => match &**pat {
                    Pat::Ident(name) => (name.ident.clone(), &**ty),
                    other => return Err(Error::new_spanned(other, format!("a parameter is a name: {form}"))),
                },
                FnArg::Receiver(receiver) => return Err(Error::new_spanned(receiver, form)),
            };
            if is_tensor(ty) {
                if !numbers.is_empty() || tensors.len() == 2 {
                    return Err(Error::new_spanned(argument, form));
                }
                tensors.push(name);
            } else if tensors.len() == 2 && NUMBERS.contains(&quote!(#ty).to_string().as_str()) {
                numbers.push((name, ty.clone()));
            } else {
                return Err(Error::new_spanned(ty, form));
            }
        }
        let returns = match &item.sig.output {
            ReturnType::Type(_, ty) if is_tensor(ty) => Ok(()),
            ReturnType::Type(_, ty) => Err(Error::new_spanned(ty, form)),
            ReturnType::Default => Err(Error::new_spanned(&item.sig, form)),
        };
        returns?;
        if tensors.len() != 2 {
            return Err(Error::new_spanned(&item.sig, form));
        }
        Ok(Function { item, tensors, numbers })
    }
}

/// Expands `#[loss]` and `#[metric]`.
///
/// Expands to: `struct focal { gamma: f64, .. }`, `const fn focal(gamma: f64) -> focal` (or, of a function without numbers, a
/// constant of that name), the traits that make it a loss or a metric, and the function itself for rustc to check.
pub fn expand_objective(which: Objective, arguments: TokenStream, item: TokenStream) -> TokenStream {
    let item: ItemFn = match syn::parse2(item.clone()) {
        Ok(function) => function,
        Err(_) => {
            let error = Error::new_spanned(&item, which.form()).to_compile_error();
            return quote!(#item #error);
        }
    };
    let parsed = syn::parse2::<Arguments>(arguments);
    let function = match Function::new(item.clone(), which.form()) {
        Ok(function) => function,
        Err(error) => return error.to_compile_error(),
    };
    let formula = parsed.and_then(|arguments| Ok((arguments.sparse, formula(which, &function)?)));
    let checked = checked(&item, formula.is_err());
    match formula {
        Ok((sparse, formula)) => {
            let items = items(which, &function, sparse, &formula);
            quote!(#items #checked)
        }
        Err(error) => {
            // Uses of it are no mistakes of their own.
            let stub = Formula { rows: quote!(__predictions.square().mean()), whole: false };
            let (items, error) = (items(which, &function, false, &stub), error.to_compile_error());
            quote!(#items #checked #error)
        }
    }
}

/// The body of `rows`.
struct Formula {
    rows: TokenStream,
    whole: bool,
}

fn formula(which: Objective, function: &Function) -> Result<Formula> {
    let subject = which.subject();
    let numbers: Vec<Ident> = function.numbers.iter().map(|(name, _)| name.clone()).collect();
    let rules = Rules { name: subject.name, flat: which == Objective::Metric };
    let predictions = |kind: &Kind| matches!(kind, Kind::Input(1));
    let graphs = every_way(&mut |ways| {
        let graph = read(&subject, &function.tensors, &numbers, &function.item.block, 1, ways)?;
        if which == Objective::Loss {
            flow::check(&graph, &predictions)?;
        }
        Ok(graph)
    })?;
    let mut whole = None;
    let mut ways = Vec::new();
    for graph in &graphs {
        let rows = Rows::new(graph, &rules)?;
        if which == Objective::Loss && !flow::reaches(graph, graph.outputs[0], &predictions) {
            let message = "no gradient flows from this loss to the predictions";
            return Err(Error::new(graph.nodes[graph.outputs[0]].span, message));
        }
        if whole.is_some_and(|before| before != rows.whole) {
            let message = "one way through the `if`s reduces the last axis and another all axes";
            return Err(Error::new(function.item.sig.ident.span(), message));
        }
        whole = Some(rows.whole);
        ways.push((conditions(graph), rows));
    }
    // The last way is what remains.
    let (last, others) = ways.split_last().expect("there is one way at least");
    let code = |rows: &Rows| {
        let (statements, result) = (&rows.statements, &rows.result);
        quote!(#statements #result)
    };
    let others = others.iter().map(|(condition, rows)| {
        let code = code(rows);
        quote!(if #condition { #code } else)
    });
    let last = code(&last.1);
    Ok(Formula { rows: quote!(#(#others)* { #last }), whole: whole.unwrap_or(false) })
}

/// Whether this way is gone.
fn conditions(graph: &Graph) -> TokenStream {
    let all = graph.decisions.iter().map(|d| {
        let condition = &d.condition;
        if d.taken { quote!((#condition)) } else { quote!(!(#condition)) }
    });
    quote!(#(#all)&&*)
}

/// The function as rustc sees it: the functions of `keras::ops` are in scope.
pub(super) fn checked(item: &ItemFn, broken: bool) -> TokenStream {
    let mut item = item.clone();
    item.attrs.clear();
    item.vis = syn::Visibility::Inherited;
    item.block = if broken {
        // rustc would report the same places again.
        syn::parse_quote!({ ::core::unreachable!() })
    } else {
        let block = &item.block;
        syn::parse_quote!({
            #[allow(unused_imports)]
            use ::keras::ops::*;
            #block
        })
    };
    quote! {
        const _: () = {
            #[allow(dead_code, unused_variables, unused_braces, clippy::all)]
            #item
        };
    }
}

/// Expands to: the type, its constructor, its traits.
fn items(which: Objective, function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (item, vis) = (&function.item, &function.item.vis);
    let (name, text) = (&item.sig.ident, item.sig.ident.to_string());
    let docs: Vec<_> = item.attrs.iter().filter(|a| a.path().is_ident("doc")).collect();
    let docs = if docs.is_empty() {
        let text = format!("`{text}`, from the function of this name.");
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    };
    let (fields, types): (Vec<_>, Vec<_>) = function.numbers.iter().map(|(n, t)| (n, t)).unzip();
    let common = (which == Objective::Loss).then(|| quote!(__common: ::keras::rt::Common,));
    let named = (which == Objective::Loss).then(|| quote!(__common: ::keras::rt::Common::named(#text),));
    let constructor = if fields.is_empty() {
        quote! {
            #docs
            #[allow(non_upper_case_globals, dead_code)]
            #vis const #name: #name = #name { #named };
        }
    } else {
        quote! {
            #docs
            #[allow(dead_code)]
            #[must_use]
            #vis const fn #name(#(#fields: #types),*) -> #name {
                #name { #(#fields,)* #named }
            }
        }
    };
    let inner = match which {
        Objective::Loss => loss(function, sparse, formula),
        Objective::Metric => metric(function, sparse, formula),
    };
    quote! {
        #docs
        #[allow(non_camel_case_types, dead_code)]
        #[derive(Clone, Debug)]
        #vis struct #name {
            #(#fields: #types,)*
            #common
        }
        #constructor
        #inner
    }
}

/// Expands to: the parts that losses and metrics share, in the order kind of labels, axes, arguments, rows.
fn parts(function: &Function, sparse: bool, formula: &Formula) -> [TokenStream; 4] {
    let labels = Ident::new(if sparse { "Sparse" } else { "Same" }, Span::call_site());
    let axes = if formula.whole { quote!(All) } else { quote!(One(-1)) };
    let names: Vec<_> = function.numbers.iter().map(|(name, _)| name).collect();
    let texts = names.iter().map(|name| name.to_string());
    let rows = &formula.rows;
    [
        quote!(::keras::rt::LabelKind::#labels),
        quote!(::keras::rt::RowAxes::#axes),
        quote! {
            #[allow(unused_mut)]
            let mut __arguments = ::keras::rt::Config::new();
            #(__arguments.insert(#texts.into(), ::keras::rt::ConfigValue::to_json(&self.#names));)*
        },
        quote! {
            #(let #names = self.#names;)*
            let __result = { #rows };
        },
    ]
}

fn loss(function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (name, text) = (&function.item.sig.ident, function.item.sig.ident.to_string());
    let [labels, axes, arguments, rows] = parts(function, sparse, formula);
    let generic = format_ident!("T");
    let takes = if sparse {
        quote! {
            impl<D: ::keras::rt::Outer, #generic: ::keras::rt::ClassNumber>
                ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D::Outer, #generic>> for #name {}
        }
    } else {
        quote! {
            impl<D: ::keras::rt::Dims, #generic: ::keras::rt::Element>
                ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D, #generic>> for #name {}
            // One number a sample, for an output of one number.
            impl<#generic: ::keras::rt::Element> ::keras::rt::TakesLabels<
                ::keras::rt::Batch<::keras::rt::D1<1>>,
                ::keras::rt::Batch<::keras::rt::D0, #generic>,
            > for #name {}
        }
    };
    quote! {
        #[allow(dead_code)]
        impl #name {
            /// How the rows' numbers become one (`sum_over_batch_size`).
            #[must_use]
            pub fn reduction(mut self, reduction: ::keras::losses::Reduction) -> Self {
                self.__common.reduction = reduction;
                self
            }
            /// Name of the loss.
            #[must_use]
            pub fn name(mut self, name: impl ::core::convert::Into<::std::string::String>) -> Self {
                self.__common.name = name.into().into();
                self
            }
        }
        #[allow(clippy::all, unused)]
        impl ::keras::rt::Loss for #name {
            fn class_name(&self) -> &'static str {
                #text
            }
            fn common(&self) -> &::keras::rt::Common {
                &self.__common
            }
            fn label_kind(&self) -> ::keras::rt::LabelKind {
                #labels
            }
            fn axes(&self) -> ::keras::rt::RowAxes {
                #axes
            }
            fn arguments(&self) -> ::core::option::Option<::keras::rt::Config> {
                #arguments
                ::core::option::Option::Some(__arguments)
            }
            fn rows<'t>(
                &self,
                __labels: ::keras::rt::Expr<'t>,
                __predictions: ::keras::rt::Expr<'t>,
            ) -> ::keras::rt::Expr<'t> {
                #rows
                ::keras::rt::row_of(__result, self.__common.reduction)
            }
            fn boxed(&self) -> ::std::boxed::Box<dyn ::keras::rt::Loss> {
                ::std::boxed::Box::new(::core::clone::Clone::clone(self))
            }
        }
        #takes
        impl ::keras::rt::IntoMetric for #name {
            fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
                let __loss = self.reduction(::keras::losses::Reduction::SumOverBatchSize);
                ::std::boxed::Box::new(::keras::rt::OfLoss::new(::std::boxed::Box::new(__loss)))
            }
        }
    }
}

fn metric(function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (name, text) = (&function.item.sig.ident, function.item.sig.ident.to_string());
    let [labels, axes, arguments, rows] = parts(function, sparse, formula);
    quote! {
        #[allow(clippy::all, unused)]
        impl ::keras::rt::RowMetric for #name {
            const NAME: &'static str = #text;
            const LABELS: ::keras::rt::LabelKind = #labels;
            const AXES: ::keras::rt::RowAxes = #axes;
            fn arguments(&self) -> ::keras::rt::Config {
                #arguments
                __arguments
            }
            fn rows<'t>(
                &self,
                __labels: ::keras::rt::Expr<'t>,
                __predictions: ::keras::rt::Expr<'t>,
            ) -> ::keras::rt::Expr<'t> {
                #rows
                ::keras::rt::row_of(__result, ::keras::losses::Reduction::SumOverBatchSize)
            }
        }
        impl ::keras::rt::IntoMetric for #name {
            fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
                ::std::boxed::Box::new(::keras::rt::OfLoss::of_function(self))
            }
        }
    }
}
