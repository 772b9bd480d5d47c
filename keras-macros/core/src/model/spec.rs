//! The graph as one const, which run-time code reads.

use proc_macro2::{Ident, TokenStream};
use quote::{quote, quote_spanned};

use super::graph::{Layer, Value};
use super::parts::{Parts, number};
use crate::naming::snake;

/// Expands to: the graph.
///
/// ```text
/// &GraphSpec {
///     name: "mlp",
///     sequential: true,
///     inputs: &[InputSpec::new("input_layer", Self::INPUT)],
///     outputs: &[OutputSpec::new("dense", Self::OUTPUT, Source::node(0))],
///     layers: &[LayerSpec::new("dense", &Self::DENSE)],
///     nodes: &[NodeSpec::new(0, &[Source::Input(0)], &Self::DENSE_PLAN)],
/// }
/// ```
pub fn graph(parts: &Parts<'_>, sequential: bool) -> TokenStream {
    let Parts { header, graph, idents } = parts;
    let model = snake(&header.name.to_string());
    let inputs = header.inputs.iter().zip(&idents.inputs).map(|(port, ident)| {
        let name = port.name.as_ref().map_or("input_layer".to_string(), Ident::to_string);
        quote!(::keras::rt::InputSpec::new(#name, Self::#ident))
    });
    let outputs = header.outputs.iter().zip(&graph.outputs).zip(&idents.outputs);
    let outputs = outputs.map(|((port, output), ident)| {
        let name = match (&port.name, output) {
            (Some(name), _) => name.to_string(),
            (None, Value::Output { node, .. }) => idents.names[graph.nodes[*node].layer].clone(),
            (None, Value::Input(_)) => "output".to_string(),
        };
        let source = source(output);
        quote!(::keras::rt::OutputSpec::new(#name, Self::#ident, #source))
    });
    let layers = graph.layers.iter().enumerate().map(|(at, layer)| {
        let (name, ident, options) = (&idents.names[at], &idents.layers[at], options(layer));
        let layer = quote_spanned!(layer.ends.first=> &Self::#ident);
        quote!(::keras::rt::LayerSpec::new(#name, #layer) #options)
    });
    let nodes = graph.nodes.iter().enumerate().map(|(at, node)| {
        let (layer, plan) = (number(node.layer), &idents.plans[at]);
        let call = idents.calls[at].as_ref().map(|call| quote!(.with_options(&Self::#call)));
        let inputs = node.inputs.iter().map(source);
        quote!(::keras::rt::NodeSpec::new(#layer, &[#(#inputs),*], &Self::#plan) #call)
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

fn source(value: &Value) -> TokenStream {
    match *value {
        Value::Input(at) => {
            let at = number(at);
            quote!(::keras::rt::Source::Input(#at))
        }
        Value::Output { node, output: 0 } => {
            let node = number(node);
            quote!(::keras::rt::Source::node(#node))
        }
        Value::Output { node, output } => {
            let (node, output) = (number(node), number(output));
            quote!(::keras::rt::Source::Node { node: #node, output: #output })
        }
    }
}

/// What a layer's place in the model says of it.
fn options(layer: &Layer) -> TokenStream {
    let trainable = layer.trainable.as_ref().map(|value| quote!(.trainable(#value)));
    let regularizer = layer
        .activity_regularizer
        .as_ref()
        .map(|value| quote!(.activity_regularizer({ use ::keras::symbols::*; #value })));
    quote!(#trainable #regularizer)
}
