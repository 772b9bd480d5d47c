//! The grammar: `attrs vis Name<generics>(inputs) -> outputs`, then `= [list]`, `= "file"` or `{ block }`.

use proc_macro2::{Delimiter, Group, Ident, TokenStream, TokenTree};
use syn::ext::IdentExt;
use syn::parse::{Parse, ParseStream, Parser};
use syn::punctuated::Punctuated;
use syn::{
    Attribute, Block, ConstParam, Error, Expr, ExprArray, GenericParam, Generics, LitStr, Result, Token,
    Visibility, bracketed, parenthesized, token,
};

use crate::spans::Ends;

/// What stands before the body.
pub struct Header {
    /// Attributes and docs.
    pub attrs: Vec<Attribute>,
    /// Visibility.
    pub vis: Visibility,
    /// The type's name.
    pub name: Ident,
    /// Const parameters.
    pub generics: Generics,
    /// Inputs.
    pub inputs: Vec<Port>,
    /// Outputs.
    pub outputs: Vec<Port>,
}

impl Header {
    /// The const parameters.
    pub fn params(&self) -> impl Iterator<Item = &ConstParam> {
        self.generics.const_params()
    }

    /// Whether there are any.
    pub fn is_generic(&self) -> bool {
        !self.generics.params.is_empty()
    }
}

/// A declared input or output: `user: [32]`, `[i32; 100]`.
pub struct Port {
    /// Its name; the only input or output needs none.
    pub name: Option<Ident>,
    /// Element type; `None` for the float type.
    pub dtype: Option<Ident>,
    /// Dimensions of a sample.
    pub dims: Vec<Expr>,
    /// Whether it is an output `_`, whose shape is whatever the layers yield.
    pub inferred: bool,
    /// The brackets.
    pub ends: Ends,
}

/// How the layers are written.
pub enum Body {
    /// `= [list]`.
    List(ExprArray),
    /// `= "file"`.
    File(LitStr),
    /// `{ block }`.
    Block(Block),
}

/// A header, and the tokens of a body that is parsed by itself: a mistake in it leaves the header known.
pub struct Source {
    /// The header.
    pub header: Header,
    /// From `=` or `{` on.
    pub body: TokenStream,
}

impl Parse for Source {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        let attrs = input.call(Attribute::parse_outer)?;
        let vis = input.parse()?;
        let name: Ident = input.parse()?;
        let generics: Generics = input.parse()?;
        for param in &generics.params {
            if !matches!(param, GenericParam::Const(_)) {
                return Err(Error::new_spanned(
                    param,
                    "a model takes const parameters only, such as `const UNITS: usize = 64`",
                ));
            }
        }
        if !input.peek(token::Paren) {
            return Err(
                input.error("expected the inputs, such as `([28, 28, 1])` or `(user: [32], item: [32])`")
            );
        }
        let inputs = ports(input)?;
        if let Some(port) = inputs.iter().find(|port| port.inferred) {
            return Err(Error::new(
                port.ends.first,
                "the shape of an input is declared, such as `[28, 28, 1]`",
            ));
        }
        if !input.peek(Token![->]) {
            return Err(
                input.error("expected the outputs, such as `-> [10]` or `-> (score: [1], aux: [10])`")
            );
        }
        input.parse::<Token![->]>()?;
        let outputs = if input.peek(token::Paren) { ports(input)? } else { vec![input.call(port)?] };
        if let Some(port) = outputs.iter().find(|port| port.inferred && !generics.params.is_empty()) {
            let message =
                "the outputs of a model with parameters are declared: `_` is for models without them";
            return Err(Error::new(port.ends.first, message));
        }
        if !input.peek(Token![=]) && !input.peek(token::Brace) {
            return Err(input.error("expected the layers: `= [..]`, `= \"file.keras\"` or `{ .. }`"));
        }
        let body = input.parse()?;
        Ok(Source { header: Header { attrs, vis, name, generics, inputs, outputs }, body })
    }
}

fn ports(input: ParseStream<'_>) -> Result<Vec<Port>> {
    let content;
    let paren = parenthesized!(content in input);
    let ports: Vec<Port> = content.parse_terminated(port, Token![,])?.into_iter().collect();
    if ports.is_empty() {
        return Err(Error::new(paren.span.join(), "a model has at least one input and one output"));
    }
    if let Some(port) = ports.iter().find(|port| port.name.is_none() && ports.len() > 1) {
        let message = "one of several inputs or outputs needs a name, such as `user: [32]`";
        return Err(Error::new(port.ends.first, message));
    }
    Ok(ports)
}

fn port(input: ParseStream<'_>) -> Result<Port> {
    let name = if input.peek(Ident::peek_any) && input.peek2(Token![:]) {
        let name = input.call(Ident::parse_any)?;
        input.parse::<Token![:]>()?;
        Some(name)
    } else {
        None
    };
    if let Some(infer) = input.parse::<Option<Token![_]>>()? {
        let ends = Ends { first: infer.span, last: infer.span };
        return Ok(Port { name, dtype: None, dims: Vec::new(), inferred: true, ends });
    }
    if !input.peek(token::Bracket) {
        return Err(
            input.error("expected a shape in brackets, such as `[28, 28, 1]`, `[10]`, `[]` or `[i32; 100]`")
        );
    }
    let content;
    let bracket = bracketed!(content in input);
    let dtype = if content.peek(Ident::peek_any) && content.peek2(Token![;]) {
        let dtype = content.call(Ident::parse_any)?;
        content.parse::<Token![;]>()?;
        Some(dtype)
    } else {
        None
    };
    let dims = Punctuated::<Expr, Token![,]>::parse_terminated(&content)?.into_iter().collect();
    let ends = Ends { first: bracket.span.open(), last: bracket.span.close() };
    Ok(Port { name, dtype, dims, inferred: false, ends })
}

/// Parses a body.
///
/// # Errors
/// At the first token that does not fit.
pub fn body(tokens: TokenStream) -> Result<Body> {
    let parser = |input: ParseStream<'_>| {
        if !input.peek(Token![=]) {
            return Ok(Body::Block(input.parse()?));
        }
        input.parse::<Token![=]>()?;
        let body = if input.peek(LitStr) {
            Body::File(input.parse()?)
        } else if input.peek(token::Bracket) {
            list(input)?
        } else {
            return Err(input.error("expected a list of layers `[..]` or the name of a file"));
        };
        input.parse::<Option<Token![;]>>()?;
        Ok(body)
    };
    parser.parse2(slices(&tokens).unwrap_or(tokens))
}

/// `x[.., 1..]` is `x[(.., 1..)]` to Rust. `None` if there is nothing to change, so that groups keep their spans.
fn slices(tokens: &TokenStream) -> Option<TokenStream> {
    // Whether what stands before is a value, so that brackets after it are an index.
    let (mut after_value, mut after_hash, mut changed) = (false, false, false);
    let one = |token: TokenTree| {
        let TokenTree::Group(group) = &token else {
            after_hash = matches!(&token, TokenTree::Punct(punct) if punct.as_char() == '#');
            after_value =
                matches!(&token, TokenTree::Ident(ident) if !KEYWORDS.iter().any(|keyword| ident == keyword));
            return token;
        };
        let inside = group.stream();
        let has_comma = |tokens: &TokenStream| {
            tokens.clone().into_iter().any(|t| matches!(t, TokenTree::Punct(punct) if punct.as_char() == ','))
        };
        let is_index = group.delimiter() == Delimiter::Bracket && after_value && has_comma(&inside);
        after_value = group.delimiter() != Delimiter::Brace && !after_hash;
        after_hash = false;
        let mut content = match slices(&inside) {
            None if !is_index => return token,
            content => content.unwrap_or(inside),
        };
        changed = true;
        if is_index {
            let mut parts = Group::new(Delimiter::Parenthesis, content);
            parts.set_span(group.span());
            content = TokenTree::Group(parts).into();
        }
        let mut out = Group::new(group.delimiter(), content);
        out.set_span(group.span());
        TokenTree::Group(out)
    };
    let tokens: TokenStream = tokens.clone().into_iter().map(one).collect();
    changed.then_some(tokens)
}

/// Words after which brackets are a list.
const KEYWORDS: &[&str] =
    &["as", "break", "else", "if", "in", "let", "match", "move", "mut", "ref", "return", "while"];

/// `[layer, layer, ..]`; `[layer; 3]` gets an error of its own.
fn list(input: ParseStream<'_>) -> Result<Body> {
    let fork = input.fork();
    if let Ok(TokenTree::Group(group)) = fork.parse() {
        let semicolon = |token: &TokenTree| matches!(token, TokenTree::Punct(p) if p.as_char() == ';');
        if let Some(at) = group.stream().into_iter().find(semicolon) {
            let message =
                "a list of layers is separated by `,`; to repeat layers, use a body `{ .. }` with `for`";
            return Err(Error::new(at.span(), message));
        }
    }
    Ok(Body::List(input.parse()?))
}
