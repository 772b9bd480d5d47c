//! Arrays to files.

use std::fmt::Write as _;
use std::path::Path;

use keras::saving::{Array, npz};
use keras::{DType, Error};
use serde_json::{Map, Value, json};

use super::super::common::{extension, is_stdout, write_text};
use super::super::failure::{Failure, Outcome};

/// A format that predictions are written in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outputs {
    /// Arrays by name.
    Npz,
    /// One array.
    Npy,
    /// A sample a line.
    Csv,
    /// Nested lists by name.
    Json,
}

impl Outputs {
    /// The format that a path's extension stands for; JSON for standard output.
    pub fn of(path: &Path) -> Outcome<Outputs> {
        if is_stdout(path) {
            return Ok(Outputs::Json);
        }
        match extension(path).as_str() {
            "npz" => Ok(Outputs::Npz),
            "npy" => Ok(Outputs::Npy),
            "csv" => Ok(Outputs::Csv),
            "json" => Ok(Outputs::Json),
            _ => Err(Failure::usage(format!(
                "{}: outputs are written as .npz, .npy, .csv or .json, or as JSON to standard output for -",
                path.display()
            ))),
        }
    }

    /// Writes arrays with their names.
    pub fn write(self, path: &Path, arrays: &[(&str, &Array)]) -> Outcome {
        match self {
            Outputs::Npz => Ok(npz::write(path, arrays.iter().copied())?),
            Outputs::Npy => match arrays {
                [(_, array)] => Ok(npz::write_npy(path, array)?),
                several => {
                    let message = format!(
                        "the model has {} outputs, an .npy file one array: write .npz",
                        several.len()
                    );
                    Err(Error::file(path, message).into())
                }
            },
            Outputs::Csv => write_text(path, &csv(arrays)),
            Outputs::Json => {
                let all: Map<String, Value> =
                    arrays.iter().map(|(name, array)| (name.to_string(), nested_json(array))).collect();
                write_text(path, &format!("{}\n", Value::Object(all)))
            }
        }
    }
}

/// A number as short as reads back the same in the array's type; integers without a point.
fn number(array: &Array, value: f64) -> String {
    match array.stored.exact() {
        Some(DType::F64) => value.to_string(),
        Some(DType::F32) | None => (value as f32).to_string(),
        Some(_) => (value as i64).to_string(),
    }
}

/// A sample a line; a column for each number of it, named after its output.
fn csv(arrays: &[(&str, &Array)]) -> String {
    let samples = arrays.first().and_then(|(_, array)| array.shape.first()).copied().unwrap_or(0);
    let width = |array: &Array| array.len() / samples.max(1);
    let mut header = Vec::new();
    for (name, array) in arrays {
        let name = name.replace([',', '"', '\n', '\r'], "_");
        match width(array) {
            1 => header.push(name),
            width => header.extend((0..width).map(|at| format!("{name}_{at}"))),
        }
    }
    let mut out = header.join(",") + "\n";
    let values: Vec<Vec<f64>> = arrays.iter().map(|(_, array)| array.to_f64()).collect();
    for sample in 0..samples {
        let mut first = true;
        for ((_, array), values) in arrays.iter().zip(&values) {
            let width = width(array);
            for value in &values[sample * width..(sample + 1) * width] {
                // Writing to a string cannot fail.
                let _ = write!(out, "{}{}", if first { "" } else { "," }, number(array, *value));
                first = false;
            }
        }
        out.push('\n');
    }
    out
}

/// An array as nested lists. What is not a number in JSON (NaN, infinity) is null.
fn nested_json(array: &Array) -> Value {
    let values = array.to_f64();
    let whole = !matches!(array.stored.exact(), Some(DType::F32 | DType::F64) | None);
    let one = |value: f64| {
        if whole {
            return json!(value as i64);
        }
        // The shortest text of a 32-bit float, not that of the 64-bit one that it widens to.
        let text = number(array, value);
        text.parse::<f64>().ok().filter(|v| v.is_finite()).map_or(Value::Null, |v| json!(v))
    };
    fn build(shape: &[usize], values: &[f64], one: &dyn Fn(f64) -> Value) -> Value {
        match shape {
            [] => values.first().map_or(Value::Null, |v| one(*v)),
            [len, rest @ ..] => {
                let size = rest.iter().product::<usize>();
                (0..*len).map(|at| build(rest, &values[at * size..(at + 1) * size], one)).collect()
            }
        }
    }
    build(&array.shape, &values, &one)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_and_lists() {
        let y = Array::of(vec![2, 2], DType::F32, &[0.1f32 as f64, -1.0, f64::NAN, 3.0]);
        let n = Array::of(vec![2], DType::I64, &[7.0, 8.0]);
        assert_eq!(csv(&[("y", &y), ("n", &n)]), "y_0,y_1,n\n0.1,-1,7\nNaN,3,8\n");
        assert_eq!(nested_json(&y), json!([[0.1, -1.0], [null, 3.0]]));
        assert_eq!(nested_json(&n), json!([7, 8]));
    }
}
