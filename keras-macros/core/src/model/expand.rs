//! The generated code: a type, its graph as consts, and one line for each call.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};
use syn::{GenericArgument, PathArguments, parse_quote};

use super::graph::{Graph, Idents, Layer, Value};
use super::parse::{Body, Header};
use super::{access, check, types};
use crate::naming::snake;

/// What expansion works on.
pub struct Parts<'a> {
    /// The header.
    pub header: &'a Header,
    /// The graph.
    pub graph: &'a Graph,
    /// The identifiers.
    pub idents: &'a Idents,
}

/// Expands to: the model's type and everything it implements.
pub fn model(parts: &Parts<'_>, body: &Body) -> TokenStream {
    let Header { name, generics, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let declaration = declaration(parts);
    let (aliases, consts) = (aliases(parts), consts(parts));
    let (check, mention) = (check::of_instance(parts), check::mention(parts));
    let first = parts.graph.first_calls();
    let first = first.iter().zip(&parts.idents.plans).filter(|(first, _)| **first).map(|(_, plan)| plan);
    let graph = graph(parts, matches!(body, Body::List(_)));
    let (forward, backward) = walks(parts);
    let architecture = architecture(parts, &quote!({ #mention #graph }), &forward, &backward);
    let (layer, access) = (layer(parts.header), access::layers(parts));
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
                pub const PARAMS: usize = { #mention ::keras::rt::params(&[#(&Self::#first),*]) };
                /// 32-bit floats per sample that the values of a forward pass take.
                pub const PEAK: usize = ::keras::rt::peak_floats(<Self as ::keras::rt::Architecture>::GRAPH);
                /// 32-bit floats per sample that values, what backward keeps, and gradients take in a training step.
                pub const TRAIN_PEAK: usize =
                    ::keras::rt::train_peak_floats(<Self as ::keras::rt::Architecture>::GRAPH);
            }
            #architecture
            #layer
            #access
        };
        #checks
    }
}

/// After a mistake in the body: a type that can be named, used and called, so that its uses do not fail too. What could be
/// understood is still checked.
pub fn stub(parts: &Parts<'_>) -> TokenStream {
    let Header { name, generics, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let declaration = declaration(parts);
    let (aliases, consts, check) = (aliases(parts), consts(parts), check::of_instance(parts));
    let graph = quote!(&::keras::rt::EMPTY);
    let architecture = architecture(parts, &graph, &quote!(at), &quote!(at));
    let (layer, access) = (layer(parts.header), access::layers(parts));
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
                /// Unknown: the model has a mistake.
                pub const PARAMS: usize = 0;
                /// Unknown: the model has a mistake.
                pub const PEAK: usize = 0;
                /// Unknown: the model has a mistake.
                pub const TRAIN_PEAK: usize = 0;
            }
            #architecture
            #layer
            #access
        };
        #checks
    }
}

/// Expands to: `pub struct Mlp;` and `pub struct MlpLayers(Network);`.
fn declaration(parts: &Parts<'_>) -> TokenStream {
    let Header { attrs, vis, name, generics, inputs, outputs } = parts.header;
    let layers = access::type_name(parts.header);
    let list = |ports: &[super::parse::Port]| ports.iter().map(types::text).collect::<Vec<_>>().join(", ");
    let signature = format!("From {} to {}.", list(inputs), list(outputs));
    let separator = attrs.iter().any(|attr| attr.path().is_ident("doc")).then(|| quote!(#[doc = ""]));
    let doc = format!("The layers of [`{name}`], by name.");
    quote! {
        #(#attrs)*
        #separator
        #[doc = #signature]
        #vis struct #name #generics;

        #[doc = #doc]
        #[allow(missing_debug_implementations, dead_code)]
        #vis struct #layers #generics(::keras::rt::Network);
    }
}

/// The alias of a layer's type. A user's path is written once, so that a typo is reported once.
pub fn alias(index: usize, span: Span) -> Ident {
    format_ident!("__Layer{index}", span = span)
}

fn inner_alias(index: usize, span: Span) -> Ident {
    format_ident!("__Inner{index}", span = span)
}

/// Expands to: `type __Layer0 = Dense;`, or `type __Layer0<const N: usize> = Proj<N>;`.
fn aliases(parts: &Parts<'_>) -> TokenStream {
    let params = parts.header.params().map(|param| {
        let (name, ty) = (&param.ident, &param.ty);
        quote!(const #name: #ty)
    });
    let params: Vec<TokenStream> = params.collect();
    let one = |alias: Ident, layer: &Layer| {
        let mut class = layer.class.clone();
        if let (Some(inner), Some(last)) = (layer.inner, class.segments.last_mut())
            && last.arguments.is_none()
        {
            let inner = inner_type(parts, inner, Span::call_site());
            last.arguments = PathArguments::AngleBracketed(parse_quote!(<#inner>));
        }
        match is_generic(parts, layer) {
            true => quote!(type #alias<#(#params),*> = #class;),
            false => quote!(type #alias = #class;),
        }
    };
    let Graph { layers, wrapped, .. } = parts.graph;
    let layers = layers.iter().enumerate().map(|(at, l)| one(alias(at, l.ends.first), l));
    let wrapped = wrapped.iter().enumerate().map(|(at, l)| one(inner_alias(at, l.ends.first), l));
    quote!(#(#wrapped)* #(#layers)*)
}

/// Whether a layer's type has const parameters of the model, itself or in what it wraps.
fn is_generic(parts: &Parts<'_>, layer: &Layer) -> bool {
    let mentioned = layer.class.segments.iter().any(|segment| match &segment.arguments {
        PathArguments::AngleBracketed(arguments) => {
            arguments.args.iter().any(|a| !matches!(a, GenericArgument::Lifetime(_)))
        }
        _ => false,
    });
    let inner = layer.inner.is_some_and(|inner| is_generic(parts, &parts.graph.wrapped[inner]));
    parts.header.is_generic() && (mentioned || inner)
}

/// The type of a layer: its alias, with the model's parameters if it needs them.
pub fn layer_type(parts: &Parts<'_>, at: usize, span: Span) -> TokenStream {
    instantiated(parts, &parts.graph.layers[at], alias(at, span))
}

fn inner_type(parts: &Parts<'_>, at: usize, span: Span) -> TokenStream {
    instantiated(parts, &parts.graph.wrapped[at], inner_alias(at, span))
}

fn instantiated(parts: &Parts<'_>, layer: &Layer, alias: Ident) -> TokenStream {
    if is_generic(parts, layer) {
        let params = parts.header.params().map(|param| &param.ident);
        quote!(#alias::<#(#params),*>)
    } else {
        quote!(#alias)
    }
}

/// Expands to: the declared specs, the layers, and the plan of each call.
///
/// ```text
/// const INPUT: Spec = Spec::of(&[784]);
/// const OUTPUT: Spec = Spec::of(&[10]);
/// const DENSE: __Layer0 = { use ::keras::symbols::*; __Layer0::new(64).activation(relu) };
/// const DENSE_PLAN: PlanResult = Self::DENSE.plan(&[Self::INPUT]);
/// ```
fn consts(parts: &Parts<'_>) -> TokenStream {
    let Parts { header, graph, idents } = parts;
    let inputs = header.inputs.iter().zip(&idents.inputs);
    let ports = inputs.chain(header.outputs.iter().zip(&idents.outputs)).map(|(port, ident)| {
        let spec = types::spec(port);
        quote!(const #ident: ::keras::rt::Spec = #spec;)
    });
    let constant = |ident: &Ident, ty: TokenStream, layer: &Layer| {
        let last = layer.class.segments.last().map_or(layer.ends.first, |segment| segment.ident.span());
        let new = Ident::new("new", last);
        let inner = layer.inner.map(|inner| {
            let inner = &idents.wrapped[inner];
            quote!(Self::#inner,)
        });
        let arguments = &layer.arguments;
        let mut group =
            proc_macro2::Group::new(proc_macro2::Delimiter::Parenthesis, quote!(#inner #arguments));
        group.set_span(layer.paren);
        let options = &layer.options;
        quote! {
            const #ident: #ty = {
                use ::keras::symbols::*;
                #ty::#new #group #options
            };
        }
    };
    let wrapped = graph
        .wrapped
        .iter()
        .enumerate()
        .map(|(at, layer)| constant(&idents.wrapped[at], inner_type(parts, at, layer.ends.first), layer));
    let layers = graph
        .layers
        .iter()
        .enumerate()
        .map(|(at, layer)| constant(&idents.layers[at], layer_type(parts, at, layer.ends.first), layer));
    let mut first: Vec<Option<&Ident>> = vec![None; graph.layers.len()];
    let plans = graph.nodes.iter().enumerate().map(|(at, node)| {
        let (layer, ident) = (&idents.layers[node.layer], &idents.plans[at]);
        let call = idents.calls[at].as_ref().map(|call| {
            let (ty, options) = (layer_type(parts, node.layer, Span::call_site()), &node.options);
            quote! {
                const #call: #ty = {
                    use ::keras::symbols::*;
                    Self::#layer #options
                };
            }
        });
        let called = idents.calls[at].as_ref().unwrap_or(layer);
        let inputs = node.inputs.iter().map(|input| value(parts, *input, &quote!(Self)));
        let layer = &graph.layers[node.layer];
        let mut plan = plan(parts, layer, quote!(Self::#called), quote!(&[#(#inputs),*]));
        match &first[node.layer] {
            Some(first) => plan = quote!(::keras::rt::shared_plan(&Self::#first, #plan)),
            None => first[node.layer] = Some(ident),
        }
        quote!(#call const #ident: ::keras::rt::PlanResult = #plan;)
    });
    quote!(#(#ports)* #(#wrapped)* #(#layers)* #(#plans)*)
}

/// Expands to: `Self::DENSE.plan(&[..])`; a wrapper gets the plan of what it wraps.
fn plan(parts: &Parts<'_>, layer: &Layer, this: TokenStream, inputs: TokenStream) -> TokenStream {
    let Some(inner) = layer.inner else {
        let span = layer.class.segments.last().map_or(layer.ends.first, |segment| segment.ident.span());
        let plan = Ident::new("plan", span);
        return quote!(#this.#plan(#inputs));
    };
    let ident = &parts.idents.wrapped[inner];
    let inner = self::plan(parts, &parts.graph.wrapped[inner], quote!(Self::#ident), quote!(specs));
    quote!(::keras::rt::wrapped!(#this, #inputs, specs => #inner))
}

/// The spec of a value.
pub fn value(parts: &Parts<'_>, value: Value, this: &TokenStream) -> TokenStream {
    match value {
        Value::Input(at) => {
            let input = &parts.idents.inputs[at];
            quote!(#this::#input)
        }
        Value::Output { node, output } => {
            let plan = &parts.idents.plans[node];
            quote!(::keras::rt::output(&#this::#plan, #output))
        }
    }
}

/// Expands to: the graph as one const, which run-time code reads.
fn graph(parts: &Parts<'_>, sequential: bool) -> TokenStream {
    let Parts { header, graph, idents } = parts;
    let model = snake(&header.name.to_string());
    let source = |value: &Value| match *value {
        Value::Input(at) => quote!(::keras::rt::Source::Input(#at)),
        Value::Output { node, output: 0 } => quote!(::keras::rt::Source::node(#node)),
        Value::Output { node, output } => {
            quote!(::keras::rt::Source::Node { node: #node, output: #output })
        }
    };
    let inputs = header.inputs.iter().zip(&idents.inputs).map(|(port, ident)| {
        let name = port.name.as_ref().map_or("input_layer".to_string(), Ident::to_string);
        quote!(::keras::rt::InputSpec { name: #name, spec: Self::#ident })
    });
    let outputs = header.outputs.iter().zip(&graph.outputs).map(|(port, output)| {
        let name = match (&port.name, output) {
            (Some(name), _) => name.to_string(),
            (None, Value::Output { node, .. }) => idents.names[graph.nodes[*node].layer].clone(),
            (None, Value::Input(_)) => "output".to_string(),
        };
        let source = source(output);
        quote!(::keras::rt::OutputSpec { name: #name, source: #source })
    });
    let layers = graph.layers.iter().enumerate().map(|(at, layer)| {
        let (name, ident) = (&idents.names[at], &idents.layers[at]);
        let trainable = layer.trainable.as_ref().map_or(quote!(true), |value| quote!(#value));
        let regularizer = match &layer.activity_regularizer {
            Some(value) => quote!({ use ::keras::symbols::*; ::core::option::Option::Some(#value) }),
            None => quote!(::core::option::Option::None),
        };
        quote! {
            ::keras::rt::LayerSpec {
                name: #name,
                layer: &Self::#ident,
                trainable: #trainable,
                activity_regularizer: #regularizer,
            }
        }
    });
    let nodes = graph.nodes.iter().enumerate().map(|(at, node)| {
        let (layer, plan) = (node.layer, &idents.plans[at]);
        let call = match &idents.calls[at] {
            Some(call) => quote!(::core::option::Option::Some(&Self::#call)),
            None => quote!(::core::option::Option::None),
        };
        let inputs = node.inputs.iter().map(source);
        quote! {
            ::keras::rt::NodeSpec {
                layer: #layer,
                call: #call,
                inputs: &[#(#inputs),*],
                plan: ::keras::rt::plan_of(&Self::#plan),
            }
        }
    });
    quote! {
        &::keras::rt::GraphSpec {
            name: #model,
            sequential: #sequential,
            inputs: &[#(#inputs),*],
            outputs: &[#(#outputs),*],
            layers: &[#(#layers),*],
            nodes: &[#(#nodes),*],
        }
    }
}

/// Expands to: `let at = run.step(&Self::DENSE, at);` for each call, and the same backward.
fn walks(parts: &Parts<'_>) -> (TokenStream, TokenStream) {
    let idents = parts.idents;
    let called = parts.graph.nodes.iter().zip(&idents.calls);
    let called = called.map(|(node, call)| call.as_ref().unwrap_or(&idents.layers[node.layer]));
    let forward = called.clone().map(|layer| quote!(let at = run.step(&Self::#layer, at);));
    let backward = called.rev().map(|layer| quote!(let at = run.back(&Self::#layer, at);));
    (quote!(#(#forward)* at), quote!(#(#backward)* at))
}

/// Expands to: `impl Architecture for Mlp { .. }`.
fn architecture(
    parts: &Parts<'_>,
    graph: &TokenStream,
    forward: &TokenStream,
    backward: &TokenStream,
) -> TokenStream {
    let Header { name, generics, inputs, outputs, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let layers = access::type_name(parts.header);
    let (input, output) = (types::batches(inputs), types::batches(outputs));
    quote! {
        #[automatically_derived]
        impl #impl_generics ::keras::rt::Architecture for #name #type_generics {
            type Input = #input;
            type Output = #output;
            type Layers = #layers #type_generics;
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
    quote! {
        impl #impl_generics #name #type_generics {
            /// The model as a layer of another one.
            #[must_use]
            pub const fn new() -> Self { #name }

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
            type Weights<'__a> = ::keras::rt::NoWeights;
            fn weights(_: &::keras::rt::Network, _: usize) -> ::keras::rt::NoWeights { ::keras::rt::NoWeights }
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
