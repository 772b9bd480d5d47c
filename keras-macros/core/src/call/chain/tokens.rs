//! Programs as Rust.

use proc_macro2::{Ident, TokenStream};
use quote::quote;

use super::{Chain, Instr, Value};

impl Chain {
    /// Expands to: a `&'static Program`.
    pub(in crate::call) fn tokens(&self) -> TokenStream {
        let program = self.program(false);
        quote!(const { &#program })
    }

    /// Expands to: a `Program` whose numbers are constants.
    pub(in crate::call) fn constant_tokens(&self) -> TokenStream {
        self.program(true)
    }

    fn program(&self, constant: bool) -> TokenStream {
        let instrs = self.instrs.iter().map(|instr| {
            let id = |v: &Value| proc_macro2::Literal::u16_unsuffixed(*v as u16);
            let name = |f: &str| Ident::new(f, proc_macro2::Span::call_site());
            match instr {
                Instr::Input(i) => {
                    let i = proc_macro2::Literal::u8_unsuffixed(*i as u8);
                    quote!(::keras::rt::Instr::Input(#i))
                }
                Instr::Field(field, input, scalar) => {
                    let (text, input, scalar) = (field.to_string(), *input as u8, *scalar as u8);
                    quote!(::keras::rt::read_field(Self::__is_weight(#text), #input, #scalar))
                }
                Instr::Scalar(i) if constant => {
                    let number = &self.numbers[*i];
                    quote!(::keras::rt::Instr::Const((#number) as f64))
                }
                Instr::Scalar(i) => {
                    let i = proc_macro2::Literal::u8_unsuffixed(*i as u8);
                    quote!(::keras::rt::Instr::Scalar(#i))
                }
                Instr::Const(c) => quote!(::keras::rt::Instr::Const(#c)),
                Instr::Unary(f, a) => {
                    let (f, a) = (name(f), id(a));
                    quote!(::keras::rt::Instr::Unary(::keras::rt::Unary::#f, #a))
                }
                Instr::Binary(f, a, b) => {
                    let (f, a, b) = (name(f), id(a), id(b));
                    quote!(::keras::rt::Instr::Binary(::keras::rt::Binary::#f, #a, #b))
                }
                Instr::Select(a, b, c) => {
                    let (a, b, c) = (id(a), id(b), id(c));
                    quote!(::keras::rt::Instr::Select(#a, #b, #c))
                }
            }
        });
        let outputs = self.outputs.iter().map(|o| proc_macro2::Literal::u16_unsuffixed(*o as u16));
        quote!(::keras::rt::Chain { instrs: &[#(#instrs),*], outputs: &[#(#outputs),*] })
    }
}
