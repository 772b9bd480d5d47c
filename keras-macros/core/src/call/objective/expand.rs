//! Writing the code.

use proc_macro2::{Ident, Span, TokenStream};
use quote::{format_ident, quote};

use super::function::Function;
use super::{Formula, Objective};

/// Expands to: the type, its constructor, its traits.
pub(super) fn items(which: Objective, function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (item, vis) = (&function.item, &function.item.vis);
    let (name, text) = (&item.sig.ident, item.sig.ident.to_string());
    let docs: Vec<_> = item.attrs.iter().filter(|a| a.path().is_ident("doc")).collect();
    let docs = if docs.is_empty() {
        let text = format!("`{text}`, from the function of this name.");
        quote!(#[doc = #text])
    } else {
        quote!(#(#docs)*)
    };
    let (fields, types): (Vec<_>, Vec<_>) = function.numbers.iter().map(|(n, t)| (n, t)).unzip();
    let common = (which == Objective::Loss).then(|| quote!(__common: ::keras::rt::Common,));
    let named = (which == Objective::Loss).then(|| quote!(__common: ::keras::rt::Common::named(#text),));
    let constructor = if fields.is_empty() {
        quote! {
            #docs
            #[allow(non_upper_case_globals, dead_code)]
            #vis const #name: #name = #name { #named };
        }
    } else {
        quote! {
            #docs
            #[allow(dead_code)]
            #[must_use]
            #vis const fn #name(#(#fields: #types),*) -> #name {
                #name { #(#fields,)* #named }
            }
        }
    };
    let from_config = from_config(which, function);
    let inner = match which {
        Objective::Loss => loss(function, sparse, formula),
        Objective::Metric => metric(function, sparse, formula),
    };
    quote! {
        #docs
        #[allow(non_camel_case_types, dead_code)]
        #[derive(Clone, Debug)]
        #vis struct #name {
            #(#fields: #types,)*
            #common
        }
        #constructor
        #inner
        #from_config
    }
}

/// Expands to: `impl FromConfig`, so that it can be registered.
fn from_config(which: Objective, function: &Function) -> TokenStream {
    let (name, text) = (&function.item.sig.ident, function.item.sig.ident.to_string());
    let fields = function.numbers.iter().map(|(field, _)| {
        let key = field.to_string();
        quote!(#field: ::keras::rt::config_required_with(__config, #text, #key, __registry)?,)
    });
    let common = (which == Objective::Loss)
        .then(|| quote!(__common: ::keras::rt::Common::named(#text).read(__config)?,));
    quote! {
        impl ::keras::rt::FromConfig for #name {
            const CLASS_NAME: &'static str = #text;
            fn from_config(
                __config: &::keras::rt::Config,
                __registry: &::keras::rt::Registry,
            ) -> ::keras::Result<Self> {
                let _ = (__config, __registry);
                ::core::result::Result::Ok(#name { #(#fields)* #common })
            }
        }
    }
}

/// Expands to: the parts that losses and metrics share, in the order kind of labels, axes, arguments, rows.
fn parts(function: &Function, sparse: bool, formula: &Formula) -> [TokenStream; 4] {
    let labels = Ident::new(if sparse { "Sparse" } else { "Same" }, Span::call_site());
    let axes = if formula.whole { quote!(All) } else { quote!(One(-1)) };
    let names: Vec<_> = function.numbers.iter().map(|(name, _)| name).collect();
    let texts = names.iter().map(|name| name.to_string());
    let rows = &formula.rows;
    [
        quote!(::keras::rt::LabelKind::#labels),
        quote!(::keras::rt::RowAxes::#axes),
        quote! {
            #[allow(unused_mut)]
            let mut __arguments = ::keras::rt::Config::new();
            #(__arguments.insert(#texts.into(), ::keras::rt::ConfigValue::to_json(&self.#names));)*
        },
        quote! {
            #(let #names = self.#names;)*
            let __result = { #rows };
        },
    ]
}

fn loss(function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (name, text) = (&function.item.sig.ident, function.item.sig.ident.to_string());
    let [labels, axes, arguments, rows] = parts(function, sparse, formula);
    let generic = format_ident!("T");
    let takes = if sparse {
        quote! {
            impl<D: ::keras::rt::Outer, #generic: ::keras::rt::ClassNumber>
                ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D::Outer, #generic>> for #name {}
        }
    } else {
        quote! {
            impl<D: ::keras::rt::Dims, #generic: ::keras::rt::Element>
                ::keras::rt::TakesLabels<::keras::rt::Batch<D>, ::keras::rt::Batch<D, #generic>> for #name {}
            // One number a sample, for an output of one number.
            impl<#generic: ::keras::rt::Element> ::keras::rt::TakesLabels<
                ::keras::rt::Batch<::keras::rt::D1<1>>,
                ::keras::rt::Batch<::keras::rt::D0, #generic>,
            > for #name {}
        }
    };
    quote! {
        #[allow(dead_code)]
        impl #name {
            /// How the rows' numbers become one (`sum_over_batch_size`).
            #[must_use]
            pub fn reduction(mut self, reduction: ::keras::losses::Reduction) -> Self {
                self.__common.reduction = reduction;
                self
            }
            /// Name of the loss.
            #[must_use]
            pub fn name(mut self, name: impl ::core::convert::Into<::std::string::String>) -> Self {
                self.__common.name = name.into().into();
                self
            }
        }
        #[allow(clippy::all, unused)]
        impl ::keras::rt::Loss for #name {
            fn class_name(&self) -> &'static str {
                #text
            }
            fn common(&self) -> &::keras::rt::Common {
                &self.__common
            }
            fn label_kind(&self) -> ::keras::rt::LabelKind {
                #labels
            }
            fn axes(&self) -> ::keras::rt::RowAxes {
                #axes
            }
            fn arguments(&self) -> ::core::option::Option<::keras::rt::Config> {
                #arguments
                ::core::option::Option::Some(__arguments)
            }
            fn rows<'t>(
                &self,
                __labels: ::keras::rt::Expr<'t>,
                __predictions: ::keras::rt::Expr<'t>,
            ) -> ::keras::rt::Expr<'t> {
                #rows
                ::keras::rt::row_of(__result, self.__common.reduction)
            }
            fn boxed(&self) -> ::std::boxed::Box<dyn ::keras::rt::Loss> {
                ::std::boxed::Box::new(::core::clone::Clone::clone(self))
            }
        }
        #takes
        impl ::keras::rt::IntoMetric for #name {
            fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
                let __loss = self.reduction(::keras::losses::Reduction::SumOverBatchSize);
                ::std::boxed::Box::new(::keras::rt::OfLoss::new(::std::boxed::Box::new(__loss)))
            }
        }
    }
}

fn metric(function: &Function, sparse: bool, formula: &Formula) -> TokenStream {
    let (name, text) = (&function.item.sig.ident, function.item.sig.ident.to_string());
    let [labels, axes, arguments, rows] = parts(function, sparse, formula);
    quote! {
        #[allow(clippy::all, unused)]
        impl ::keras::rt::RowMetric for #name {
            const NAME: &'static str = #text;
            const LABELS: ::keras::rt::LabelKind = #labels;
            const AXES: ::keras::rt::RowAxes = #axes;
            fn arguments(&self) -> ::keras::rt::Config {
                #arguments
                __arguments
            }
            fn rows<'t>(
                &self,
                __labels: ::keras::rt::Expr<'t>,
                __predictions: ::keras::rt::Expr<'t>,
            ) -> ::keras::rt::Expr<'t> {
                #rows
                ::keras::rt::row_of(__result, ::keras::losses::Reduction::SumOverBatchSize)
            }
        }
        impl ::keras::rt::IntoMetric for #name {
            fn into_metric(self) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
                ::std::boxed::Box::new(::keras::rt::OfLoss::of_function(self))
            }
            fn into_metric_named(self, name: &str) -> ::std::boxed::Box<dyn ::keras::rt::Metric> {
                ::std::boxed::Box::new(::keras::rt::OfLoss::of_function(self).name(name))
            }
        }
    }
}
