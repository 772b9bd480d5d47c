//! From a call in a file to the operation: JSON becomes what [`super::compute`] reads.

use keras_kernels::{DType, Shape};
use serde_json::Value;

use super::arguments::{self, Arguments};
use super::compute;
use super::setting::{Argument, Index, Key, Options, Pairs, Setting};
use super::{FileOperation, modules};
use crate::layer::Config;
use crate::plan::{Ints, Text};
use crate::saving::json::number;
use crate::{Error, Result};

/// The operation that a call of a file is. `config` has the operation's own options.
///
/// # Errors
/// If the class is not known, or an argument is not understood.
pub(crate) fn parse(
    class: &str,
    module: &str,
    config: &Config,
    arguments: Arguments,
) -> Result<FileOperation> {
    let wrong = |message: String| Error::config(format!("operation `{class}` of module `{module}`"), message);
    let names = compute::arguments(class);
    if let Some(found) = arguments.unexpected(names) {
        return Err(wrong(format!("takes {}, found {found}", names.join(", "))));
    }
    let mut constants = Vec::new();
    let found: Vec<Argument> = names
        .iter()
        .enumerate()
        .map(|(at, name)| match arguments.get(at, name) {
            None => Argument::Absent,
            Some(value) if *name == "key" => key(value).map_or(Argument::Unknown, Argument::Key),
            Some(value) if *name == "indices" => places(value).unwrap_or(Argument::Unknown),
            Some(value) => argument(value, &mut constants),
        })
        .collect();
    let settings: Vec<(&str, Setting)> =
        config.iter().filter(|(_, v)| !v.is_null()).map(|(key, v)| (&key[..], setting(v))).collect();
    let options = Options { class, settings: &settings, arguments: &found };
    let kind = compute::kind(&options).map_err(|message| wrong(message.to_string()))?;
    let (class, module) = modules::known(class, module).ok_or_else(|| wrong("has no module".into()))?;
    let mut config = config.clone();
    config.remove("name");
    Ok(FileOperation { class, module, config, arguments, constants, kind })
}

/// The value of an option.
fn setting(value: &Value) -> Setting {
    match value {
        Value::Bool(flag) => Setting::Flag(*flag),
        Value::Array(items) => list(items).unwrap_or(Setting::Unknown),
        value => {
            let int = crate::config::signed(value).map(Setting::Int);
            let float = || number(value).map(Setting::Float);
            let text = || value.as_str().and_then(Text::try_of).map(Setting::Text);
            int.or_else(float).or_else(text).unwrap_or(Setting::Unknown)
        }
    }
}

fn list(items: &[Value]) -> Option<Setting> {
    let pair = |v: &Value| match v.as_array()?.as_slice() {
        [a, b] => Some([crate::config::size(a)?, crate::config::size(b)?]),
        _ => None,
    };
    // Keras writes None for a dimension that the data decides.
    let int = |v: &Value| if v.is_null() { Some(-1) } else { crate::config::signed(v) };
    if items.iter().any(Value::is_array) {
        let pairs: Vec<[usize; 2]> = items.iter().map(pair).collect::<Option<_>>()?;
        return Pairs::try_of(&pairs).map(Setting::Pairs);
    }
    let ints: Vec<isize> = items.iter().map(int).collect::<Option<_>>()?;
    (ints.len() <= 8).then(|| Setting::Ints(Ints::from_slice(&ints)))
}

/// An argument of a call. The numbers of an array go to `constants`.
fn argument(value: &Value, constants: &mut Vec<Vec<f64>>) -> Argument {
    if let Some(at) = arguments::tensor(value) {
        return Argument::Tensor(at);
    }
    if let Some(list) = value.as_array()
        && !list.is_empty()
        && list.iter().all(|v| arguments::tensor(v).is_some())
    {
        return Argument::Tensors;
    }
    if let Some(truth) = value.as_bool() {
        return Argument::Number { value: f64::from(truth), whole: true };
    }
    if let Some(number) = number(value) {
        return Argument::Number { value: number, whole: value.is_i64() || value.is_u64() };
    }
    let Some((shape, dtype, values)) = constant(value) else { return Argument::Unknown };
    constants.push(values);
    Argument::Constant { shape, dtype, values: &[] }
}

/// One place along an axis, or a list of them.
fn places(value: &Value) -> Option<Argument> {
    let value = match value.get("config") {
        Some(array) => array.get("value")?,
        None => value,
    };
    match setting(value) {
        Setting::Int(at) => Some(Argument::Places { at: Ints::of([at]), list: false }),
        Setting::Ints(at) if !at.is_empty() => Some(Argument::Places { at, list: true }),
        _ => None,
    }
}

/// An index: numbers, slices, `None` and `...`, alone or in a list.
fn key(value: &Value) -> Option<Key> {
    let parts: Vec<Index> = match value {
        Value::Array(parts) => parts.iter().map(index).collect::<Option<_>>()?,
        one => vec![index(one)?],
    };
    Key::try_of(&parts)
}

/// One part of an index.
fn index(value: &Value) -> Option<Index> {
    if value.is_null() {
        return Some(Index::New);
    }
    if let Some(at) = crate::config::signed(value) {
        return Some(Index::At(at));
    }
    match value.get("class_name")?.as_str()? {
        "__ellipsis__" => Some(Index::Rest),
        "__slice__" => {
            let config = value.get("config")?;
            let bound = |key: &str| match config.get(key) {
                None | Some(Value::Null) => Some(None),
                Some(bound) => bound.as_i64().and_then(|n| isize::try_from(n).ok()).map(Some),
            };
            Some(Index::Range {
                start: bound("start")?,
                stop: bound("stop")?,
                step: bound("step")?.unwrap_or(1),
            })
        }
        _ => None,
    }
}

/// An array that stands in a file.
fn constant(value: &Value) -> Option<(Shape, DType, Vec<f64>)> {
    let (values, dtype) = match value.get("class_name").and_then(Value::as_str) {
        Some("__numpy__" | "__tensor__") => {
            let config = value.get("config")?;
            let dtype = match config.get("dtype")?.as_str()? {
                "float32" | "float64" | "float16" | "bfloat16" => DType::F32,
                "int64" => DType::I64,
                "bool" => DType::Bool,
                "uint8" => DType::U8,
                _ => DType::I32,
            };
            (config.get("value")?, dtype)
        }
        Some(_) => return None,
        None => (value, DType::F32),
    };
    let (mut shape, mut out) = (Vec::new(), Vec::new());
    flatten(values, 0, &mut shape, &mut out)?;
    let shape = Shape::try_of(&shape)?;
    (out.len() == shape.size()).then_some((shape, dtype, out))
}

/// Numbers of a nested list, and its shape.
fn flatten(value: &Value, depth: usize, shape: &mut Vec<usize>, out: &mut Vec<f64>) -> Option<()> {
    if depth > 8 {
        return None;
    }
    match value {
        Value::Array(items) => {
            if shape.len() == depth {
                shape.push(items.len());
            }
            items.iter().try_for_each(|item| flatten(item, depth + 1, shape, out))
        }
        Value::Bool(truth) => {
            out.push(f64::from(*truth));
            Some(())
        }
        one => {
            out.push(number(one)?);
            Some(())
        }
    }
}
