//! The generated code: a type, its graph as consts, and one line for each call.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::parse::{Body, Header};
use super::parts::Parts;
use super::{access, check, consts, spec, types};

/// Expands to: the model's type and everything it implements.
pub fn model(parts: &Parts<'_>, body: &Body) -> TokenStream {
    let graph = spec::graph(parts, matches!(body, Body::List(_)));
    let checked = |value| check::mention(parts, value);
    let first = parts.graph.first_calls();
    let first = first.iter().zip(&parts.idents.plans).filter(|(first, _)| **first).map(|(_, plan)| plan);
    let (forward, backward) = walks(parts);
    items(
        parts,
        Content {
            params: checked(quote!(::keras::rt::params(&[#(&Self::#first),*]))),
            peak: quote!(::keras::rt::peak_floats(<Self as ::keras::rt::Architecture>::GRAPH)),
            train_peak: quote!(::keras::rt::train_peak_floats(<Self as ::keras::rt::Architecture>::GRAPH)),
            graph: checked(graph),
            forward,
            backward,
        },
    )
}

/// After a mistake in the body: a type that can be named, used and called, so that its uses do not fail too. What could be
/// understood is still checked.
pub fn stub(parts: &Parts<'_>) -> TokenStream {
    items(
        parts,
        Content {
            params: quote!(0),
            peak: quote!(0),
            train_peak: quote!(0),
            graph: quote!(&::keras::rt::EMPTY),
            forward: quote!(at),
            backward: quote!(at),
        },
    )
}

/// What a model has and the stub of one does not.
struct Content {
    params: TokenStream,
    peak: TokenStream,
    train_peak: TokenStream,
    graph: TokenStream,
    forward: TokenStream,
    backward: TokenStream,
}

fn items(parts: &Parts<'_>, content: Content) -> TokenStream {
    let Header { name, generics, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let declaration = declaration(parts);
    let (aliases, consts) = (consts::aliases(parts), consts::consts(parts));
    let check = check::of_instance(parts);
    let Content { params, peak, train_peak, .. } = &content;
    let (architecture, layer) = (architecture(parts, &content), layer(parts.header));
    let access = access::layers(parts);
    let checks = check::at_definition(parts);
    quote! {
        #declaration
        #[doc(hidden)]
        #[allow(non_upper_case_globals, non_camel_case_types, dead_code, unused, clippy::all)]
        const _: () = {
            #aliases
            impl #impl_generics #name #type_generics {
                #consts
                #check
                /// Trainable numbers.
                pub const PARAMS: usize = #params;
                /// 32-bit floats per sample that the values of a forward pass take.
                pub const PEAK: usize = #peak;
                /// 32-bit floats per sample that values, what backward keeps, and gradients take in a training step.
                pub const TRAIN_PEAK: usize = #train_peak;
            }
            #architecture
            #layer
            #access
        };
        #checks
    }
}

/// Expands to: `pub struct Mlp;` and `pub struct MlpLayers<N = Network>(Place<N>);`.
fn declaration(parts: &Parts<'_>) -> TokenStream {
    let Header { attrs, vis, name, generics, inputs, outputs } = parts.header;
    let layers = access::type_name(parts.header);
    let list = |ports: &[super::parse::Port]| ports.iter().map(types::text).collect::<Vec<_>>().join(", ");
    let signature = format!("From {} to {}.", list(inputs), list(outputs));
    let separator = attrs.iter().any(|attr| attr.path().is_ident("doc")).then(|| quote!(#[doc = ""]));
    let doc = format!("The layers of [`{name}`], by name.");
    let mut layer_generics = generics.clone();
    layer_generics.params.push(syn::parse_quote!(__N = ::keras::rt::Network));
    quote! {
        #(#attrs)*
        #separator
        #[doc = #signature]
        #vis struct #name #generics;

        #[doc = #doc]
        #[allow(missing_debug_implementations, dead_code)]
        #vis struct #layers #layer_generics(::keras::rt::Place<__N>);
    }
}

/// Expands to: `let at = run.step(&Self::DENSE, at);` for each call, and the same backward.
fn walks(parts: &Parts<'_>) -> (TokenStream, TokenStream) {
    let idents = parts.idents;
    let called = parts.graph.nodes.iter().zip(&idents.calls);
    let called = called.map(|(node, call)| call.as_ref().unwrap_or(&idents.layers[node.layer]));
    let called = called.map(|layer| quote_spanned!(layer.span()=> &Self::#layer));
    let forward = called.clone().map(|layer| quote!(let at = run.step(#layer, at);));
    let backward = called.rev().map(|layer| quote!(let at = run.back(#layer, at);));
    (quote!(#(#forward)* at), quote!(#(#backward)* at))
}

/// Expands to: `impl Architecture for Mlp { .. }`.
fn architecture(parts: &Parts<'_>, content: &Content) -> TokenStream {
    let Content { graph, forward, backward, .. } = content;
    let Header { name, generics, inputs, outputs, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let layers = access::type_name(parts.header);
    let params = parts.header.params().map(|param| &param.ident);
    let with_network = quote!(<#(#params,)* ::keras::rt::Network>);
    let yielded: Vec<TokenStream> =
        parts.graph.outputs.iter().map(|output| consts::value(parts, *output, &quote!(#name))).collect();
    let (input, output) = (types::batches(inputs, &[]), types::batches(outputs, &yielded));
    quote! {
        #[automatically_derived]
        impl #impl_generics ::keras::rt::Architecture for #name #type_generics {
            type Input = #input;
            type Output = #output;
            type Layers = #layers #with_network;
            const GRAPH: &'static ::keras::rt::GraphSpec = #graph;
            const PARAMS: usize = Self::PARAMS;
            const PEAK: usize = Self::PEAK;
            const TRAIN_PEAK: usize = Self::TRAIN_PEAK;
            fn forward(run: &::keras::rt::Run<'_>, at: usize) -> usize { #forward }
            fn backward(run: &::keras::rt::Run<'_>, at: usize) -> usize { #backward }
        }
    }
}

/// A model is a layer.
///
/// Expands to: `new`, `plan`, `impl Configure` and `impl Layer`, which runs the model's calls.
fn layer(header: &Header) -> TokenStream {
    let Header { name, generics, .. } = header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let (layers, with_network) = (access::type_name(header), access::with_network(generics, None));
    let new = Ident::new("new", name.span());
    let (_, with_network, _) = with_network.split_for_impl();
    quote! {
        impl #impl_generics #name #type_generics {
            /// The model as a layer of another one.
            #[must_use]
            pub const fn #new() -> Self { #name }

            /// Its plan as a layer of another one: the inputs must be those that it declares.
            ///
            /// # Errors
            /// If they are not.
            pub const fn plan(&self, inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
                ::keras::rt::model_plan(<Self as ::keras::rt::Architecture>::GRAPH, inputs)
            }
        }
        #[automatically_derived]
        impl #impl_generics ::keras::rt::Weighted for #name #type_generics {
            type Weights<__N> = #layers #with_network;
            const IS_MODEL: bool = true;
        }
        #[automatically_derived]
        impl #impl_generics ::keras::rt::Configure for #name #type_generics {
            fn class_name(&self) -> &'static str {
                ::keras::rt::model_class(<Self as ::keras::rt::Architecture>::GRAPH)
            }
            fn config(&self) -> ::keras::rt::Config {
                ::keras::rt::model_config(<Self as ::keras::rt::Architecture>::GRAPH)
            }
        }
        #[automatically_derived]
        impl #impl_generics ::keras::rt::Layer for #name #type_generics {
            fn plan_for(&self, inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult { self.plan(inputs) }
            fn forward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) { ::keras::rt::runs_its_own_calls() }
            fn backward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) { ::keras::rt::runs_its_own_calls() }
            fn run_forward(&self, run: &::keras::rt::Run<'_>, at: usize) -> usize {
                <Self as ::keras::rt::Architecture>::forward(run, at)
            }
            fn run_backward(&self, run: &::keras::rt::Run<'_>, at: usize) -> usize {
                <Self as ::keras::rt::Architecture>::backward(run, at)
            }
        }
    }
}
