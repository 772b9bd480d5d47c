//! Writing the code.

use proc_macro2::{Span, TokenStream};
use quote::{format_ident, quote, quote_spanned};
use syn::spanned::Spanned;
use syn::{Ident, Type};

use super::access::access;
use super::named::named;
use super::parse::{Field, Struct, Weight};

/// Everything that the derive writes.
pub(super) fn expand(layer: &Struct) -> TokenStream {
    let constructor = constructor(layer);
    let configure = configure(layer);
    let from_config = from_config(layer);
    let weights = weights(layer);
    let named = named(layer);
    let access = access(layer);
    let uses = uses(layer);
    quote! {
        #constructor
        #named
        #weights
        #configure
        #from_config
        #access
        #uses
    }
}

/// Expands to: an assertion at each weight that `call` uses it, where `#[call]` says what it uses. What a generic layer uses is
/// not asked.
fn uses(layer: &Struct) -> TokenStream {
    let name = &layer.name;
    if layer.weights.is_empty() || !layer.generics.params.is_empty() {
        return TokenStream::new();
    }
    let fields = layer.fields.iter().map(|field| field.name.to_string());
    let known: Vec<String> =
        fields.chain(layer.weights.iter().map(|weight| weight.name.to_string())).collect();
    let asserts = layer.weights.iter().map(|weight| {
        let text = weight.name.to_string();
        quote_spanned!(weight.name.span()=>
            const _: () = ::keras::rt::assert_used(<#name>::__USED, &[#(#known),*], #text);
        )
    });
    quote! {
        const _: () = {
            #[allow(unused_imports)]
            use ::keras::rt::UsesUnknown as _;
            #(#asserts)*
        };
    }
}

/// How an option is given and stored: `Size<N>` takes a number or an array, `Ints` and `PartialShape` an array, `Text` a string,
/// `Borders<N>` a number, numbers or pairs, `Axes` a number or an array, `Option<T>` a `T`.
pub(super) struct Given {
    /// Generic parameters of the function that takes it.
    pub generics: TokenStream,
    /// Type of the argument.
    pub ty: TokenStream,
    /// What is stored.
    pub stored: TokenStream,
}

pub(super) fn given(field: &Field, at: usize) -> Given {
    let (name, ty) = (&field.name, &field.ty);
    let plain = Given { generics: quote!(), ty: quote!(#ty), stored: quote!(#name) };
    let Some((last, argument)) = last_segment(ty) else { return plain };
    match (last.as_str(), argument) {
        ("Size", Some(n)) => {
            let generic = format_ident!("__S{at}");
            Given {
                generics: quote!(#generic: ::keras::rt::IntoSize<#n>),
                ty: quote!(#generic),
                stored: quote!(::keras::rt::Size::of(#name)),
            }
        }
        ("Ints" | "PartialShape", None) => {
            let (generic, stored) = (format_ident!("__N{at}"), format_ident!("{last}"));
            Given {
                generics: quote!(const #generic: usize),
                ty: quote!([isize; #generic]),
                stored: quote!(::keras::rt::#stored::of(#name)),
            }
        }
        ("Borders", Some(n)) => {
            let generic = format_ident!("__B{at}");
            Given {
                generics: quote!(#generic: ::keras::rt::IntoBorders<#n>),
                ty: quote!(#generic),
                stored: quote!(::keras::rt::Borders::of(#name)),
            }
        }
        ("Axes", None) => {
            let generic = format_ident!("__A{at}");
            Given {
                generics: quote!(#generic: ::keras::rt::IntoAxes),
                ty: quote!(#generic),
                stored: quote!(::keras::rt::Axes::of(#name)),
            }
        }
        ("Text", None) => {
            Given { generics: quote!(), ty: quote!(&str), stored: quote!(::keras::rt::Text::of(#name)) }
        }
        ("Option", Some(inner)) => {
            let inner_field = Field {
                name: name.clone(),
                ty: syn::parse_quote!(#inner),
                docs: Vec::new(),
                key: String::new(),
                default: None,
                skip: false,
                call: false,
            };
            let inner = given(&inner_field, at);
            let stored = inner.stored;
            Given { stored: quote!(::core::option::Option::Some(#stored)), ..inner }
        }
        _ => plain,
    }
}

/// `("Size", Some(2))` of `Size<2>`.
pub(super) fn last_segment(ty: &Type) -> Option<(String, Option<TokenStream>)> {
    let Type::Path(path) = ty else { return None };
    let last = path.path.segments.last()?;
    let argument = match &last.arguments {
        syn::PathArguments::AngleBracketed(a) if a.args.len() == 1 => {
            let argument = &a.args[0];
            Some(quote!(#argument))
        }
        _ => None,
    };
    Some((last.ident.to_string(), argument))
}

/// The constant that holds an option's default: written once, so that a mistake in it is one.
pub(super) fn default_name(field: &Field) -> Ident {
    format_ident!("__default_{}", field.name)
}

/// Expands to: `const fn new(required..)`, and one const setter an option.
fn constructor(layer: &Struct) -> TokenStream {
    let name = &layer.name;
    let (impl_generics, type_generics, where_clause) = layer.generics.split_for_impl();
    let mut new_generics = Vec::new();
    let mut arguments = Vec::new();
    let mut values = Vec::new();
    let mut setters = Vec::new();
    let mut defaults = Vec::new();
    for (at, field) in layer.fields.iter().enumerate() {
        let (field_name, docs) = (&field.name, &field.docs);
        let Given { generics, ty, stored } = given(field, at);
        match &field.default {
            None => {
                if !generics.is_empty() {
                    new_generics.push(generics);
                }
                arguments.push(quote!(#field_name: #ty));
                values.push(quote!(#field_name: #stored));
            }
            Some(default) => {
                let constant = default_name(field);
                let stored_ty = &field.ty;
                defaults.push(quote! {
                    #[doc(hidden)]
                    #[allow(non_upper_case_globals)]
                    const #constant: #stored_ty = #default;
                });
                values.push(quote!(#field_name: Self::#constant));
                let docs = if docs.is_empty() {
                    let text = format!("Sets the option `{field_name}`.");
                    quote!(#[doc = #text])
                } else {
                    quote!(#(#docs)*)
                };
                let generics = if generics.is_empty() { quote!() } else { quote!(<#generics>) };
                setters.push(quote_spanned! {field_name.span()=>
                    #docs
                    #[must_use]
                    pub const fn #field_name #generics(mut self, #field_name: #ty) -> Self {
                        self.#field_name = #stored;
                        self
                    }
                });
            }
        }
    }
    let weights = layer.weights.iter().map(|w| {
        let name = &w.name;
        quote!(#name: ::keras::Weight::MARKER)
    });
    let new_generics = if new_generics.is_empty() { quote!() } else { quote!(<#(#new_generics),*>) };
    let doc = format!("A `{}` with its options at their defaults.", layer.class_name);
    // rustc shows the struct where it speaks of the constructor.
    let new = Ident::new("new", name.span());
    quote! {
        // Nobody needs to set every option.
        #[allow(dead_code)]
        impl #impl_generics #name #type_generics #where_clause {
            #(#defaults)*
            #[doc = #doc]
            #[must_use]
            pub const fn #new #new_generics(#(#arguments),*) -> Self {
                #name { #(#values,)* #(#weights),* }
            }
            #(#setters)*
        }
    }
}

/// Expands to: `const fn __weights`, which appends the declared weights to a plan, and what `#[call]` asks about the struct.
fn weights(layer: &Struct) -> TokenStream {
    let name = &layer.name;
    let (impl_generics, type_generics, where_clause) = layer.generics.split_for_impl();
    let fields = layer.fields.iter().map(|f| &f.name).collect::<Vec<_>>();
    let pushes = layer.weights.iter().map(push);
    let markers = layer.weights.iter().map(|w| &w.name);
    let names = layer.weights.iter().map(|w| w.name.to_string());
    let masking = layer.supports_masking;
    // `call` may do without weights, and layers that are written by hand without all of these.
    let bind = (!layer.weights.is_empty()).then(|| {
        quote! {
            #[allow(unused_imports)]
            use ::keras::symbols::*;
            let input = inputs[0];
            #(let #fields = self.#fields;)*
        }
    });
    quote! {
        #[doc(hidden)]
        #[allow(dead_code, unused_variables, unused_mut, clippy::all)]
        impl #impl_generics #name #type_generics #where_clause {
            /// The plan with this layer's weights.
            pub const fn __weights(&self, plan: ::keras::rt::Plan, inputs: &[::keras::rt::Spec]) -> ::keras::rt::Plan {
                // Fields of weights exist to be named; this is their use.
                let _ = (#(self.#markers,)*);
                let mut __plan = plan;
                #bind
                #(#pushes)*
                __plan
            }
            /// Whether a field of this name is a weight.
            pub const fn __is_weight(name: &str) -> bool {
                ::keras::rt::is_one_of(name, &[#(#names),*])
            }
            /// Whether masks pass through the layer.
            pub const __SUPPORTS_MASKING: bool = #masking;
        }
    }
}

fn push(weight: &Weight) -> TokenStream {
    let (text, shape, init) = (weight.name.to_string(), &weight.shape, &weight.initializer);
    let add = Ident::new(if weight.trainable { "weight" } else { "state" }, Span::call_site());
    let option = |which: &str, value: &Option<syn::Expr>| {
        value.as_ref().map(|value| {
            let which = Ident::new(which, Span::call_site());
            quote!(.#which(#value))
        })
    };
    let regularizer = option("regularizer", &weight.regularizer);
    let constraint = option("constraint", &weight.constraint);
    let push = quote_spanned! {shape.span()=>
        __plan = __plan.#add(
            ::keras::rt::WeightSpec::new(#text, ::keras::rt::Shape::of(&#shape), #init) #regularizer #constraint
        );
    };
    match &weight.when {
        Some(condition) => quote!(if #condition { #push }),
        None => push,
    }
}

/// Expands to: `impl Configure`.
fn configure(layer: &Struct) -> TokenStream {
    let (name, class) = (&layer.name, &layer.class_name);
    let (impl_generics, type_generics, where_clause) = layer.generics.split_for_impl();
    let written = |call: bool| {
        let fields = layer.fields.iter().filter(move |f| !f.skip && f.call == call);
        let inserts = fields.map(|f| {
            let (key, name) = (&f.key, &f.name);
            quote!(__config.insert(#key.into(), ::keras::rt::ConfigValue::to_json(&self.#name));)
        });
        quote! {
            #[allow(unused_mut)]
            let mut __config = ::keras::rt::Config::new();
            #(#inserts)*
            __config
        }
    };
    let (config, call_config) = (written(false), written(true));
    let call_config = layer.fields.iter().any(|f| f.call).then(|| {
        quote! {
            fn call_config(&self) -> ::keras::rt::Config {
                #call_config
            }
        }
    });
    quote! {
        impl #impl_generics ::keras::rt::Configure for #name #type_generics #where_clause {
            fn class_name(&self) -> &'static str {
                #class
            }
            fn module(&self) -> &'static str {
                ::core::module_path!()
            }
            fn config(&self) -> ::keras::rt::Config {
                #config
            }
            #call_config
        }
    }
}

/// Expands to: `impl FromConfig`.
fn from_config(layer: &Struct) -> TokenStream {
    let (name, class) = (&layer.name, &layer.class_name);
    let (impl_generics, type_generics, where_clause) = layer.generics.split_for_impl();
    let values = layer.fields.iter().map(|f| {
        let (key, name) = (&f.key, &f.name);
        match &f.default {
            Some(_) => {
                let default = default_name(f);
                if f.skip {
                    quote!(#name: Self::#default)
                } else {
                    quote!(#name: ::keras::rt::config_or_with(__config, #class, #key, Self::#default, __registry)?)
                }
            }
            None => quote!(#name: ::keras::rt::config_required_with(__config, #class, #key, __registry)?),
        }
    });
    let weights = layer.weights.iter().map(|w| {
        let name = &w.name;
        quote!(#name: ::keras::Weight::MARKER)
    });
    quote! {
        impl #impl_generics ::keras::rt::FromConfig for #name #type_generics #where_clause {
            const CLASS_NAME: &'static str = #class;
            fn from_config(
                __config: &::keras::rt::Config,
                __registry: &::keras::rt::Registry,
            ) -> ::keras::Result<Self> {
                let _ = (__config, __registry);
                ::core::result::Result::Ok(#name { #(#values,)* #(#weights),* })
            }
        }
    }
}
