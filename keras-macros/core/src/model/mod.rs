//! `model!`: a model's source becomes a type.
//!
//! The stages: [`parse`] reads the grammar, [`file`] opens a file if the body is one, [`lower`] turns the body into a [`graph`], [`names`] names what is generated,
//! [`expand`] writes it with [`check`]s that rustc evaluates. A mistake in one place does not hide those in others.

mod access;
mod check;
mod consts;
mod expand;
mod file;
mod functions;
mod graph;
mod lower;
mod names;
pub mod operations;
mod parse;
mod parts;
mod spec;
mod types;

use proc_macro2::TokenStream;
use quote::quote;
use syn::parse::{Parse, Parser};

use self::parts::Parts;
use crate::errors::Errors;

/// Expands `model!`.
pub fn expand(input: TokenStream) -> TokenStream {
    let mut source = match parse::Source::parse.parse2(input) {
        Ok(source) => source,
        Err(error) => return error.to_compile_error(),
    };
    let mut errors = Errors::default();
    types::check(&source.header, &mut errors);
    let header_fits = errors.is_empty();
    let body = parse::body(std::mem::take(&mut source.body)).map_err(|error| errors.push(error)).ok();
    let (body, from_file) = match body {
        Some(parse::Body::File(file)) => match file::open(&mut source.header, &file) {
            Ok(opened) => (Some(opened.body), Some(opened.items)),
            Err(error) => {
                errors.push(error);
                (None, None)
            }
        },
        body => (body, None),
    };
    let mut graph = match &body {
        Some(body) => lower::lower(&source.header, body, &mut errors),
        None => graph::Graph::default(),
    };
    if errors.is_empty() {
        graph.prune();
    }
    let idents = names::assign(&source.header, &graph, &mut errors);
    let parts = Parts { header: &source.header, graph: &graph, idents: &idents };
    match body {
        Some(body) if errors.is_empty() => {
            let model = expand::model(&parts, &body);
            quote!(#from_file #model)
        }
        _ => {
            let errors = errors.to_tokens();
            // A declared shape that is wrong would be reported again by the stub.
            let stub = header_fits.then(|| expand::stub(&parts));
            quote!(#errors #stub)
        }
    }
}
