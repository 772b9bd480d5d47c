//! `#[derive(Layer)]`: a struct becomes a layer.

use proc_macro2::TokenStream;

/// Expands `#[derive(Layer)]`.
pub fn expand(_input: TokenStream) -> TokenStream {
    TokenStream::new()
}
