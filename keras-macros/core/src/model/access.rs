//! Typed access to a model's layers: `model.dense_1().kernel()`.

use std::collections::HashMap;

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::expand::{Parts, layer_type, value};
use super::graph::Value;
use super::parse::Header;

/// The type that has a method for each layer: `MlpLayers`.
pub fn type_name(header: &Header) -> Ident {
    format_ident!("{}Layers", header.name)
}

/// Expands to: one method a layer, and the conversions from and to the network.
///
/// ```text
/// impl MlpLayers {
///     pub fn dense(&self) -> LayerRef<'_, Dense, D1<784>, D1<64>> { LayerRef::new(&self.0, &Mlp::DENSE, 0) }
/// }
/// ```
pub fn layers(parts: &Parts<'_>) -> TokenStream {
    let Header { name, generics, .. } = parts.header;
    let (impl_generics, type_generics, _) = generics.split_for_impl();
    let (layers, turbofish) = (type_name(parts.header), type_generics.as_turbofish());
    let mut dims = Dims { parts, aliases: TokenStream::new(), known: HashMap::new() };
    let mut seen = vec![false; parts.graph.layers.len()];
    let mut methods = TokenStream::new();
    for (number, node) in parts.graph.nodes.iter().enumerate() {
        let at = node.layer;
        // The shapes are those of the first call.
        if std::mem::replace(&mut seen[at], true) {
            continue;
        }
        let (method, ident) = (&parts.idents.methods[at], &parts.idents.layers[at]);
        let (ty, class) =
            (layer_type(parts, at, parts.graph.layers[at].ends.first), &parts.graph.layers[at].label);
        let input = dims.list(&node.inputs);
        let outputs: Vec<Value> =
            (0..node.outputs.unwrap_or(1)).map(|output| Value::Output { node: number, output }).collect();
        let output = dims.list(&outputs);
        let doc = format!("The layer `{}`: {class}.", parts.idents.names[at]);
        methods.extend(quote! {
            #[doc = #doc]
            pub fn #method(&self) -> ::keras::rt::LayerRef<'_, #ty, #input, #output> {
                let graph = <#name #type_generics as ::keras::rt::Architecture>::GRAPH;
                ::keras::rt::LayerRef::new(&self.0, &#name #turbofish::#ident, ::keras::rt::leaf(graph, #at))
            }
        });
    }
    let aliases = dims.aliases;
    quote! {
        #aliases
        impl #impl_generics #layers #type_generics { #methods }
        #[automatically_derived]
        impl #impl_generics ::core::convert::From<::keras::rt::Network> for #layers #type_generics {
            fn from(network: ::keras::rt::Network) -> Self { Self(network) }
        }
        #[automatically_derived]
        impl #impl_generics ::core::convert::AsRef<::keras::rt::Network> for #layers #type_generics {
            fn as_ref(&self) -> &::keras::rt::Network { &self.0 }
        }
        #[automatically_derived]
        impl #impl_generics ::core::convert::AsMut<::keras::rt::Network> for #layers #type_generics {
            fn as_mut(&mut self) -> &mut ::keras::rt::Network { &mut self.0 }
        }
    }
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
