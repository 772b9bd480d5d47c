//! `#[loss]` and `#[metric]`: what is made small, and what is reported, from functions.
//!
//! Stages: [`function`] reads the signature, the body becomes a formula as everywhere in `call`, [`expand`] writes the type and its
//! traits.

mod expand;
mod function;

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Error, ItemFn, Result};

use super::graph::{Graph, Kind};
use super::lower::Subject;
use super::rows::{Rows, Rules};
use super::{every_way, flow, read};
use expand::items;
use function::{Arguments, Function};

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
