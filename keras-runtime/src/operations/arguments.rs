//! The arguments of a call in a file: `{"args": [...], "kwargs": {...}}` with tensors nested in them.

use serde_json::{Map, Value, json};

/// Key of the object that stands for a tensor in [`Arguments`].
const TENSOR: &str = "__tensor__";

/// A call's arguments, each tensor replaced by its number among the call's inputs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct Arguments {
    args: Vec<Value>,
    kwargs: Map<String, Value>,
}

impl Arguments {
    /// From a file's arguments. Tensors are numbered as they are met: positional arguments first.
    pub fn new(args: &[Value], kwargs: &Map<String, Value>) -> Arguments {
        let mut next = 0;
        let args = args.iter().map(|value| numbered(value, &mut next)).collect();
        let kwargs = kwargs.iter().map(|(key, value)| (key.clone(), numbered(value, &mut next))).collect();
        Arguments { args, kwargs }
    }

    /// Positional arguments; [`tensor_at`] stands for a tensor.
    pub fn positional(args: Vec<Value>) -> Arguments {
        Arguments { args, kwargs: Map::new() }
    }

    /// The argument at a position or by its name; null counts as none.
    pub fn get(&self, at: usize, name: &str) -> Option<&Value> {
        self.args.get(at).or_else(|| self.kwargs.get(name)).filter(|value| !value.is_null())
    }

    /// How many tensors there are.
    pub fn tensors(&self) -> usize {
        self.args.iter().chain(self.kwargs.values()).map(count).sum()
    }

    /// A name that is not among these, or `None`; or how many positional arguments there are too many.
    pub fn unexpected(&self, names: &[&str]) -> Option<String> {
        if self.args.len() > names.len() {
            return Some(format!("{} arguments", self.args.len()));
        }
        let unknown =
            self.kwargs.iter().find(|(key, value)| !value.is_null() && !names.contains(&key.as_str()));
        unknown.map(|(key, _)| format!("`{key}`"))
    }

    /// The arguments with tensors in their places: positional ones, named ones.
    pub fn with_tensors(&self, tensors: &[Value]) -> (Value, Map<String, Value>) {
        let args = self.args.iter().map(|value| filled(value, tensors)).collect();
        let kwargs = self.kwargs.iter().map(|(key, value)| (key.clone(), filled(value, tensors))).collect();
        (Value::Array(args), kwargs)
    }
}

/// The argument that is input `i` of the call.
pub(crate) fn tensor_at(i: usize) -> Value {
    json!({TENSOR: i})
}

/// Which input a value is, if it is a tensor.
pub(crate) fn tensor(value: &Value) -> Option<usize> {
    value.get(TENSOR)?.as_u64().map(|n| n as usize)
}

/// Whether a value of a file is a tensor of the graph.
pub(crate) fn is_tensor(value: &Value) -> bool {
    value.get("class_name").and_then(Value::as_str) == Some("__keras_tensor__")
}

fn numbered(value: &Value, next: &mut usize) -> Value {
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| numbered(item, next)).collect()),
        Value::Object(_) if is_tensor(value) => {
            *next += 1;
            tensor_at(*next - 1)
        }
        Value::Object(items) => {
            Value::Object(items.iter().map(|(key, item)| (key.clone(), numbered(item, next))).collect())
        }
        plain => plain.clone(),
    }
}

fn count(value: &Value) -> usize {
    match value {
        Value::Array(items) => items.iter().map(count).sum(),
        Value::Object(_) if tensor(value).is_some() => 1,
        Value::Object(items) => items.values().map(count).sum(),
        _ => 0,
    }
}

fn filled(value: &Value, tensors: &[Value]) -> Value {
    if let Some(at) = tensor(value) {
        return tensors.get(at).cloned().unwrap_or(Value::Null);
    }
    match value {
        Value::Array(items) => Value::Array(items.iter().map(|item| filled(item, tensors)).collect()),
        Value::Object(items) => {
            Value::Object(items.iter().map(|(key, item)| (key.clone(), filled(item, tensors))).collect())
        }
        plain => plain.clone(),
    }
}
