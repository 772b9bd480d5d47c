//! Constructors by name: what `Gated { units: 64, residual: false }` in `model!` becomes.
//!
//! A file says a layer's options by name alone, so that a model from a file needs to know neither which of them are arguments nor in
//! which order.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote, quote_spanned};

use super::expand::{Given, default_name, given, last_segment};
use super::parse::{Field, Struct};

/// Expands to: a builder that takes every field under the name that files have, and makes the layer.
///
/// ```text
/// pub struct GatedFields { units: Given<usize>, residual: Given<bool> }
/// impl GatedFields {
///     pub const fn units(mut self, units: usize) -> Self { self.units = Given::some(units); self }
///     ..
///     pub const fn __made(self) -> Gated { Gated { units: self.units.take("`Gated` needs `units`"), .. } }
/// }
/// impl Gated { pub const fn __named() -> GatedFields { .. } }
/// ```
///
/// A generic layer has none: its parameters are not in files.
pub(super) fn named(layer: &Struct) -> TokenStream {
    if !layer.generics.params.is_empty() {
        return TokenStream::new();
    }
    let Struct { vis, name, .. } = layer;
    let fields_of = format_ident!("{}Fields", name);
    let fields = layer.fields.iter().filter(|field| !field.skip).collect::<Vec<_>>();
    let declared = fields.iter().map(|Field { name, ty, .. }| quote!(#name: ::keras::rt::Given<#ty>));
    let blank = fields.iter().map(|Field { name, .. }| quote!(#name: ::keras::rt::Given::none()));
    let setters = fields.iter().enumerate().map(|(at, field)| setter(field, at));
    let values = layer.fields.iter().map(|field| {
        let field_name = &field.name;
        let value = match &field.default {
            None => {
                let message = format!("`{name}` needs `{}`", field.key);
                quote!(self.#field_name.take(#message))
            }
            Some(_) => {
                let default = default_name(field);
                let default = quote!(#name::#default);
                match field.skip {
                    true => default,
                    false => quote! {
                        if self.#field_name.is_given() { self.#field_name.take("") } else { #default }
                    },
                }
            }
        };
        quote!(#field_name: #value)
    });
    let weights = layer.weights.iter().map(|weight| {
        let weight = &weight.name;
        quote!(#weight: ::keras::Weight::MARKER)
    });
    quote! {
        #[doc(hidden)]
        #[allow(missing_debug_implementations, missing_docs, non_camel_case_types)]
        #vis struct #fields_of { #(#declared),* }
        #[allow(missing_docs, dead_code, unused_mut, clippy::all)]
        impl #fields_of {
            #(#setters)*
            #[track_caller]
            pub const fn __made(self) -> #name {
                #name { #(#values,)* #(#weights),* }
            }
        }
        #[allow(dead_code)]
        impl #name {
            #[doc(hidden)]
            pub const fn __named() -> #fields_of {
                #fields_of { #(#blank),* }
            }
        }
    }
}

fn setter(field: &Field, at: usize) -> TokenStream {
    let (name, ty) = (&field.name, &field.ty);
    // A key that is no name in Rust can only be given by the field's.
    let method = syn::parse_str::<Ident>(&field.key).map_or_else(
        |_| name.clone(),
        |mut key| {
            key.set_span(name.span());
            key
        },
    );
    let plain = given(field, at);
    let Given { generics, ty: given_ty, stored } = float(ty, name, at).unwrap_or(plain);
    let generics = if generics.is_empty() { quote!() } else { quote!(<#generics>) };
    let none = matches!(last_segment(ty), Some((last, Some(_))) if last == "Option").then(|| {
        let none = format_ident!("__none_{}", method);
        quote! {
            pub const fn #none(mut self) -> Self {
                self.#name = ::keras::rt::Given::some(::core::option::Option::None);
                self
            }
        }
    });
    quote_spanned! {name.span()=>
        #[must_use]
        pub const fn #method #generics(mut self, #name: #given_ty) -> Self {
            self.#name = ::keras::rt::Given::some(#stored);
            self
        }
        #none
    }
}

/// A float takes whole numbers, too: Python writes `2` where it was given 2.
fn float(ty: &syn::Type, name: &Ident, at: usize) -> Option<Given> {
    let (optional, ty) = match last_segment(ty)? {
        (last, Some(inner)) if last == "Option" => (true, inner.to_string()),
        (last, None) => (false, last),
        _ => return None,
    };
    if !matches!(&ty[..], "f64" | "f32") {
        return None;
    }
    let (generic, ty) = (format_ident!("__F{at}"), format_ident!("{ty}"));
    let value = quote!(::keras::rt::float_of(#name) as #ty);
    Some(Given {
        generics: quote!(#generic: ::keras::rt::IntoFloat),
        ty: quote!(#generic),
        stored: if optional { quote!(::core::option::Option::Some(#value)) } else { value },
    })
}
