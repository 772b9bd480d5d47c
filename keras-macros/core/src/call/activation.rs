//! `#[activation]`: an activation of one's own, from a function.

use proc_macro2::{Ident, TokenStream};
use quote::quote;
use syn::{Error, FnArg, ItemFn, Pat, Result, ReturnType};

use super::chain::Chain;
use super::graph::Kind;
use super::lower::Subject;
use super::objective::checked;
use super::signature::is_tensor;
use super::{MAX_INSTRS, flow, read};

const ACTIVATION: Subject = Subject { name: "an activation", numbers: "constants", fields: false };
const FORM: &str = "an activation is `fn name(x: Tensor) -> Tensor`";

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
    let programs = programs(&function);
    let checked = match signature(&function) {
        Ok(_) => checked(&function, programs.is_err()),
        Err(_) => TokenStream::new(),
    };
    let (value, error) = match programs {
        Ok((forward, backward)) => {
            let (forward, backward) = (forward.constant_tokens(), backward.constant_tokens());
            let value = quote! {
                ::keras::Activation::Custom(&::keras::rt::CustomActivation {
                    name: #text,
                    forward: #forward,
                    backward: #backward,
                })
            };
            (value, TokenStream::new())
        }
        Err(error) => (quote!(::keras::Activation::Linear), error.to_compile_error()),
    };
    quote! {
        #(#docs)*
        #[allow(non_upper_case_globals)]
        #visibility const #name: ::keras::Activation = #value;
        #checked
        #error
    }
}

/// Whether the function is from one tensor to one.
fn signature(function: &ItemFn) -> Result<Ident> {
    let input = match function.sig.inputs.iter().collect::<Vec<_>>()[..] {
        [FnArg::Typed(typed)] if is_tensor(&typed.ty) => match &*typed.pat {
            Pat::Ident(name) => name.ident.clone(),
            other => return Err(Error::new_spanned(other, FORM)),
        },
        _ => return Err(Error::new_spanned(&function.sig, FORM)),
    };
    match &function.sig.output {
        ReturnType::Type(_, ty) if is_tensor(ty) => Ok(input),
        ReturnType::Type(_, ty) => Err(Error::new_spanned(ty, FORM)),
        ReturnType::Default => Err(Error::new_spanned(&function.sig, FORM)),
    }
}

/// The function and its gradient.
fn programs(function: &ItemFn) -> Result<(Chain, Chain)> {
    let input = signature(function)?;
    let graph = read(&ACTIVATION, &[input], &[], &function.block, 1, &[])?;
    flow::check(&graph, &|kind| matches!(kind, Kind::Input(_)))?;
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
