//! Data from files: arrays by name.

use std::fs;
use std::path::Path;

use keras::saving::{Array, npz};
use keras::{DType, Error, Result};
use serde_json::Value;

/// The arrays of an `.npz`, `.npy` or `.json` file (`{"name": nested lists of numbers}`).
pub fn read(path: &Path) -> Result<Vec<(String, Array)>> {
    if path.extension().is_some_and(|e| e.eq_ignore_ascii_case("json")) {
        read_json(path)
    } else {
        npz::read(path)
    }
}

/// A JSON file.
pub fn json(path: &Path) -> Result<Value> {
    let text = fs::read_to_string(path).map_err(|e| Error::io(path, e))?;
    serde_json::from_str(&text).map_err(|e| Error::file(path, e.to_string()))
}

fn read_json(path: &Path) -> Result<Vec<(String, Array)>> {
    let Value::Object(items) = json(path)? else {
        return Err(Error::file(path, "expected an object of arrays by name"));
    };
    let array = |(name, value): (&String, &Value)| {
        nested(value)
            .map(|array| (name.clone(), array))
            .map_err(|e| Error::file(path, format!("`{name}`: {e}")))
    };
    items.iter().map(array).collect()
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
    let whole = numbers.iter().all(|n| n.is_i64());
    let values: Vec<f64> = numbers.iter().filter_map(|n| n.as_f64()).collect();
    Ok(Array::of(shape, if whole { DType::I64 } else { DType::F32 }, &values))
}

fn collect(value: &Value, shape: &[usize], out: &mut Vec<serde_json::Number>) -> Result<(), String> {
    match (value, shape) {
        (Value::Array(items), [len, rest @ ..]) if items.len() == *len => {
            items.iter().try_for_each(|item| collect(item, rest, out))
        }
        (Value::Number(number), []) => {
            out.push(number.clone());
            Ok(())
        }
        (Value::String(_), _) => Err("this model does not take strings".into()),
        _ => Err("its lists are not all of the same length".into()),
    }
}
