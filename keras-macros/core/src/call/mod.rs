//! Code over symbolic tensors: `#[call]`, `#[activation]`, `#[loss]` and `#[metric]`.
//!
//! Stages: [`signature`] reads the method, [`lower`] a body (once for each way through its `if`s) to a [`graph`], [`flow`] refuses
//! what has no gradient where one is needed. Then a layer goes on with [`schedule`], which joins elementwise functions to chains and
//! decides what is kept, [`chain`], which derives their gradients, and [`expand`], which writes plan, forward and backward; an
//! [`activation`] is one chain; a loss or metric ([`objective`]) is a formula over rows ([`rows`]).

mod activation;
mod chain;
mod composed;
mod expand;
mod flow;
mod functions;
mod graph;
mod lower;
mod objective;
mod rows;
mod schedule;
mod signature;

use proc_macro2::{Ident, Span, TokenStream};
use quote::quote;
use syn::{Block, Error, ItemImpl, Result};

pub use activation::expand_activation;
use expand::Path;
use graph::{Graph, Kind};
use lower::{Lower, Subject};
pub use objective::{Objective, expand_objective};
use schedule::Schedule;
use signature::Method;

/// Most ways through the `if`s of one body: each is written out.
const MAX_WAYS: usize = 16;

/// Most instructions of one pass over memory: the kernels' limit.
const MAX_INSTRS: usize = 96;

const CALL: Subject = Subject { name: "`call`", numbers: "the layer's options", fields: true };

/// Expands `#[call]`.
pub fn expand(item: TokenStream) -> TokenStream {
    let parsed: ItemImpl = match syn::parse2(item.clone()) {
        Ok(parsed) => parsed,
        Err(_) => {
            let error =
                Error::new_spanned(&item, "`#[call]` stands before `impl MyLayer { fn call(..) .. }`");
            let error = error.to_compile_error();
            return quote!(#item #error);
        }
    };
    let method = match Method::new(&parsed) {
        Ok(method) => method,
        Err(error) => {
            let (kept, error) = (expand::kept(&parsed, true), error.to_compile_error());
            return quote!(#kept #error);
        }
    };
    match paths(&method) {
        Ok(paths) => {
            let (kept, code) = (expand::kept(&parsed, false), expand::expand(&method, &paths));
            quote!(#kept #code)
        }
        Err(error) => {
            let (kept, stub) = (expand::kept(&parsed, true), expand::stub(&method));
            let error = error.to_compile_error();
            quote!(#kept #stub #error)
        }
    }
}

/// Every way through the `if`s of the method.
fn paths(method: &Method) -> Result<Vec<Path>> {
    let graphs = every_way(&mut |ways| {
        let graph = read(&CALL, &method.inputs, &[], &method.body, method.outputs, ways)?;
        flow::check(&graph, &|kind| matches!(kind, Kind::Input(_) | Kind::Field(_)))?;
        Ok(graph)
    })?;
    let path = |graph| {
        let schedule = Schedule::new(&graph, method.inputs.len());
        Path { graph, schedule }
    };
    Ok(graphs.into_iter().map(path).collect())
}

/// Reads a body on one way.
fn read(
    subject: &Subject,
    tensors: &[Ident],
    numbers: &[Ident],
    body: &Block,
    outputs: usize,
    ways: &[bool],
) -> Result<Graph> {
    let lower = Lower::run(subject, tensors, numbers, body, outputs, ways);
    match lower.errors.into_iter().reduce(flow::joined) {
        Some(error) => Err(error),
        None => Ok(lower.graph),
    }
}

/// The graphs of all ways through the `if`s of a body that `read` reads.
fn every_way(read: &mut dyn FnMut(&[bool]) -> Result<Graph>) -> Result<Vec<Graph>> {
    let mut graphs = Vec::new();
    let mut ways: Vec<bool> = Vec::new();
    loop {
        let graph = read(&ways)?;
        if graphs.len() == MAX_WAYS {
            let span = graph.decisions.last().map_or_else(Span::call_site, |d| d.span);
            let message = format!("there are more than {MAX_WAYS} ways through the `if`s: split this in two");
            return Err(Error::new(span, message));
        }
        // The next way: the last `if` that was taken is not.
        ways = graph.decisions.iter().map(|d| d.taken).collect();
        graphs.push(graph);
        while ways.last() == Some(&false) {
            ways.pop();
        }
        match ways.last_mut() {
            Some(last) => *last = false,
            None => return Ok(graphs),
        }
    }
}
