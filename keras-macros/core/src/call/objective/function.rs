//! The function that `#[loss]` or `#[metric]` stands before, and their arguments.

use proc_macro2::Ident;
use quote::quote;
use syn::parse::{Parse, ParseStream};
use syn::{Error, FnArg, ItemFn, Pat, PatType, Result, ReturnType, Type};

use crate::call::signature::is_tensor;

/// `#[loss]`, `#[loss(sparse)]`.
pub(super) struct Arguments {
    pub sparse: bool,
}

impl Parse for Arguments {
    fn parse(input: ParseStream<'_>) -> Result<Self> {
        if input.is_empty() {
            return Ok(Arguments { sparse: false });
        }
        let word: Ident = input.parse().map_err(|e| Error::new(e.span(), "expected `sparse`, or nothing"))?;
        if word != "sparse" {
            let message =
                format!("unknown option `{word}`; expected `sparse` (labels are numbers of classes)");
            return Err(Error::new(word.span(), message));
        }
        if input.is_empty() {
            Ok(Arguments { sparse: true })
        } else {
            Err(input.error("expected nothing after `sparse`"))
        }
    }
}

/// A function's parts.
pub(super) struct Function {
    pub item: ItemFn,
    pub tensors: Vec<Ident>,
    pub numbers: Vec<(Ident, Type)>,
}

/// Keys that Keras' wrappers of functions use themselves.
const RESERVED: [&str; 4] = ["name", "reduction", "fn", "dtype"];

/// Number types of parameters.
const NUMBERS: [&str; 9] = ["f64", "f32", "usize", "isize", "i32", "i64", "u32", "u64", "bool"];

impl Function {
    pub(super) fn new(item: ItemFn, form: &str) -> Result<Function> {
        let (mut tensors, mut numbers) = (Vec::new(), Vec::new());
        if let Some(generic) = item.sig.generics.params.first() {
            return Err(Error::new_spanned(generic, format!("it cannot be generic: {form}")));
        }
        for argument in &item.sig.inputs {
            let (name, ty) = match argument {
                FnArg::Typed(PatType { pat, ty, .. }) => match &**pat {
                    Pat::Ident(name) => (name.ident.clone(), &**ty),
                    other => return Err(Error::new_spanned(other, format!("a parameter is a name: {form}"))),
                },
                FnArg::Receiver(receiver) => return Err(Error::new_spanned(receiver, form)),
            };
            if is_tensor(ty) {
                if !numbers.is_empty() || tensors.len() == 2 {
                    return Err(Error::new_spanned(argument, form));
                }
                tensors.push(name);
            } else if RESERVED.contains(&name.to_string().as_str()) {
                let message =
                    format!("files have a `{name}` of every function: give this number another name");
                return Err(Error::new(name.span(), message));
            } else if tensors.len() == 2 && NUMBERS.contains(&quote!(#ty).to_string().as_str()) {
                numbers.push((name, ty.clone()));
            } else {
                return Err(Error::new_spanned(ty, form));
            }
        }
        let returns = match &item.sig.output {
            ReturnType::Type(_, ty) if is_tensor(ty) => Ok(()),
            ReturnType::Type(_, ty) => Err(Error::new_spanned(ty, form)),
            ReturnType::Default => Err(Error::new_spanned(&item.sig, form)),
        };
        returns?;
        if tensors.len() != 2 {
            return Err(Error::new_spanned(&item.sig, form));
        }
        Ok(Function { item, tensors, numbers })
    }
}
