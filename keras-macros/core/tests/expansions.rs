//! What the macros expand to, one feature a file: `expansions/NAME.in.rs` becomes `expansions/NAME.rs`.
//!
//! `KERAS_BLESS=1 cargo test -p keras-macros-core` writes the files anew.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;

/// What attributes and derives make of the items of a file.
fn expand_items(source: &str) -> TokenStream {
    use keras_macros_core::call::{self, Objective};
    let file: syn::File = syn::parse_str(source).expect("items");
    let expand = |mut item: syn::Item| {
        let attrs = match &mut item {
            syn::Item::Fn(item) => &mut item.attrs,
            syn::Item::Impl(item) => &mut item.attrs,
            syn::Item::Struct(item) => &mut item.attrs,
            _ => panic!("no macro stands before such an item"),
        };
        let at = attrs.iter().position(|a| !a.path().is_ident("doc")).expect("an attribute");
        let attribute = attrs.remove(at);
        let arguments = match &attribute.meta {
            syn::Meta::List(list) => list.tokens.clone(),
            _ => TokenStream::new(),
        };
        let item = quote::quote!(#item);
        match attribute.path().get_ident().expect("a name").to_string().as_str() {
            "derive" => keras_macros_core::layer::expand(item),
            "call" => call::expand(item),
            "activation" => call::expand_activation(item),
            "loss" => call::expand_objective(Objective::Loss, arguments, item),
            "metric" => call::expand_objective(Objective::Metric, arguments, item),
            other => panic!("`{other}` is no macro"),
        }
    };
    file.items.into_iter().map(expand).collect()
}

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions");
    let source = fs::read_to_string(folder.join(format!("{name}.in.rs"))).unwrap();
    let expanded = match name.strip_prefix("own_") {
        Some(_) => expand_items(&source),
        None => keras_macros_core::model::expand(source.parse().unwrap()),
    };
    let file = syn::parse2(expanded).expect("the expansion is Rust");
    let found = prettyplease::unparse(&file);
    let path = folder.join(format!("{name}.rs"));
    if std::env::var_os("KERAS_BLESS").is_some() {
        return fs::write(path, found).unwrap();
    }
    let expected = fs::read_to_string(path).unwrap_or_default();
    assert!(expected == found, "the expansion of `{name}` changed; it is now:\n{found}");
}

macro_rules! snapshots {
    ($($name:ident),* $(,)?) => { $(
        #[test]
        fn $name() {
            check(stringify!($name));
        }
    )* };
}
snapshots! { own_activation, own_layer, own_loss, own_metric }
snapshots! { sequential, functional, shared_layer, call_options, generic, nested, wrapper, backward_layer, several_outputs, names, mistake }
