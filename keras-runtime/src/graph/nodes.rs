//! Arguments of calls: `{"args": [...], "kwargs": {...}}` with tensors nested in them.

use serde_json::{Map, Value};

use crate::{Error, Result};

/// A tensor in the arguments of a call: an output of a node of a layer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct TensorRef {
    /// Name of the layer.
    pub layer: String,
    /// Which of its calls.
    pub node: usize,
    /// Which of the outputs of that call.
    pub output: usize,
}

/// One call's arguments.
#[derive(Clone, Debug, Default)]
pub(super) struct Arguments {
    /// Positional arguments.
    pub args: Vec<Value>,
    /// Named arguments.
    pub kwargs: Map<String, Value>,
    /// Masks of the tensors, once they are told from what the layer is called on.
    pub masks: Vec<Option<TensorRef>>,
}

impl Arguments {
    /// Reads one element of `inbound_nodes`.
    pub fn parse(layer: &str, json: &Value) -> Result<Arguments> {
        let wrong = || Error::config(format!("layer `{layer}`"), "its `inbound_nodes` are not Keras 3's");
        let args = json.get("args").and_then(Value::as_array).ok_or_else(wrong)?.clone();
        let kwargs = json.get("kwargs").and_then(Value::as_object).cloned().unwrap_or_default();
        Ok(Arguments { args, kwargs, masks: Vec::new() })
    }

    /// All tensors: those of positional arguments first, then those of named ones in their order.
    pub fn tensors(&self) -> Vec<TensorRef> {
        let mut found = Vec::new();
        self.args.iter().chain(self.kwargs.values()).for_each(|value| collect(value, &mut found));
        found
    }
}

/// The tensor that a value is, if it is one.
pub(super) fn tensor(value: &Value) -> Option<TensorRef> {
    if value.get("class_name")?.as_str()? != "__keras_tensor__" {
        return None;
    }
    history(value.get("config")?.get("keras_history")?)
}

/// `[layer, node, output]`.
pub(super) fn history(value: &Value) -> Option<TensorRef> {
    let [layer, node, output] = value.as_array()?.as_slice() else { return None };
    Some(TensorRef {
        layer: layer.as_str()?.to_string(),
        node: usize::try_from(node.as_u64()?).ok()?,
        output: usize::try_from(output.as_u64()?).ok()?,
    })
}

/// Collects the tensors in a value, however deep in lists and dicts.
pub(super) fn collect(value: &Value, found: &mut Vec<TensorRef>) {
    match value {
        Value::Array(items) => items.iter().for_each(|item| collect(item, found)),
        Value::Object(items) => match tensor(value) {
            Some(tensor) => found.push(tensor),
            None => items.values().for_each(|item| collect(item, found)),
        },
        _ => {}
    }
}

/// The values of a structure of `[layer, node, output]` triples, and the keys if it is a dict.
pub(super) fn structure(value: &Value) -> Option<(Vec<TensorRef>, Option<Vec<String>>)> {
    if let Some(one) = history(value) {
        return Some((vec![one], None));
    }
    match value {
        Value::Array(items) => {
            let inner = items.iter().map(structure).collect::<Option<Vec<_>>>()?;
            Some((inner.into_iter().flat_map(|(refs, _)| refs).collect(), None))
        }
        // Python flattens dicts in the order of their sorted keys.
        Value::Object(items) => {
            let mut keys: Vec<&String> = items.keys().collect();
            keys.sort();
            let refs = keys.iter().map(|key| history(&items[key.as_str()])).collect::<Option<Vec<_>>>()?;
            Some((refs, Some(keys.into_iter().cloned().collect())))
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn tensors_are_found_wherever_they_are() {
        let tensor = |name: &str, node: usize| json!({"class_name": "__keras_tensor__", "config": {"keras_history": [name, node, 0]}});
        let json = json!({
            "args": [[tensor("a", 0), tensor("b", 1)], 2.0],
            "kwargs": {"mask": null, "state": {"x": tensor("c", 0)}},
        });
        let arguments = Arguments::parse("add", &json).expect("well formed");
        let names: Vec<(String, usize)> =
            arguments.tensors().into_iter().map(|t| (t.layer, t.node)).collect();
        assert_eq!(names, [("a".into(), 0), ("b".into(), 1), ("c".into(), 0)]);
    }

    #[test]
    fn structures() {
        let refs = |json: Value| {
            let (refs, keys) = structure(&json).expect("a structure");
            (refs.into_iter().map(|r| r.layer).collect::<Vec<_>>(), keys)
        };
        assert_eq!(refs(json!(["a", 0, 0])), (vec!["a".into()], None));
        assert_eq!(refs(json!([["a", 0, 0]])), (vec!["a".into()], None));
        assert_eq!(refs(json!([["a", 0, 0], ["b", 0, 0]])), (vec!["a".into(), "b".into()], None));
        let keys = Some(vec!["p".into(), "q".into()]);
        assert_eq!(refs(json!({"q": ["b", 0, 0], "p": ["a", 0, 0]})), (vec!["a".into(), "b".into()], keys));
        assert!(structure(&json!("a")).is_none());
    }
}
