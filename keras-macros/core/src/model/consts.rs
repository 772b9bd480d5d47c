//! The consts of a model: what it declares, its layers, and the plan of each call.

use proc_macro2::{Delimiter, Group, Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::{GenericArgument, PathArguments, parse_quote};

use super::graph::{Graph, Layer, Value};
use super::parts::{Parts, number};
use super::types;

/// The alias of a layer's type. A user's path is written once, so that a typo is reported once.
pub fn alias(index: usize, span: Span) -> Ident {
    format_ident!("__Layer{index}", span = span)
}

fn inner_alias(index: usize, span: Span) -> Ident {
    format_ident!("__Inner{index}", span = span)
}

/// Expands to: `type __Layer0 = Dense;`, or `type __Layer0<const N: usize> = Proj<N>;`.
pub fn aliases(parts: &Parts<'_>) -> TokenStream {
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
            let both = [Some(inner), layer.backward];
            let both = both.iter().flatten().map(|inner| inner_type(parts, *inner, Span::call_site()));
            last.arguments = PathArguments::AngleBracketed(parse_quote!(<#(#both),*>));
        }
        match is_generic(parts, layer) {
            true => quote!(type #alias<#(#params),*> = <#class as ::keras::rt::IsLayer>::Layer;),
            false => quote!(type #alias = <#class as ::keras::rt::IsLayer>::Layer;),
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
    let mut inner = [layer.inner, layer.backward].into_iter().flatten();
    let inner = inner.any(|inner| is_generic(parts, &parts.graph.wrapped[inner]));
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
pub fn consts(parts: &Parts<'_>) -> TokenStream {
    let Parts { header, graph, idents } = parts;
    let inputs = header.inputs.iter().zip(&idents.inputs).map(|(port, ident)| (port, ident, None));
    let outputs = header.outputs.iter().zip(&idents.outputs).enumerate();
    let outputs = outputs.map(|(at, (port, ident))| (port, ident, graph.outputs.get(at)));
    let ports = inputs.chain(outputs).map(|(port, ident, yielded)| {
        let spec = match yielded {
            Some(yielded) if port.inferred => value(parts, *yielded, &quote!(Self)),
            _ => types::spec(port),
        };
        quote!(const #ident: ::keras::rt::Spec = #spec;)
    });
    let constant = |ident: &Ident, ty: TokenStream, layer: &Layer| {
        let last = layer.class.segments.last().map_or(layer.ends.first, |segment| segment.ident.span());
        let new = Ident::new(if layer.backward.is_some() { "of_both" } else { "new" }, last);
        let inner = [layer.inner, layer.backward].into_iter().flatten().map(|inner| {
            let inner = &idents.wrapped[inner];
            quote!(Self::#inner,)
        });
        let arguments = &layer.arguments;
        let mut group = Group::new(Delimiter::Parenthesis, quote!(#(#inner)* #arguments));
        group.set_span(layer.paren);
        let options = &layer.options;
        let made = match layer.by_name {
            true => {
                let (named, made) = (Ident::new("__named", last), Ident::new("__made", last));
                quote_spanned!(last=> #ty::#named() #options.#made())
            }
            false => quote!(#ty::#new #group #options),
        };
        let value = quote!(use ::keras::symbols::*; #made);
        let mut block = Group::new(Delimiter::Brace, value);
        block.set_span(layer.ends.first);
        quote!(const #ident: #ty = #block;)
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
        let mut plan =
            plan(parts, layer, quote_spanned!(layer.ends.first=> Self::#called), quote!(&[#(#inputs),*]));
        match &first[node.layer] {
            Some(first) => plan = quote!(::keras::rt::shared_plan(&Self::#first, #plan)),
            None => first[node.layer] = Some(ident),
        }
        quote!(#call const #ident: ::keras::rt::PlanResult = #plan;)
    });
    quote!(#(#ports)* #(#wrapped)* #(#layers)* #(#plans)*)
}

/// Expands to: `Self::DENSE.plan(&[..])`; a wrapper gets the plan of what it wraps (of both layers, if it has one for each direction).
fn plan(parts: &Parts<'_>, layer: &Layer, this: TokenStream, inputs: TokenStream) -> TokenStream {
    let Some(inner) = layer.inner else {
        let span = layer.class.segments.last().map_or(layer.ends.first, |segment| segment.ident.span());
        let plan = Ident::new("plan", span);
        return quote!(#this.#plan(#inputs));
    };
    let inner = [Some(inner), layer.backward].into_iter().flatten().map(|inner| {
        let ident = &parts.idents.wrapped[inner];
        plan(parts, &parts.graph.wrapped[inner], quote!(Self::#ident), quote!(specs))
    });
    quote!(::keras::rt::wrapped!(#this, #inputs, specs => #(#inner),*))
}

/// The spec of a value.
pub fn value(parts: &Parts<'_>, value: Value, this: &TokenStream) -> TokenStream {
    match value {
        Value::Input(at) => {
            let input = &parts.idents.inputs[at];
            quote!(#this::#input)
        }
        Value::Output { node, output } => {
            let (plan, output) = (&parts.idents.plans[node], number(output));
            quote!(::keras::rt::output(&#this::#plan, #output))
        }
    }
}
