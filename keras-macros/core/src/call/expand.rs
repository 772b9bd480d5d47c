//! Writing the code.

use std::collections::{BTreeSet, HashSet};

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::graph::{Extra, Graph, Kind};
use super::schedule::{Entry, Room, Schedule, Step, Work};
use super::signature::Method;

/// One way through `call`.
pub(super) struct Path {
    pub graph: Graph,
    pub schedule: Schedule,
}

/// Expands to: the layer's `plan`, and `impl Layer`.
pub(super) fn expand(method: &Method, paths: &[Path]) -> TokenStream {
    let (ty, inputs) = (&method.ty, method.inputs.len());
    let (impl_generics, _, where_clause) = method.generics.split_for_impl();
    let size = paths.iter().map(|p| p.schedule.count).max().unwrap_or(0);
    let numbers: Vec<usize> = (0..paths.len()).collect();
    let name = |what: &str| numbers.iter().map(|k| format_ident!("__{what}_{k}")).collect::<Vec<_>>();
    let (traces, forwards, backwards) = (name("trace"), name("forward"), name("backward"));
    let methods = paths.iter().enumerate().map(|(k, path)| {
        let (trace, forward, backward) = (trace(path, k, size), forward(path), backward(path, inputs));
        let (trace_name, forward_name, backward_name) = (&traces[k], &forwards[k], &backwards[k]);
        let measured = measured(path);
        quote! {
            const fn #trace_name(
                &self,
                __inputs: &[::keras::rt::Spec],
                __declared: &::keras::rt::Plan,
            ) -> ::core::result::Result<::core::option::Option<::keras::rt::Trace<#size>>, ::keras::rt::Message> {
                #measured
                #trace
            }
            fn #forward_name(&self, __frame: &::keras::rt::Frame<'_, #size>) {
                let __trace = __frame.trace();
                #measured
                #forward
            }
            fn #backward_name(&self, __frame: &::keras::rt::Frame<'_, #size>) {
                let __trace = __frame.trace();
                #measured
                #backward
            }
        }
    });
    let outputs = paths.iter().map(|path| {
        let slots = path.graph.outputs.iter().map(|o| path.schedule.slots[*o]);
        let slots = slots.map(|s| s.expect("outputs have slots"));
        quote!(&[#(#slots),*])
    });
    let mut checks: Vec<&TokenStream> = paths.iter().flat_map(|path| &path.graph.checks).collect();
    let mut seen = HashSet::new();
    checks.retain(|check| seen.insert(check.to_string()));
    let used: BTreeSet<String> = paths.iter().flat_map(|path| path.graph.fields()).collect();
    let used = used.iter();
    quote! {
        #(#checks)*
        #[doc(hidden)]
        #[allow(clippy::all, unused, non_upper_case_globals)]
        impl #impl_generics #ty #where_clause {
            #(#methods)*
            /// The fields that `call` uses.
            pub const __USED: ::core::option::Option<&'static [&'static str]> =
                ::core::option::Option::Some(&[#(#used),*]);
            const fn __trace(
                &self,
                __inputs: &[::keras::rt::Spec],
                __declared: &::keras::rt::Plan,
            ) -> ::core::result::Result<::keras::rt::Trace<#size>, ::keras::rt::Message> {
                #(match self.#traces(__inputs, __declared) {
                    Ok(Some(__trace)) => return Ok(__trace),
                    Ok(None) => {}
                    Err(__message) => return Err(__message),
                })*
                ::core::unreachable!()
            }
            fn __frame<'a>(
                &self,
                __cx: &'a ::keras::rt::Context<'a>,
                __call: &'a ::keras::rt::Call,
            ) -> ::keras::rt::Frame<'a, #size> {
                let __inputs: [::keras::rt::Spec; #inputs] = ::keras::rt::call_specs(__call);
                let __declared = self.__weights(::keras::rt::Plan::new(__inputs[0]), &__inputs);
                match self.__trace(&__inputs, &__declared) {
                    Ok(__trace) => ::keras::rt::Frame::new(__cx, __call, __trace),
                    Err(__message) => ::core::unreachable!("{}", __message),
                }
            }
        }
        #[allow(clippy::all, unused)]
        impl #impl_generics #ty #where_clause {
            /// What the layer needs for inputs of these specs.
            pub const fn plan(&self, __inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
                if ::keras::rt::any_poison(__inputs) {
                    return Ok(::keras::rt::Plan::POISON);
                }
                if let Some(__message) = ::keras::rt::call_refuses(__inputs, #inputs) {
                    return Err(__message);
                }
                let __declared = self.__weights(::keras::rt::Plan::new(__inputs[0]), __inputs);
                let __trace = match self.__trace(__inputs, &__declared) {
                    Ok(__trace) => __trace,
                    Err(__message) => return Err(__message),
                };
                let __outputs: &[usize] = match __trace.path {
                    #(#numbers => #outputs,)*
                    _ => ::core::unreachable!(),
                };
                Ok(__trace.plan(&__declared, __outputs, Self::__SUPPORTS_MASKING))
            }
        }
        #[allow(clippy::all, unused)]
        impl #impl_generics ::keras::rt::Layer for #ty #where_clause {
            fn plan_for(&self, __inputs: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
                self.plan(__inputs)
            }
            fn forward(&self, __cx: &::keras::rt::Context<'_>, __call: &::keras::rt::Call) {
                let __frame = self.__frame(__cx, __call);
                match __frame.trace().path {
                    #(#numbers => self.#forwards(&__frame),)*
                    _ => ::core::unreachable!(),
                }
            }
            fn backward(&self, __cx: &::keras::rt::Context<'_>, __call: &::keras::rt::Call) {
                let __frame = self.__frame(__cx, __call);
                match __frame.trace().path {
                    #(#numbers => self.#backwards(&__frame),)*
                    _ => ::core::unreachable!(),
                }
            }
        }
    }
}

/// What stands in the place of the generated code after a mistake: so that uses of the layer are not reported too.
pub(super) fn stub(method: &Method) -> TokenStream {
    let ty = &method.ty;
    let (impl_generics, _, where_clause) = method.generics.split_for_impl();
    quote! {
        #[allow(unused)]
        impl #impl_generics #ty #where_clause {
            #[doc(hidden)]
            pub const fn plan(&self, _: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
                Ok(::keras::rt::Plan::POISON)
            }
        }
        impl #impl_generics ::keras::rt::Layer for #ty #where_clause {
            fn plan_for(&self, _: &[::keras::rt::Spec]) -> ::keras::rt::PlanResult {
                Ok(::keras::rt::Plan::POISON)
            }
            fn forward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) {}
            fn backward(&self, _: &::keras::rt::Context<'_>, _: &::keras::rt::Call) {}
        }
    }
}

/// Expands to: the slots of nodes whose sizes are asked for.
fn measured(path: &Path) -> TokenStream {
    let nodes: HashSet<usize> = path.graph.measured.iter().map(|(node, _)| *node).collect();
    let mut nodes: Vec<usize> = nodes.into_iter().collect();
    nodes.sort_unstable();
    let consts = nodes.into_iter().map(|node| {
        let (name, slot) = (format_ident!("__SLOT_{node}"), path.schedule.slots[node]);
        quote!(const #name: usize = #slot;)
    });
    quote!(#(#consts)*)
}

fn op_tokens(graph: &Graph, node: usize) -> &TokenStream {
    match &graph.nodes[node].kind {
        Kind::Op(tokens, _) | Kind::Alias(tokens) => tokens,
        _ => unreachable!("only operations have tokens"),
    }
}

/// Expands to: the specs and places of all values, one line each.
fn trace(path: &Path, number: usize, size: usize) -> TokenStream {
    let Path { graph, schedule } = path;
    let slot = |node: usize| schedule.slots[node].expect("live nodes have slots");
    let attempt = |line: TokenStream, node: usize| {
        // What rustc says about a line is said about the operation in `call`.
        let span = Span::call_site().located_at(graph.nodes[node].span);
        quote_spanned!(span=> if let Err(__message) = #line { return Err(__message); })
    };
    let check = |decision: &super::graph::Decision| {
        let condition = &decision.condition;
        let wrong = if decision.taken { quote!(!(#condition)) } else { quote!(#condition) };
        quote!(if #wrong { return Ok(None); })
    };
    let mut decisions = graph.decisions.iter().peekable();
    let mut lines = Vec::new();
    for entry in &schedule.entries {
        let (Entry::Value { node, .. }
        | Entry::Alias { node, .. }
        | Entry::Field { node }
        | Entry::Extra { node, .. }) = entry;
        while let Some(decision) = decisions.next_if(|d| d.at <= *node) {
            lines.push(check(decision));
        }
        let what = &graph.nodes[*node].what;
        let specs = |nodes: &[usize]| {
            let slots = nodes.iter().map(|n| slot(*n));
            quote!(&[#(__trace.spec(#slots)),*])
        };
        let inputs = &graph.nodes[*node].inputs;
        lines.push(match entry {
            Entry::Field { .. } => {
                attempt(quote!(__trace.field(__declared, Self::__is_weight(#what), #what)), *node)
            }
            Entry::Alias { of, .. } => {
                let (of_slot, specs) = (slot(*of), specs(&[*of]));
                let spec = match &graph.nodes[*node].kind {
                    Kind::Alias(tokens) => quote!(#tokens.spec(#specs)),
                    _ => quote!(::keras::rt::identity(#specs)),
                };
                attempt(quote!(__trace.alias(#spec, #what, #of_slot)), *node)
            }
            Entry::Value { room, .. } => {
                let room = match room {
                    Room::Nowhere => quote!(Nowhere),
                    Room::Output(i) => quote!(Output(#i)),
                    Room::Saved => quote!(Saved),
                    Room::Scratch => quote!(Scratch),
                };
                let spec = match &graph.nodes[*node].kind {
                    Kind::Op(tokens, _) => {
                        let specs = specs(inputs);
                        quote!(#tokens.spec(#specs))
                    }
                    _ => {
                        let tensors: Vec<usize> =
                            inputs.iter().filter(|i| !graph.is_number(**i)).copied().collect();
                        let specs = specs(&tensors);
                        quote!(::keras::rt::elementwise(#specs))
                    }
                };
                attempt(quote!(__trace.value(#spec, #what, ::keras::rt::Room::#room)), *node)
            }
            Entry::Extra { extra, .. } => {
                let specs = specs(inputs);
                let spec = match extra {
                    Extra::Input => quote!(::keras::rt::identity(#specs)),
                    Extra::Counts => {
                        let op = op_tokens(graph, *node);
                        quote!((#op).counts(#specs))
                    }
                    Extra::Room(i) => {
                        let op = op_tokens(graph, *node);
                        quote!((#op).room(#specs, #i))
                    }
                    Extra::BackwardRoom(i) => {
                        let op = op_tokens(graph, *node);
                        quote!((#op).backward_room(#specs, #i))
                    }
                };
                let room = match extra {
                    Extra::Room(_) => quote!(room),
                    _ => quote!(extra),
                };
                quote!(match #spec {
                    Ok(__spec) => __trace.#room(__spec),
                    Err(__message) => return Err(__message),
                })
            }
        });
    }
    lines.extend(decisions.map(check));
    lines.extend(schedule.grads.iter().map(|node| {
        let slot = slot(*node);
        quote!(__trace.grad(#slot);)
    }));
    lines.extend(schedule.shared.iter().map(|(node, of)| {
        let (slot, of) = (slot(*node), slot(*of));
        quote!(__trace.share_grad(#slot, #of);)
    }));
    quote! {
        let mut __trace = ::keras::rt::Trace::<#size>::new(__inputs, #number);
        #(#lines)*
        Ok(Some(__trace))
    }
}

fn slots(path: &Path, nodes: &[usize]) -> TokenStream {
    let slots = nodes.iter().map(|n| path.schedule.slots[*n].expect("live nodes have slots"));
    quote!([#(#slots),*])
}

/// Expands to: one line for each step.
fn forward(path: &Path) -> TokenStream {
    let lines = path.schedule.steps.iter().map(|step| {
        let to = path.schedule.slots[step.node];
        match &step.work {
            Work::Op => {
                let (op, inputs) =
                    (op_tokens(&path.graph, step.node), slots(path, &path.graph.nodes[step.node].inputs));
                let rooms = &step.rooms;
                quote!(__frame.forward(&#op, #inputs, #to, [#(#rooms),*]);)
            }
            Work::Chain { forward, .. } => {
                let (program, scalars, inputs) =
                    (forward.tokens(), &forward.scalars, slots(path, &forward.leaves));
                quote!(__frame.chain(#program, &[#(#scalars),*], #inputs, #to);)
            }
        }
    });
    quote!(#(#lines)*)
}

/// Expands to: one line for each step whose gradient is needed, last first.
fn backward(path: &Path, inputs: usize) -> TokenStream {
    let Path { graph, schedule } = path;
    let flows = graph.differentiable();
    let mut written = HashSet::new();
    // The first contribution to a value's gradient writes it, the others add.
    let mut grad = |node: usize| {
        let (slot, first) = (schedule.slots[node], written.insert(graph.owner(node)));
        quote!(__frame.grad(#slot, #first))
    };
    let mut line = |step: &Step| {
        let of = schedule.slots[step.node];
        match &step.work {
            Work::Op => {
                let node = &graph.nodes[step.node];
                let grads: Vec<TokenStream> = node
                    .inputs
                    .iter()
                    .map(|i| if flows[*i] { grad(*i) } else { quote!(::core::option::Option::None) })
                    .collect();
                let (op, inputs, extras) =
                    (op_tokens(graph, step.node), slots(path, &node.inputs), &step.extras);
                quote!(__frame.backward(&#op, #inputs, #of, [#(#grads),*], [#(#extras),*]);)
            }
            Work::Chain { backward, leaves, .. } => {
                let grads: Vec<TokenStream> = leaves.iter().map(|l| grad(*l)).collect();
                let (program, scalars, inputs) =
                    (backward.tokens(), &backward.scalars, slots(path, &backward.leaves));
                quote!(__frame.chain_backward(#program, &[#(#scalars),*], #inputs, #of, &[#(#grads),*]);)
            }
        }
    };
    let lines: Vec<TokenStream> = schedule.steps.iter().rev().filter(|s| s.backward).map(&mut line).collect();
    let leaf =
        |node: &usize, is: &dyn Fn(&Kind) -> bool| is(&graph.nodes[*node].kind) && written.contains(node);
    let reached: Vec<usize> = (0..graph.nodes.len())
        .filter(|n| leaf(n, &|k| matches!(k, Kind::Input(_))))
        .filter_map(|n| schedule.slots[n])
        .collect();
    let zero = (0..inputs).filter(|i| !reached.contains(i)).map(|i| quote!(__frame.zero(#i);));
    let fields: Vec<usize> = (0..graph.nodes.len())
        .filter(|n| leaf(n, &|k| matches!(k, Kind::Field(_))))
        .filter_map(|n| schedule.slots[n])
        .collect();
    quote! {
        #(#lines)*
        #(#zero)*
        __frame.zero_weights(&[#(#fields),*]);
    }
}

/// The impl as rustc sees it: the functions of `keras::ops` are in scope in `call`.
pub(super) fn kept(item: &syn::ItemImpl, broken: bool) -> TokenStream {
    let mut item = item.clone();
    for member in &mut item.items {
        let syn::ImplItem::Fn(function) = member else { continue };
        if function.sig.ident != "call" {
            continue;
        }
        function.attrs.push(syn::parse_quote!(#[allow(dead_code, unused_variables)]));
        if broken {
            // rustc would report the same places again.
            function.block = syn::parse_quote!({ ::core::unreachable!() });
        } else {
            let ops = Ident::new("ops", Span::call_site());
            function.block.stmts.insert(0, syn::parse_quote!(#[allow(unused_imports)] use ::keras::#ops::*;));
        }
    }
    quote!(#item)
}
