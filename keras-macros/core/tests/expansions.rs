//! What `model!` expands to, one feature a file: `expansions/NAME.in.rs` becomes `expansions/NAME.rs`.
//!
//! `KERAS_BLESS=1 cargo test -p keras-macros-core` writes the files anew.

use std::fs;
use std::path::Path;

use proc_macro2::TokenStream;

fn check(name: &str) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/expansions");
    let source = fs::read_to_string(folder.join(format!("{name}.in.rs"))).unwrap();
    let input: TokenStream = source.parse().unwrap();
    let expanded = keras_macros_core::model::expand(input);
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
snapshots! { sequential, functional, shared_layer, call_options, generic, nested, wrapper, several_outputs, names, mistake }
