//! `#[call]`: plan, forward and backward from a method.
//!
//! Stages: [`signature`] reads the method, [`lower`] its body (once for each way through its `if`s), [`schedule`] joins
//! elementwise functions to chains and decides what is kept, [`chain`] derives their gradients, [`expand`] writes the code.

mod activation;
mod chain;
mod expand;
mod functions;
mod graph;
mod lower;
mod schedule;
mod signature;

use proc_macro2::TokenStream;
use quote::quote;
use syn::{Error, ItemImpl};

pub use activation::expand_activation;
use expand::Path;
use lower::Lower;
use schedule::Schedule;
use signature::Method;

/// Most ways through the `if`s of one `call`: each is written out.
const MAX_PATHS: usize = 16;

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
fn paths(method: &Method) -> syn::Result<Vec<Path>> {
    let mut paths = Vec::new();
    let mut ways: Vec<bool> = Vec::new();
    loop {
        let lower = Lower::run(&method.inputs, &method.body, method.outputs, &ways);
        if let Some(error) = lower.errors.into_iter().reduce(|mut all, next| {
            all.combine(next);
            all
        }) {
            return Err(error);
        }
        let graph = lower.graph;
        if paths.len() == MAX_PATHS {
            let span = graph.decisions.last().map_or_else(proc_macro2::Span::call_site, |d| d.span);
            let message =
                format!("`call` has more than {MAX_PATHS} ways through its `if`s: make two layers of it");
            return Err(Error::new(span, message));
        }
        // The next way: the last `if` that was taken is not.
        ways = graph.decisions.iter().map(|d| d.taken).collect();
        let schedule = Schedule::new(&graph, method.inputs.len());
        paths.push(Path { graph, schedule });
        while ways.last() == Some(&false) {
            ways.pop();
        }
        match ways.last_mut() {
            Some(last) => *last = false,
            None => return Ok(paths),
        }
    }
}
