//! Names of layers as Keras numbers them, and identifiers of what is generated for them.

use std::collections::HashMap;

use proc_macro2::{Ident, Span};
use quote::format_ident;
use syn::ext::IdentExt;

use super::graph::{Graph, Idents, Layer};
use super::parse::{Header, Port};
use crate::errors::Errors;
use crate::naming::{Names, ident};

/// Consts that every model has.
const RESERVED: &[&str] = &["CHECK", "GRAPH", "PARAMS", "PEAK", "TRAIN_PEAK"];

/// Names everything. A name that is given twice is an error.
pub fn assign(header: &Header, graph: &Graph, errors: &mut Errors) -> Idents {
    let names = layer_names(&graph.layers, errors);

    let mut fresh_methods = Names::default();
    let methods: Vec<Ident> = (names.iter().zip(&graph.layers))
        .map(|(name, layer)| {
            let span = layer.name.as_ref().map_or(Span::call_site(), |name| name.span);
            let plain = ident(name, span);
            let mut next = 0;
            Ident::new(&fresh_methods.fresh(&plain.to_string(), &mut next), span)
        })
        .collect();
    let mut changing = |method: &Ident| {
        // `type_`, which is no keyword, becomes `type_mut`.
        let (stem, mut next) = (format!("{}_mut", method.unraw().to_string().trim_end_matches('_')), 0);
        Ident::new(&fresh_methods.fresh(&stem, &mut next), method.span())
    };
    let methods_mut: Vec<Ident> = methods.iter().map(&mut changing).collect();

    let mut consts = Names::default();
    RESERVED.iter().for_each(|name| {
        consts.take(name);
    });
    let mut fresh = |stem: String| {
        let mut next = 0;
        let name = consts.fresh(&stem.trim_start_matches('_').to_uppercase(), &mut next);
        if name.starts_with(|c: char| c.is_ascii_digit()) {
            format_ident!("_{name}")
        } else {
            format_ident!("{name}")
        }
    };
    let mut ports = |ports: &[Port], kind: &str| -> Vec<Ident> {
        let port = |port: &Port| match &port.name {
            Some(name) => fresh(format!("{kind}_{name}")),
            None => fresh(kind.to_string()),
        };
        ports.iter().map(port).collect()
    };
    let (inputs, outputs) = (ports(&header.inputs, "INPUT"), ports(&header.outputs, "OUTPUT"));
    // What rustc says of a layer's const is said of the layer.
    let constant = |(method, layer): (&Ident, &Layer)| {
        let mut constant = fresh(method.to_string());
        constant.set_span(layer.ends.first);
        constant
    };
    let layers: Vec<Ident> = methods.iter().zip(&graph.layers).map(constant).collect();
    let wrapped = graph.wrapped.iter().map(|layer| fresh(format!("inner_{}", layer.stem))).collect();
    let mut calls_of = vec![0; layers.len()];
    let (mut plans, mut calls) = (Vec::new(), Vec::new());
    for node in &graph.nodes {
        calls_of[node.layer] += 1;
        let (layer, count) = (&layers[node.layer], calls_of[node.layer]);
        plans.push(if count == 1 {
            fresh(format!("{layer}_plan"))
        } else {
            fresh(format!("{layer}_plan_{count}"))
        });
        calls.push((!node.options.is_empty()).then(|| fresh(format!("{layer}_call_{count}"))));
    }
    Idents { names, methods, methods_mut, layers, wrapped, plans, calls, inputs, outputs }
}

/// Given names first; the others are the class in snake case (or the variable), numbered where taken.
fn layer_names(layers: &[Layer], errors: &mut Errors) -> Vec<String> {
    let mut names = Names::default();
    for name in layers.iter().filter_map(|layer| layer.name.as_ref()).filter(|name| name.explicit) {
        if !names.take(&name.text) {
            let text = &name.text;
            let message =
                format!("two layers are called `{text}` (a layer in a loop or a block is made every time)");
            errors.push(syn::Error::new(name.span, message));
        }
    }
    let mut next: HashMap<&str, usize> = HashMap::new();
    let name_of = |layer| {
        let Layer { name, stem, .. }: &Layer = layer;
        let stem = match name {
            Some(name) if name.explicit => return name.text.clone(),
            Some(name) => &name.text,
            None => stem,
        };
        names.fresh(stem, next.entry(stem).or_default())
    };
    layers.iter().map(name_of).collect()
}
