//! `#[derive(Layer)]`: a struct becomes a layer's configuration.
//!
//! Stages: [`parse`] reads the fields and their attributes, [`expand`] writes the constructor, the options, the weights and the
//! configuration, [`access`] the methods that read and set weights.

mod access;
mod expand;
mod named;
mod parse;

use proc_macro2::TokenStream;

/// Expands `#[derive(Layer)]`.
pub fn expand(input: TokenStream) -> TokenStream {
    let parsed = syn::parse2(input).and_then(|input: syn::DeriveInput| parse::Struct::new(&input));
    match parsed {
        Ok(layer) => expand::expand(&layer),
        Err(error) => error.to_compile_error(),
    }
}
