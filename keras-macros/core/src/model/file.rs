//! Bodies from files: `= "net.keras"` stands for the text that `keras import net.keras` prints.

use std::path::{Path, PathBuf};

use proc_macro2::{Ident, TokenStream};
use quote::{ToTokens, quote};
use syn::{Error, Expr, ExprLit, Lit, LitStr, Result};

use super::parse::{self, Body, Header, Port};
use super::types;
use crate::import::{self, Content, Input, Model};
use crate::spans::respan;

/// A file as source.
pub struct Opened {
    /// The model's body.
    pub body: Body,
    /// What stands beside the model: the models inside it, and `Net::pretrained`.
    pub items: TokenStream,
}

/// Opens the file that a model is in. Inputs that the header leaves unnamed get the file's names, and what the header declares
/// is held against the file.
///
/// # Errors
/// At the file's name: what is wrong with it, or what the header says otherwise.
pub fn open(header: &mut Header, file: &LitStr) -> Result<Opened> {
    let name = file.value();
    let wrong = |message: String| Error::new(file.span(), format!("`{name}`: {message}"));
    if header.is_generic() {
        return Err(wrong("a model from a file has no parameters: all its sizes are known".into()));
    }
    if !import::is_type_name(&header.name.to_string()) {
        return Err(Error::new(header.name.span(), "a model's name is in upper camel case, such as `Net`"));
    }
    let Content { config, has_weights } = import::open(&place(&name)).map_err(wrong)?;
    let model = import::read(&config).map_err(wrong)?;
    let given = inputs(header, &model).map_err(wrong)?;
    let vis = format!("{} ", header.vis.to_token_stream());
    let printed = model.print(&header.name.to_string(), &vis, &given, None).map_err(wrong)?;
    outputs(header, &model, &printed.outputs).map_err(wrong)?;

    let tokens = |text: &str| -> Result<TokenStream> {
        let tokens: TokenStream = text.parse().map_err(|e| wrong(format!("a name in it is no Rust: {e}")))?;
        Ok(respan(tokens, file.span()))
    };
    let body = parse::body(tokens(&printed.body)?)?;
    let mut items = TokenStream::new();
    for inner in &printed.models {
        items.extend(super::expand(tokens(inner)?));
    }
    items.extend(bytes(header, file, has_weights));
    Ok(Opened { body, items })
}

/// A file's path: relative to the package.
fn place(name: &str) -> PathBuf {
    match std::env::var_os("CARGO_MANIFEST_DIR") {
        Some(package) => Path::new(&package).join(name),
        None => PathBuf::from(name),
    }
}

/// The file itself: rustc looks at it, so that the model is made anew when it changes, and its weights can be in the program.
///
/// Expands to: `impl Net { pub fn pretrained(device: Device) -> Result<Model<Net>> { .. } }`, or an unused `include_bytes!`.
fn bytes(header: &Header, file: &LitStr, has_weights: bool) -> TokenStream {
    let path = if Path::new(&file.value()).is_absolute() {
        quote!(#file)
    } else {
        quote!(::core::concat!(::core::env!("CARGO_MANIFEST_DIR"), "/", #file))
    };
    if !has_weights {
        return quote!(
            const _: &[u8] = ::core::include_bytes!(#path);
        );
    }
    let name = &header.name;
    let doc = format!("The model with the weights of `{}`, which are part of the program.", file.value());
    quote! {
        // A model may be called `Pretrained`.
        #[allow(dead_code, clippy::self_named_constructors)]
        impl #name {
            #[doc = #doc]
            ///
            /// # Errors
            /// If they do not fit the model.
            pub fn pretrained(device: ::keras::Device) -> ::keras::Result<::keras::model::Model<#name>> {
                ::keras::model::Model::from_bytes(::core::include_bytes!(#path), device)
            }
        }
    }
}

/// Holds the declared inputs against the file's, and gives their names, as variables, in the file's order.
fn inputs(header: &mut Header, model: &Model) -> import::Result<Vec<String>> {
    let of = &header.name;
    // A model that was never built takes what is declared.
    let known = !model.inputs.is_empty();
    if known && model.inputs.len() != header.inputs.len() {
        let (declared, found) = (header.inputs.len(), model.inputs.len());
        return Err(format!(
            "the file has {found} input{}, `{of}` declares {declared}",
            if found == 1 { "" } else { "s" }
        ));
    }
    let names: Vec<String> = model.inputs.iter().map(|input| import::variable(&input.name)).collect();
    let order = order(&header.inputs, &names)?;
    for (at, input) in model.inputs.iter().enumerate() {
        fits(&header.inputs[order[at]], input).map_err(|found| {
            let declared = types::text(&header.inputs[order[at]]);
            format!("the file's input `{}` has the shape {found}, `{of}` declares {declared}", input.name)
        })?;
    }
    if model.sequential {
        return Ok(Vec::new());
    }
    if let [port] = &mut header.inputs[..]
        && port.name.is_none()
    {
        port.name = Some(Ident::new(&names[0], port.ends.first));
    }
    Ok(order.iter().filter_map(|at| header.inputs[*at].name.as_ref().map(Ident::to_string)).collect())
}

/// Where the file's inputs (or outputs) are among the declared ones: by name if these are the file's names, otherwise by position.
fn order(declared: &[Port], names: &[String]) -> import::Result<Vec<usize>> {
    let place =
        |name: &String| declared.iter().position(|port| port.name.as_ref().is_some_and(|p| p == name));
    let places: Vec<Option<usize>> = names.iter().map(place).collect();
    if let Some(all) = places.iter().copied().collect::<Option<Vec<usize>>>()
        && !all.is_empty()
    {
        return Ok(all);
    }
    if let Some((at, _)) =
        places.iter().enumerate().find(|(at, place)| place.is_some_and(|place| place != *at))
    {
        let names = names.join("`, `");
        return Err(format!(
            "`{}` is declared at another place; the file's order is `{names}`",
            names_at(declared, places[at])
        ));
    }
    Ok((0..declared.len()).collect())
}

fn names_at(declared: &[Port], place: Option<usize>) -> String {
    place.and_then(|at| declared[at].name.as_ref()).map(Ident::to_string).unwrap_or_default()
}

/// Whether an input of a file is what is declared; its shape if it is not.
fn fits(port: &Port, input: &Input) -> import::Result<()> {
    let dim = |dim: &Expr| match dim {
        Expr::Lit(ExprLit { lit: Lit::Int(int), .. }) => int.base10_parse::<usize>().ok(),
        // Only rustc knows a constant's value: the layers hold it against the shapes that they take.
        _ => None,
    };
    let dims = &input.shape.dims;
    let same = dims.len() == port.dims.len()
        && dims.iter().zip(&port.dims).all(|(want, found)| match (want, dim(found)) {
            (Some(want), Some(found)) => *want == found,
            _ => true,
        });
    let integers = |dtype: &&str| !matches!(*dtype, "f32" | "f64");
    let declared = port.dtype.as_ref().map(Ident::to_string);
    if same && declared.as_deref().filter(integers) == input.shape.dtype.filter(integers) {
        return Ok(());
    }
    Err(match input.shape.dtype {
        Some(dtype) => format!("{} of {dtype}", input.shape.open()),
        None => input.shape.open(),
    })
}

/// Holds the number of declared outputs against the file's, and puts them in the file's order. Their shapes are worked out and
/// held against the declaration by the layers' own rules.
fn outputs(header: &mut Header, model: &Model, names: &[String]) -> import::Result<()> {
    let (of, declared, found) = (&header.name, header.outputs.len(), model.outputs.len());
    if declared != found {
        return Err(format!(
            "the file has {found} output{}, `{of}` declares {declared}",
            if found == 1 { "" } else { "s" }
        ));
    }
    let order = order(&header.outputs, names)?;
    if order.iter().enumerate().any(|(at, place)| at != *place) {
        let names = names.join("`, `");
        return Err(format!(
            "the outputs of `{of}` are declared in another order than the file's: `{names}`"
        ));
    }
    Ok(())
}
