//! Arrays as nested lists.

use std::fs;
use std::path::Path;

use keras::saving::Array;
use keras::{DType, Error, Result};
use serde_json::{Number, Value};

/// A JSON file.
pub fn read(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    serde_json::from_str(&text).map_err(|e| Error::file(path, format!("is not JSON: {e}")))
}

/// The arrays of `{"name": nested lists}`; nested lists alone are one array without a name.
pub fn read_arrays(path: &Path) -> Result<Vec<(String, Array)>> {
    let array = |name: &str, value: &Value| {
        let wrong = |e| Error::file(path, if name.is_empty() { e } else { format!("`{name}`: {e}") });
        nested(value).map(|array| (name.to_string(), array)).map_err(wrong)
    };
    match read(path)? {
        Value::Object(items) => items.iter().map(|(name, value)| array(name, value)).collect(),
        list @ Value::Array(_) => Ok(vec![array("", &list)?]),
        _ => Err(Error::file(path, "expected an object of arrays by name, or nested lists of numbers")),
    }
}

/// Nested lists of numbers as an array: of integers if all of them are.
fn nested(value: &Value) -> Result<Array, String> {
    let mut shape = Vec::new();
    let mut level = value;
    while let Value::Array(items) = level {
        shape.push(items.len());
        match items.first() {
            Some(first) => level = first,
            None => break,
        }
    }
    let mut numbers = Vec::new();
    collect(value, &shape, &mut numbers)?;
    let whole = numbers.iter().all(Number::is_i64);
    let values: Vec<f64> = numbers.iter().filter_map(Number::as_f64).collect();
    Ok(Array::of(shape, if whole { DType::I64 } else { DType::F32 }, &values))
}

fn collect(value: &Value, shape: &[usize], out: &mut Vec<Number>) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(items), [len, rest @ ..]) if items.len() == *len => {
            items.iter().try_for_each(|item| collect(item, rest, out))
        }
        (Value::Number(number), []) => {
            out.push(number.clone());
            Ok(())
        }
        (Value::Bool(value), []) => {
            out.push(Number::from(u8::from(*value)));
            Ok(())
        }
        (Value::String(_), _) => Err("it has strings, where numbers are expected".into()),
        _ => Err("its lists are not all of the same length".into()),
    }
}
