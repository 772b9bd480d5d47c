//! Typed access to a model's layers: `model.dense_1().kernel()`.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{Generics, parse_quote};

use super::consts::{layer_type, value};
use super::graph::Value;
use super::parse::Header;
use super::parts::{Parts, number};

/// The type that has a method for each layer: `MlpLayers`.
pub fn type_name(header: &Header) -> Ident {
    format_ident!("{}Layers", header.name)
}

/// Expands to: two methods a layer, and what makes the type the access to a model.
///
/// ```text
/// impl<N: Reads> MlpLayers<N> {
///     pub fn dense(&self) -> LayerRef<'_, Dense, D1<784>, D1<64>> { .. }
///     pub fn dense_mut(&mut self) -> LayerMut<'_, Dense, D1<784>, D1<64>> where N: Writes { .. }
/// }
/// impl<N> Access<N> for MlpLayers<N> { .. }
/// ```
pub fn layers(parts: &Parts<'_>) -> TokenStream {
    let Header { name, generics, .. } = parts.header;
    let (_, type_generics, _) = generics.split_for_impl();
    let (layers, turbofish) = (type_name(parts.header), type_generics.as_turbofish());
    let mut dims = Dims { parts, aliases: TokenStream::new(), known: HashMap::new() };
    let mut methods = TokenStream::new();
    // The shapes are those of the first call.
    let first = parts.graph.first_calls();
    for (call, node) in parts.graph.nodes.iter().enumerate().filter(|(call, _)| first[*call]) {
        let at = node.layer;
        let (method, method_mut) = (&parts.idents.methods[at], &parts.idents.methods_mut[at]);
        let ident = &parts.idents.layers[at];
        let span = parts.graph.layers[at].ends.first;
        let layer = quote_spanned!(span=> &#name #turbofish::#ident);
        let (ty, class) =
            (layer_type(parts, at, parts.graph.layers[at].ends.first), &parts.graph.layers[at].label);
        let input = dims.list(&node.inputs);
        let outputs: Vec<Value> =
            (0..node.outputs.unwrap_or(1)).map(|output| Value::Output { node: call, output }).collect();
        let output = dims.list(&outputs);
        let at_literal = number(at);
        let doc = format!("The layer `{}`: {class}.", parts.idents.names[at]);
        let returned = quote_spanned!(span=> ::keras::rt::LayerRef<'_, #ty, #input, #output>);
        methods.extend(quote! {
            #[doc = #doc]
            pub fn #method(&self) -> #returned {
                ::keras::rt::LayerRef::of::<#name #type_generics>(&self.0, #layer, #at_literal)
            }
        });
        let doc = format!("The layer `{}`, to change its weights.", parts.idents.names[at]);
        let returned = quote_spanned!(span=> ::keras::rt::LayerMut<'_, #ty, #input, #output>);
        methods.extend(quote! {
            #[doc = #doc]
            pub fn #method_mut(&mut self) -> #returned
            where
                __N: ::keras::rt::Writes,
            {
                ::keras::rt::LayerMut::of::<#name #type_generics>(&mut self.0, #layer, #at_literal)
            }
        });
    }
    let aliases = dims.aliases;
    let any = with_network(generics, None);
    let read = with_network(generics, Some(quote!(::keras::rt::Reads)));
    let ((any, ty, _), (read, ..)) = (any.split_for_impl(), read.split_for_impl());
    quote! {
        #aliases
        impl #read #layers #ty { #methods }
        #[automatically_derived]
        impl #any ::keras::rt::Access<__N> for #layers #ty {
            fn at(place: ::keras::rt::Place<__N>) -> Self { Self(place) }
            fn place(&self) -> &::keras::rt::Place<__N> { &self.0 }
            fn place_mut(&mut self) -> &mut ::keras::rt::Place<__N> { &mut self.0 }
        }
    }
}

/// A model's parameters, and a type that is its network or a reference to it.
pub fn with_network(generics: &Generics, bound: Option<TokenStream>) -> Generics {
    let mut generics = generics.clone();
    generics.params.push(match bound {
        Some(bound) => parse_quote!(__N: #bound),
        None => parse_quote!(__N),
    });
    generics
}

/// Shapes of values as types, each worked out once.
struct Dims<'a> {
    parts: &'a Parts<'a>,
    aliases: TokenStream,
    known: HashMap<Value, Ident>,
}

impl Dims<'_> {
    /// One type, or a tuple of them. A generic model's shapes are not known as types.
    fn list(&mut self, values: &[Value]) -> TokenStream {
        if self.parts.header.is_generic() {
            return quote!(());
        }
        let types: Vec<Ident> = values.iter().map(|value| self.one(*value)).collect();
        if let [one] = &types[..] { quote!(#one) } else { quote!((#(#types),*)) }
    }

    fn one(&mut self, of: Value) -> Ident {
        if let Some(known) = self.known.get(&of) {
            return known.clone();
        }
        let alias = format_ident!("__Dims{}", self.known.len());
        let name = &self.parts.header.name;
        let spec = value(self.parts, of, &quote!(#name));
        self.aliases.extend(quote!(type #alias = ::keras::rt::dims!(#spec);));
        self.known.insert(of, alias.clone());
        alias
    }
}
