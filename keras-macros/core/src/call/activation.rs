//! `#[activation]`: an activation of one's own, from a function.

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, FnArg, ItemFn, Pat, Result};

use super::chain::Chain;
use super::graph::{Graph, Kind};
use super::lower::Lower;

/// Most instructions of a program: the kernels' limit.
const MAX_INSTRS: usize = 96;

/// Expands `#[activation]`: a constant of the function's name, and the function itself for rustc to check.
///
/// Expands to: `const swoosh: Activation = Activation::Custom(&CustomActivation { .. });`
pub fn expand_activation(item: TokenStream) -> TokenStream {
    let function: ItemFn = match syn::parse2(item) {
        Ok(function) => function,
        Err(error) => return error.to_compile_error(),
    };
    let (name, text, visibility) = (&function.sig.ident, function.sig.ident.to_string(), &function.vis);
    let docs = function.attrs.iter().filter(|a| a.path().is_ident("doc"));
    let (value, checked) = match programs(&function) {
        Ok((forward, backward)) => {
            let mut checked = function.clone();
            checked.attrs.clear();
            checked.block.stmts.insert(
                0,
                syn::parse_quote!(
                    #[allow(unused_imports)]
                    use ::keras::ops::*;
                ),
            );
            let (forward, backward) = (forward.constant_tokens(), backward.constant_tokens());
            let value = quote! {
                ::keras::Activation::Custom(&::keras::rt::CustomActivation {
                    name: #text,
                    forward: #forward,
                    backward: #backward,
                })
            };
            (value, quote!(#[allow(dead_code)] #checked))
        }
        Err(error) => (quote!(::keras::Activation::Linear), error.to_compile_error()),
    };
    quote! {
        #(#docs)*
        #[allow(non_upper_case_globals)]
        #visibility const #name: ::keras::Activation = #value;
        const _: () = {
            #checked
        };
    }
}

/// The function and its gradient.
fn programs(function: &ItemFn) -> Result<(Chain, Chain)> {
    let form = "an activation is `fn name(x: Tensor) -> Tensor`";
    let input = match function.sig.inputs.iter().collect::<Vec<_>>()[..] {
        [FnArg::Typed(typed)] => match &*typed.pat {
            Pat::Ident(name) => name.ident.clone(),
            other => return Err(Error::new_spanned(other, form)),
        },
        _ => return Err(Error::new_spanned(&function.sig, form)),
    };
    let lower = Lower::run(&[input], &function.block, 1, &[]);
    if let Some(error) = lower.errors.into_iter().reduce(|mut all, next| {
        all.combine(next);
        all
    }) {
        return Err(error);
    }
    let graph: Graph = lower.graph;
    if let Some(decision) = graph.decisions.first() {
        return Err(Error::new(decision.span, "an activation has no options: use `where_(condition, a, b)`"));
    }
    let elementwise = |n: usize| {
        graph.is_elementwise(n) || graph.is_number(n) || matches!(graph.nodes[n].kind, Kind::Input(_))
    };
    if let Some(other) = (0..graph.nodes.len()).find(|n| !elementwise(*n)) {
        let node = &graph.nodes[other];
        let message =
            format!("`{}` does not work element by element: write a layer with `#[call]`", node.what);
        return Err(Error::new(node.span, message));
    }
    let chain = Chain::new(&graph, graph.outputs[0], &|n| graph.is_elementwise(n));
    let (backward, leaves) = chain.gradient(&|n| matches!(graph.nodes[n].kind, Kind::Input(_)));
    if leaves.is_empty() {
        return Err(Error::new_spanned(&function.block, "no gradient flows through this activation"));
    }
    if backward.len() > MAX_INSTRS {
        return Err(Error::new_spanned(
            &function.block,
            "this activation is too long for one pass over memory",
        ));
    }
    Ok((chain, backward))
}
