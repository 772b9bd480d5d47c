//! Declared shapes: as types at the border, as values inside.

use proc_macro2::TokenStream;
use quote::{format_ident, quote};
use syn::visit::{self, Visit};
use syn::{Expr, ExprLit, ExprPath, Lit};

use super::parse::{Header, Port};
use crate::errors::Errors;

const DTYPES: &[(&str, &str)] =
    &[("f32", "F32"), ("f64", "F64"), ("i32", "I32"), ("i64", "I64"), ("u8", "U8")];

/// Most dimensions of a sample.
const MOST_DIMS: usize = 6;

/// Reports declared shapes that cannot be types.
pub fn check(header: &Header, errors: &mut Errors) {
    for port in header.inputs.iter().chain(&header.outputs) {
        if let Some(dtype) = &port.dtype
            && !DTYPES.iter().any(|(name, _)| dtype == name)
        {
            errors.at(dtype, "the element type is `f32`, `f64`, `i32`, `i64` or `u8`");
        }
        if let Some(dim) = port.dims.get(MOST_DIMS) {
            errors.at(dim, format!("a sample has at most {MOST_DIMS} dimensions"));
        }
        for dim in &port.dims {
            match dim {
                Expr::Path(path) if path.path.is_ident("None") => {
                    errors.at(dim, "the shape of one sample is declared: the batch is not written");
                }
                Expr::Lit(ExprLit { lit: Lit::Int(_), .. }) | Expr::Path(_) => {}
                Expr::Lit(_) | Expr::Unary(_) | Expr::Infer(_) => {
                    errors.at(dim, "a dimension of a sample is a positive whole number (the batch is not written)");
                }
                other if mentions_param(other, header) => errors.at(
                    other,
                    "in a declared shape a const parameter stands alone (`[OUT]`): Rust cannot compute with it in a type",
                ),
                _ => {}
            }
        }
    }
}

fn mentions_param(expr: &Expr, header: &Header) -> bool {
    struct Mentions<'a>(&'a Header, bool);
    impl<'ast> Visit<'ast> for Mentions<'_> {
        fn visit_expr_path(&mut self, path: &'ast ExprPath) {
            let param = path.path.get_ident().is_some_and(|ident| self.0.params().any(|p| p.ident == *ident));
            self.1 |= param;
            visit::visit_expr_path(self, path);
        }
    }
    let mut mentions = Mentions(header, false);
    mentions.visit_expr(expr);
    mentions.1
}

/// The type of the data of some ports. `inferred` are the specs of ports whose shape is worked out.
///
/// Expands to: `Batch<D3<28, 28, 1>>`, or a tuple of such.
pub fn batches(ports: &[Port], inferred: &[TokenStream]) -> TokenStream {
    let batches = ports.iter().enumerate().map(|(at, port)| {
        if let (true, Some(spec)) = (port.inferred, inferred.get(at)) {
            return quote!(::keras::model::Batch<::keras::rt::dims!(#spec)>);
        }
        let rank = format_ident!("D{}", port.dims.len());
        let dims = port.dims.iter().map(|dim| match dim {
            Expr::Lit(_) | Expr::Path(_) => quote!(#dim),
            dim => quote!({ #dim }),
        });
        let dtype = port.dtype.iter();
        quote!(::keras::model::Batch<::keras::model::#rank<#(#dims),*> #(, #dtype)*>)
    });
    if ports.len() == 1 { quote!(#(#batches)*) } else { quote!((#(#batches),*)) }
}

/// The spec of a port.
///
/// Expands to: `Spec::of(&[28, 28, 1])`.
pub fn spec(port: &Port) -> TokenStream {
    let dims = &port.dims;
    let dtype = port.dtype.as_ref().filter(|dtype| *dtype != "f32").map(|dtype| {
        let name = DTYPES.iter().find(|(name, _)| dtype == name).map_or("F32", |(_, name)| *name);
        let variant = format_ident!("{name}");
        quote!(.with_dtype(::keras::rt::DType::#variant))
    });
    quote!(::keras::rt::Spec::of(&[#(#dims),*]) #dtype)
}

/// A declared shape as it is written: `` `[28, 28, 1]` ``.
pub fn text(port: &Port) -> String {
    if port.inferred {
        return port.name.as_ref().map_or("what its layers yield".into(), |name| format!("`{name}`"));
    }
    let dims: Vec<String> = port.dims.iter().map(|dim| quote!(#dim).to_string()).collect();
    let dtype = port.dtype.as_ref().map(|dtype| format!("{dtype}; ")).unwrap_or_default();
    let name = port.name.as_ref().map(|name| format!("{name}: ")).unwrap_or_default();
    format!("`{name}[{dtype}{}]`", dims.join(", "))
}
