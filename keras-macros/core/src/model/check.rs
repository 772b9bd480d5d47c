//! Assertions: every plan at the expression of its call, every output at its declaration.
//!
//! A const of each check is named after its layer, so that rustc says "evaluation of `_::conv2d_2` failed here".

use proc_macro2::TokenStream;
use quote::{format_ident, quote};

use super::consts::value;
use super::parts::{Parts, number};
use crate::naming::ident;

/// The checks of a model that is not generic, or whose parameters have defaults.
///
/// Expands to: `const _: () = { const dense: () = assert_node(&Mlp::DENSE_PLAN, 1, "`Dense`"); .. };`
pub fn at_definition(parts: &Parts<'_>) -> TokenStream {
    let header = parts.header;
    if header.params().any(|param| param.default.is_none()) {
        return TokenStream::new();
    }
    let name = &header.name;
    // `<Wide>` is the type with its defaults.
    let this = if header.is_generic() { quote!(<#name>) } else { quote!(#name) };
    let checks = assertions(parts, &this);
    if checks.is_empty() {
        return TokenStream::new();
    }
    let checks = checks.into_iter().map(|(name, check)| quote!(const #name: () = #check;));
    quote! {
        #[doc(hidden)]
        #[allow(non_upper_case_globals, dead_code, clippy::all)]
        const _: () = { #(#checks)* };
    }
}

/// The same checks for whatever parameters an instance of a generic model has.
///
/// Expands to: `const CHECK: () = { assert_node(&Self::DENSE_PLAN, 1, "`Dense`"); .. };`
pub fn of_instance(parts: &Parts<'_>) -> TokenStream {
    if !parts.header.is_generic() {
        return TokenStream::new();
    }
    let checks = assertions(parts, &quote!(Self)).into_iter().map(|(_, check)| check);
    quote!(const CHECK: () = { #(#checks;)* };)
}

/// A value that no instance of a generic model has unless its checks hold.
pub fn mention(parts: &Parts<'_>, value: TokenStream) -> TokenStream {
    if parts.header.is_generic() { quote!({ let () = Self::CHECK; #value }) } else { value }
}

fn assertions(parts: &Parts<'_>, this: &TokenStream) -> Vec<(proc_macro2::Ident, TokenStream)> {
    let Parts { header, graph, idents } = parts;
    let mut checks = Vec::new();
    for (port, spec) in header.inputs.iter().zip(&idents.inputs) {
        let label = match &port.name {
            Some(name) => format!("the input `{name}` of `{}`", header.name),
            None => format!("the input of `{}`", header.name),
        };
        let check = port.ends.call(quote!(::keras::rt::assert_input), quote!(&#this::#spec, #label));
        checks.push((ident(&idents_lower(spec), proc_macro2::Span::call_site()), check));
    }
    let mut calls = vec![0; graph.layers.len()];
    for (node, plan) in graph.nodes.iter().zip(&idents.plans) {
        let (layer, name) = (&graph.layers[node.layer], &idents.names[node.layer]);
        let label = match *name == layer.stem {
            true => layer.label.clone(),
            false => format!("{} (layer `{name}`)", layer.label),
        };
        let count = number(node.outputs.unwrap_or(1));
        let check = node.ends.call(quote!(::keras::rt::assert_node), quote!(&#this::#plan, #count, #label));
        calls[node.layer] += 1;
        let method = &idents.methods[node.layer];
        let name = match calls[node.layer] {
            1 => format_ident!("{method}", span = proc_macro2::Span::call_site()),
            n => format_ident!("{method}__{n}", span = proc_macro2::Span::call_site()),
        };
        checks.push((name, check));
    }
    for (at, (port, output)) in header.outputs.iter().zip(&graph.outputs).enumerate() {
        let label = match &port.name {
            Some(name) => format!("the output `{name}` of `{}`", header.name),
            None => format!("the output of `{}`", header.name),
        };
        let (found, declared) = (value(parts, *output, this), &idents.outputs[at]);
        let check =
            port.ends.call(quote!(::keras::rt::assert_output), quote!(&#found, &#this::#declared, #label));
        checks.push((format_ident!("output__{at}"), check));
    }
    checks
}

fn idents_lower(ident: &proc_macro2::Ident) -> String {
    format!("{}__", ident.to_string().to_lowercase())
}
