//! What every part of the expansion works on.

use proc_macro2::Literal;

use super::graph::{Graph, Idents};
use super::parse::Header;

/// A model that is expanded.
pub struct Parts<'a> {
    /// The header.
    pub header: &'a Header,
    /// The graph.
    pub graph: &'a Graph,
    /// The identifiers.
    pub idents: &'a Idents,
}

/// A number without its type.
pub fn number(n: usize) -> Literal {
    Literal::usize_unsuffixed(n)
}
