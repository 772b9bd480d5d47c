//! `#[call]`: plan, forward and backward from a method.

use proc_macro2::TokenStream;

/// Expands `#[call]`.
pub fn expand(item: TokenStream) -> TokenStream {
    item
}
