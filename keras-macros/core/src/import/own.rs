//! Layers of one's own in files: the type of this name that is in scope, with its fields by name.

use serde_json::Value;

use super::Result;
use super::layers::class;
use super::values::{self, Kind, NONE};

/// Keys of every layer: who makes it reads them.
const COMMON: [&str; 4] = ["name", "trainable", "dtype", "activity_regularizer"];

/// Whether a layer is not one of Keras', as far as its file says.
pub(super) fn is_own(json: &Value) -> bool {
    let text = |key: &str| json.get(key).and_then(Value::as_str);
    let package = text("module").unwrap_or("").split('.').next().unwrap_or("");
    let registered = text("registered_name").or(text("class_name")).is_some_and(|name| name.contains('>'));
    registered || !matches!(package, "" | "keras" | "builtins")
}

/// `Gated { units: 64, residual: false }`, with options that stand after its own.
///
/// # Errors
/// If its class or an option cannot be written in Rust.
pub(super) fn constructor(json: &Value, more: &[String]) -> Result<String> {
    let name = json.get("class_name").and_then(Value::as_str).unwrap_or("");
    let name = name.rsplit('>').next().unwrap_or(name);
    let fine = syn::parse_str::<syn::Ident>(name).is_ok() && name.starts_with(char::is_uppercase);
    if !fine {
        return Err(
            "its class is no name of a type in Rust: load the file at run time, with a registry".into()
        );
    }
    if class(name).is_some() {
        return Err(format!(
            "is a layer of somebody's own with the name of Keras' `{name}`: load the file at run time, with a registry"
        ));
    }
    let mut fields = Vec::new();
    let config = json.get("config").and_then(Value::as_object);
    for (key, value) in config.into_iter().flatten().filter(|(key, _)| !COMMON.contains(&key.as_str())) {
        if syn::parse_str::<syn::Ident>(key).is_err() {
            return Err(format!("its option `{key}` is no name of a field in Rust"));
        }
        let text = print(key, value).ok_or_else(|| {
            let found: String = value.to_string().chars().take(80).collect();
            format!(
                "`{key}`: {found} cannot be written in source: load the file at run time, with a registry"
            )
        })?;
        fields.push(format!("{key}: {text}"));
    }
    fields.extend(more.iter().map(|option| option.replacen(" = ", ": ", 1)));
    Ok(match &fields[..] {
        [] => format!("{name} {{}}"),
        fields => format!("{name} {{ {} }}", fields.join(", ")),
    })
}

/// A value of an option whose kind only its layer knows: numbers as they are, objects by their module, a text by the option's name
/// where Keras has options of that name, otherwise as a text.
fn print(key: &str, value: &Value) -> Option<String> {
    let of = |kind: Kind| kind.print(value).ok().filter(|text| text != NONE);
    let named = |ends: &str| key == ends || key.ends_with(&format!("_{ends}"));
    let kinds = [
        ("activation", Kind::Activation),
        ("initializer", Kind::Initializer),
        ("regularizer", Kind::Regularizer),
        ("constraint", Kind::Constraint),
        ("padding", Kind::Word),
        ("data_format", Kind::Word),
        ("interpolation", Kind::Word),
    ];
    match value {
        Value::Null => Some("None".into()),
        Value::Bool(_) | Value::Number(_) => {
            if value.is_f64() {
                values::number(value).map(values::float)
            } else {
                Some(value.to_string())
            }
        }
        Value::Array(items) if items.iter().all(|item| item.is_i64() || item.is_null()) => of(Kind::Ints),
        Value::Array(items) => {
            let floats = items.iter().map(|item| values::number(item).map(values::float));
            Some(format!("[{}]", floats.collect::<Option<Vec<_>>>()?.join(", ")))
        }
        Value::String(_) | Value::Object(_) => {
            let kind = kinds.iter().find(|(ends, _)| named(ends)).map(|(_, kind)| *kind);
            of(kind.unwrap_or(if value.is_string() { Kind::Text } else { Kind::Activation }))
        }
    }
}
