//! The method that `#[call]` reads.

use proc_macro2::Ident;
use quote::ToTokens;
use syn::{Block, Error, FnArg, Generics, ImplItem, ItemImpl, Pat, Result, ReturnType, Type};

/// `fn call(&self, x: Tensor, ..) -> Tensor`.
pub(super) struct Method {
    pub ty: Type,
    pub generics: Generics,
    pub inputs: Vec<Ident>,
    /// How many tensors it returns.
    pub outputs: usize,
    pub body: Block,
}

const FORM: &str = "`fn call(&self, x: Tensor) -> Tensor`, with one or more tensors on both sides";

impl Method {
    pub(super) fn new(item: &ItemImpl) -> Result<Method> {
        if let Some((name, _)) = &item.trait_ {
            return Err(Error::new_spanned(
                name,
                "`#[call]` stands before `impl Layer`'s type itself, without a trait",
            ));
        }
        let call = item.items.iter().find_map(|member| match member {
            ImplItem::Fn(function) if function.sig.ident == "call" => Some(function),
            _ => None,
        });
        let call =
            call.ok_or_else(|| Error::new_spanned(&item.self_ty, format!("`#[call]` needs {FORM}")))?;
        let mut arguments = call.sig.inputs.iter();
        match arguments.next() {
            Some(FnArg::Receiver(receiver)) if receiver.to_token_stream().to_string() == "& self" => {}
            Some(other) => return Err(Error::new_spanned(other, format!("`call` takes `&self`: {FORM}"))),
            None => return Err(Error::new_spanned(&call.sig, format!("`call` takes `&self`: {FORM}"))),
        }
        let mut inputs = Vec::new();
        for argument in arguments {
            match argument {
                FnArg::Typed(typed) if is_tensor(&typed.ty) => match &*typed.pat {
                    Pat::Ident(name) => inputs.push(name.ident.clone()),
                    other => return Err(Error::new_spanned(other, "an argument of `call` is a name")),
                },
                other => {
                    let message = "an argument of `call` is a `Tensor`; options are fields of the layer";
                    return Err(Error::new_spanned(other, message));
                }
            }
        }
        if inputs.is_empty() {
            return Err(Error::new_spanned(&call.sig, format!("`call` needs an input: {FORM}")));
        }
        let outputs = match &call.sig.output {
            ReturnType::Type(_, ty) => match &**ty {
                ty if is_tensor(ty) => 1,
                Type::Tuple(tuple) if !tuple.elems.is_empty() && tuple.elems.iter().all(is_tensor) => {
                    tuple.elems.len()
                }
                other => return Err(Error::new_spanned(other, format!("`call` returns tensors: {FORM}"))),
            },
            ReturnType::Default => {
                return Err(Error::new_spanned(&call.sig, format!("`call` returns a tensor: {FORM}")));
            }
        };
        Ok(Method {
            ty: (*item.self_ty).clone(),
            generics: item.generics.clone(),
            inputs,
            outputs,
            body: call.block.clone(),
        })
    }
}

pub(super) fn is_tensor(ty: &Type) -> bool {
    let text = ty.to_token_stream().to_string();
    text == "Tensor" || text.ends_with(":: Tensor")
}
