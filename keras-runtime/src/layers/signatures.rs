//! Every option of Keras is an option here with the same default, or is refused in writing: signatures from
//! `tests/fixtures/signatures.json`, which `signatures.py` beside it wrote.

use serde_json::{Map, Value, json};

use crate::layer::Config;
use crate::layers::Registry;
use crate::layers::unsupported::{UNSUPPORTED, find};
use crate::{ConfigValue, Constraint, Initializer, Regularizer, Result};

const FILE: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/../tests/fixtures/signatures.json");

fn signatures(kind: &str) -> Map<String, Value> {
    let text = std::fs::read_to_string(FILE).expect("the fixtures");
    let file: Value = serde_json::from_str(&text).expect("valid JSON");
    file[kind].as_object().expect("classes").clone()
}

/// What the layer of this configuration writes down.
fn written(class: &str, config: &Config) -> Result<Config> {
    Registry::new().make(class, "keras.layers", config).map(|layer| layer.config())
}

fn map(json: &Value) -> &Config {
    json.as_object().expect("an object")
}

fn with(config: &Config, option: &str, value: &Value) -> Config {
    let mut config = config.clone();
    config.insert(option.into(), value.clone());
    config
}

/// Options that every layer has from outside: `LayerSpec::activity_regularizer`.
const OF_MEMBERS: &str = "activity_regularizer";

/// Options with a default in Keras that `new` asks for here, since a reader of the source wants to see them. Files always have them.
const ARGUMENTS: &[&str] = &["cropping", "padding", "pool_size", "size"];

/// What is wrong with an option, if anything is.
fn fault(class: &str, required: &Config, option: &str, default: &Value) -> Option<String> {
    let without = match written(class, required) {
        Ok(config) => config,
        Err(error) => return Some(error.to_string()),
    };
    let set = match written(class, &with(required, option, default)) {
        Ok(config) => config,
        Err(error) => return Some(format!("its default in Keras is refused: {error}")),
    };
    match (without.get(option), find(class, option)) {
        _ if option == OF_MEMBERS => None,
        (Some(_), Some(_)) => Some("is honoured, and listed as unsupported".into()),
        (None, None) => Some("is not here, and not listed as unsupported".into()),
        (Some(ours), None) if set.get(option) != Some(ours) => {
            Some(format!("is {ours} by default, in Keras {default}"))
        }
        _ => None,
    }
}

/// The options without a default here, with values.
fn arguments(class: &str, signature: &Value) -> Config {
    let mut arguments = map(&signature["required"]).clone();
    for (option, default) in
        map(&signature["options"]).iter().filter(|(o, _)| ARGUMENTS.contains(&o.as_str()))
    {
        if written(class, &arguments).is_err() {
            arguments.insert(option.clone(), default.clone());
        }
    }
    arguments
}

#[test]
fn every_option_is_here_or_refused() {
    let signatures = signatures("layers");
    let mut faults = Vec::new();
    for class in Registry::new().classes() {
        let Some(signature) = signatures.get(class) else {
            faults.push(format!("{class}: add samples for it to signatures.py"));
            continue;
        };
        let required = &arguments(class, signature);
        for (option, default) in map(&signature["options"]) {
            let fault = fault(class, required, option, default);
            faults.extend(fault.map(|fault| format!("{class}: `{option}` {fault}")));
        }
        for option in required.keys() {
            let mut without = required.clone();
            without.remove(option);
            if written(class, &without).is_ok() {
                faults.push(format!("{class}: `{option}` has a default, in Keras it has none"));
            }
        }
    }
    assert!(faults.is_empty(), "{} faults:\n{}", faults.len(), faults.join("\n"));
}

/// What Keras writes for a layer is read, and what is written for it has no key that Keras does not take.
#[test]
fn configurations_are_read_on_both_sides() {
    let signatures = signatures("layers");
    for class in Registry::new().classes() {
        let signature = &signatures[class];
        let ours = written(class, map(&signature["config"])).unwrap_or_else(|error| panic!("{error}"));
        for key in ours.keys() {
            let taken =
                ["config", "required", "options"].iter().any(|part| signature[part].get(key).is_some());
            assert!(taken, "{class}: Keras knows no `{key}`");
        }
    }
}

/// Other values than the accepted one are errors that name the class and the option.
#[test]
fn what_is_not_honoured_is_refused() {
    let signatures = signatures("layers");
    let registry = Registry::new();
    let known: Vec<&str> = registry.classes().collect();
    for unsupported in UNSUPPORTED {
        for class in
            known.iter().filter(|c| unsupported.classes.is_empty() || unsupported.classes.contains(c))
        {
            let required = map(&signatures[*class]["required"]);
            let set = |value: &Value| written(class, &with(required, unsupported.option, value));
            let Some(accepted) = unsupported.accepted else {
                assert!(set(&json!(3)).is_ok(), "{class} {}", unsupported.option);
                continue;
            };
            assert!(
                set(&serde_json::from_str(accepted).expect("JSON")).is_ok(),
                "{class} {}",
                unsupported.option
            );
            let error = set(&json!({"rank": 4})).expect_err("not honoured").to_string();
            let named = format!("{class}: `{}`: only {accepted} is supported", unsupported.option);
            assert!(error.starts_with(&named), "{error}");
        }
    }
    let error = written("Dense", map(&json!({"units": 3, "unit": 4}))).expect_err("unknown").to_string();
    assert_eq!(error, "Dense: `unit`: this layer has no such option");
}

/// The object that a file has for a class with these options.
fn object(class: &str, config: Value) -> Value {
    json!({"module": "keras", "class_name": class, "config": config, "registered_name": null})
}

/// Whether two values say the same; Keras rounds some numbers to 32 bits before it writes them.
fn same(a: &Value, b: &Value) -> bool {
    match (a, b) {
        (Value::Object(a), Value::Object(b)) => {
            a.len() == b.len() && a.iter().all(|(key, value)| b.get(key).is_some_and(|b| same(value, b)))
        }
        _ => a == b || matches!((a.as_f64(), b.as_f64()), (Some(a), Some(b)) if a as f32 == b as f32),
    }
}

/// Walks the classes of a kind: by name, with all defaults in writing, and with each option alone.
fn values<T: ConfigValue>(kind: &str, option_of_dense: &str, refused: &[&str]) {
    for (class, signature) in signatures(kind) {
        let read = |config: Value| T::from_json(&object(&class, config)).map(|value| value.to_json());
        if refused.contains(&class.as_str()) {
            let object = object(&class, signature["config"].clone());
            let config = with(map(&json!({"units": 3})), option_of_dense, &object);
            let error = written("Dense", &config).expect_err("refused").to_string();
            assert!(error.contains(&class) && error.contains(option_of_dense), "{error}");
            continue;
        }
        let made = read(json!({})).unwrap_or_else(|error| panic!("{class}: {error}"));
        assert_eq!(made["class_name"], class.as_str());
        let check = |config: Value| {
            let again = read(config.clone()).unwrap_or_else(|error| panic!("{class} {config}: {error}"));
            assert!(same(&made, &again), "{class} {config}: {made} is not {again}");
        };
        check(signature["config"].clone());
        for (option, default) in map(&signature["options"]) {
            check(json!({option: default}));
            assert!(read(json!({option: {"strange": []}})).is_err(), "{class}: `{option}` is ignored");
        }
        let unknown = read(json!({"strange": 1})).expect_err("no such option");
        assert!(unknown.contains("strange"), "{class}: {unknown}");
    }
}

#[test]
fn every_initializer_is_here() {
    // Of spectrograms, which are not there.
    values::<Initializer>("initializers", "kernel_initializer", &["STFT"]);
}

#[test]
fn every_regularizer_is_here() {
    values::<Regularizer>("regularizers", "kernel_regularizer", &[]);
}

#[test]
fn every_constraint_is_here() {
    values::<Constraint>("constraints", "kernel_constraint", &[]);
}
