//! The macros' table of layers says what the layers say: macros know no layer, so it repeats their arguments and defaults.

use std::collections::BTreeSet;

use keras::layers::Registry;
use keras_macros_core::import::{self, Field, Kind, classes};
use serde_json::{Map, Value, json};

/// Keys of a configuration that are no option of a constructor: parts of wrappers, and what is always at its default.
const NO_OPTIONS: &[&str] = &["layer", "backward_layer", "flash_attention"];

#[test]
fn the_table_has_the_layers_of_the_registry() {
    let (listed, registry) =
        (classes().iter().map(|class| class.name).collect::<BTreeSet<_>>(), Registry::new());
    let known: BTreeSet<&str> = registry.classes().collect();
    let missing: Vec<_> = known.difference(&listed).collect();
    let unknown: Vec<_> = listed.difference(&known).collect();
    assert!(
        missing.is_empty() && unknown.is_empty(),
        "not in the table: {missing:?}; no layers: {unknown:?}"
    );
}

#[test]
fn calls_have_the_arguments_of_the_layers() {
    for class in Registry::new().classes() {
        let (ours, macros) = (keras::layers::call_arguments(class), import::call_arguments(class));
        assert_eq!(macros, ours, "{class}");
    }
}

#[test]
fn arguments_and_defaults_are_those_of_the_layers() {
    let registry = Registry::new();
    let mut wrong = Vec::new();
    for class in classes() {
        let mut config: Map<String, Value> =
            class.arguments.iter().map(|field| (field.name.to_string(), sample(field))).collect();
        if matches!(class.name, "Bidirectional" | "TimeDistributed") {
            let inner =
                json!({"module": "keras.layers", "class_name": "GRU", "config": {"name": "gru", "units": 3}});
            config.insert("layer".into(), inner);
        }
        let layer = registry.make(class.name, "keras.layers", &config);
        let said = layer.unwrap_or_else(|e| panic!("{}: {e}", class.name)).config();
        // Fields stand in a constructor in the order in which they are saved.
        let order: Vec<&String> =
            said.keys().filter(|key| class.arguments.iter().any(|f| f.name == **key)).collect();
        if !order.iter().map(|key| &key[..]).eq(class.arguments.iter().map(|field| field.name)) {
            wrong.push(format!("{}: arguments are {order:?}", class.name));
        }
        for (field, default) in &class.options {
            match said.get(field.name).map(|json| field.kind.print(json)) {
                Some(Ok(text)) if text == *default => {}
                found => wrong
                    .push(format!("{}: `{}` is {default:?} in the table, {found:?}", class.name, field.name)),
            }
        }
        let listed = |key: &str| {
            class.arguments.iter().any(|field| field.name == key)
                || class.options.iter().any(|(field, _)| field.name == key)
        };
        let unlisted = said.keys().filter(|key| !listed(key) && !NO_OPTIONS.contains(&&key[..]));
        wrong.extend(unlisted.map(|key| format!("{}: `{key}` is not in the table", class.name)));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// A value that an argument can have.
fn sample(field: &Field) -> Value {
    match field.kind {
        Kind::Activation => json!("relu"),
        Kind::Axes | Kind::Int | Kind::Size | Kind::Borders => json!(2),
        Kind::Float => json!(0.5),
        Kind::Ints | Kind::PartialShape => json!([2, 1]),
        Kind::Text => json!("ab,bc->ac"),
        other => panic!("no argument is of kind {other:?} yet"),
    }
}
