//! Spans of whole expressions on stable Rust.

use proc_macro2::{Delimiter, Group, Span, TokenStream, TokenTree};
use quote::{ToTokens, quote};

/// The first and the last token of an expression: rustc underlines what lies between the ends of generated code.
#[derive(Clone, Copy)]
pub struct Ends {
    /// The first token.
    pub first: Span,
    /// The last token.
    pub last: Span,
}

impl Ends {
    /// Of some tokens; of the macro's call if there are none.
    pub fn of(tokens: &impl ToTokens) -> Ends {
        let mut ends = None;
        for token in tokens.to_token_stream() {
            let (open, close) = match &token {
                TokenTree::Group(group) => (group.span_open(), group.span_close()),
                other => (other.span(), other.span()),
            };
            let first = ends.map_or(open, |ends: Ends| ends.first);
            ends = Some(Ends { first, last: close });
        }
        ends.unwrap_or(Ends { first: Span::call_site(), last: Span::call_site() })
    }

    /// A call whose error is shown under the whole expression: the path has the span of its first token, the parentheses that
    /// of its last.
    pub fn call(self, path: TokenStream, arguments: TokenStream) -> TokenStream {
        let mut group = Group::new(Delimiter::Parenthesis, arguments);
        group.set_span(self.last);
        let path = respan(path, self.first);
        quote!(#path #group)
    }
}

/// The same tokens, all at `span`.
pub fn respan(tokens: TokenStream, span: Span) -> TokenStream {
    let respanned = tokens.into_iter().map(|token| match token {
        TokenTree::Group(group) => {
            let mut out = Group::new(group.delimiter(), respan(group.stream(), span));
            out.set_span(span);
            TokenTree::Group(out)
        }
        mut other => {
            other.set_span(span);
            other
        }
    });
    respanned.collect()
}
