//! Typed access to a layer's weights: `model.dense().kernel()`, `model.dense_mut().set_kernel(&array)?`.

use proc_macro2::{Ident, TokenStream};
use quote::{format_ident, quote};

use super::parse::{Part, Struct};

/// Expands to: a type with two methods a weight, which reads through a place of a network, and `impl Weighted`.
///
/// ```text
/// pub struct DenseWeights<N>(Place<N>);
/// impl<N: Reads> DenseWeights<N> {
///     pub fn kernel(&self) -> Values { self.0.get("kernel") }
///     pub fn bias(&self) -> Option<Values> { self.0.read("bias") }
///     pub fn set_kernel<D: Dimension>(&mut self, values: &ArrayRef<f32, D>) -> Result<()> where N: Writes {
///         self.0.set("kernel", values)
///     }
///     ..
/// }
/// impl<N> Access<N> for DenseWeights<N> { .. }
/// impl Weighted for Dense { type Weights<N> = DenseWeights<N>; }
/// ```
pub(super) fn access(layer: &Struct) -> TokenStream {
    let Struct { vis, name, generics, class_name, parts, .. } = layer;
    let (impl_generics, type_generics, where_clause) = generics.split_for_impl();
    let declared = layer.weights.iter().map(|weight| (&weight.name, weight.when.is_some()));
    let planned = layer.planned.iter().map(|weight| (&weight.name, weight.optional));
    let weights: Vec<(&Ident, bool)> = declared.chain(planned).collect();
    if weights.is_empty() && parts.is_empty() {
        return quote! {
            impl #impl_generics ::keras::rt::Weighted for #name #type_generics #where_clause {
                type Weights<__N> = ::keras::rt::NoWeights<__N>;
            }
        };
    }
    let access = format_ident!("{}Weights", name);
    let doc = format!("The weights of a `{class_name}` of a model.");
    let reads = weights.iter().map(|(name, optional)| read(name, *optional));
    let writes = weights.iter().map(|(name, _)| write(name));
    let parts = parts.iter().map(part);
    quote! {
        #[doc = #doc]
        #[doc(hidden)]
        #[allow(missing_debug_implementations)]
        #vis struct #access<N>(::keras::rt::Place<N>);
        #[allow(dead_code)]
        impl<N: ::keras::rt::Reads> #access<N> {
            #(#reads)*
            #(#writes)*
            #(#parts)*
        }
        impl<N> ::keras::rt::Access<N> for #access<N> {
            fn at(place: ::keras::rt::Place<N>) -> Self { #access(place) }
            fn place(&self) -> &::keras::rt::Place<N> { &self.0 }
            fn place_mut(&mut self) -> &mut ::keras::rt::Place<N> { &mut self.0 }
        }
        impl #impl_generics ::keras::rt::Weighted for #name #type_generics #where_clause {
            type Weights<__N> = #access<__N>;
        }
    }
}

fn read(name: &Ident, optional: bool) -> TokenStream {
    let text = name.to_string();
    if optional {
        let doc = format!("The numbers of `{text}`, where the layer has it.");
        return quote! {
            #[doc = #doc]
            pub fn #name(&self) -> ::core::option::Option<::keras::rt::Values> { self.0.read(#text) }
        };
    }
    let doc = format!("The numbers of `{text}`.");
    quote! {
        #[doc = #doc]
        pub fn #name(&self) -> ::keras::rt::Values { self.0.get(#text) }
    }
}

fn write(name: &Ident) -> TokenStream {
    let (text, set) = (name.to_string(), format_ident!("set_{}", name));
    let doc = format!(
        "Sets the numbers of `{text}`.\n\n# Errors\nIf the array has another shape, or the layer has no `{text}`."
    );
    quote! {
        #[doc = #doc]
        pub fn #set<D: ::keras::rt::Dimension>(&mut self, values: &::keras::rt::ArrayRef<f32, D>) -> ::keras::Result<()>
        where
            N: ::keras::rt::Writes,
        {
            self.0.set(#text, values)
        }
    }
}

fn part(part: &Part) -> TokenStream {
    let Part { name, ty, path } = part;
    let name_mut = format_ident!("{}_mut", name);
    let doc = format!("The weights of its `{name}`.");
    let doc_mut = format!("The weights of its `{name}`, to set.");
    quote! {
        #[doc = #doc]
        pub fn #name(&self) -> <#ty as ::keras::rt::Weighted>::Weights<&::keras::rt::Network> {
            self.0.part::<#ty>(#path)
        }
        #[doc = #doc_mut]
        pub fn #name_mut(&mut self) -> <#ty as ::keras::rt::Weighted>::Weights<&mut ::keras::rt::Network>
        where
            N: ::keras::rt::Writes,
        {
            self.0.part_mut::<#ty>(#path)
        }
    }
}
