//! How a file of Keras has the call of a layer: tensors by position or name, and options that are no part of the configuration.
//!
//! Here a call has tensors in one order, and its options are fields of the layer (`#[config(call)]`). Some of them say that a tensor
//! is there, which a file says by giving it: `attention_mask_input` stands for an `attention_mask`.

use serde_json::{Value, json};

use crate::layer::{Config, Configure};
use crate::{Error, Result};

/// Options that stand for tensors, and the arguments that these are. They are the last tensors of a call.
const TENSORS: [(&str, &str); 3] =
    [("attention_mask_input", "attention_mask"), ("mask_input", "mask"), (STATES, "initial_state")];

/// The option that counts the tensors of `initial_state`.
const STATES: &str = "initial_state_inputs";

/// The arguments of a class's `call`, where more than its first may be a tensor: first those that are tensors here, in our order.
pub fn arguments(class: &str) -> Option<&'static [&'static str]> {
    match class {
        "MultiHeadAttention" | "GroupedQueryAttention" | "GroupQueryAttention" => Some(&[
            "query",
            "value",
            "key",
            "query_mask",
            "value_mask",
            "key_mask",
            "attention_mask",
            "return_attention_scores",
            "training",
            "use_causal_mask",
        ]),
        "Attention" | "AdditiveAttention" => {
            Some(&["inputs", "mask", "training", "return_attention_scores", "use_causal_mask"])
        }
        "LSTM" | "GRU" | "SimpleRNN" | "Bidirectional" => {
            Some(&["sequences", "initial_state", "mask", "training"])
        }
        "Softmax" | "GlobalAveragePooling1D" => Some(&["inputs", "mask"]),
        "BatchNormalization" | "TimeDistributed" => Some(&["inputs", "training", "mask"]),
        _ => None,
    }
}

/// The arguments of a class's `call` that are masks of its inputs, and which input each is of; a list starts there.
pub(crate) fn masks(class: &str) -> &'static [(&'static str, usize)] {
    match class {
        "MultiHeadAttention" | "GroupedQueryAttention" | "GroupQueryAttention" => {
            &[("query_mask", 0), ("value_mask", 1), ("key_mask", 2)]
        }
        // It is one of its inputs.
        "Softmax" => &[],
        _ => &[("mask", 0)],
    }
}

/// The named arguments that give the inputs of a call these masks.
pub(crate) fn named_masks(class: &str, masks: Vec<Option<Value>>) -> Config {
    let arguments = self::masks(class);
    let mut named = Config::new();
    if masks.iter().all(Option::is_none) {
        return named;
    }
    match (arguments, class) {
        ([(argument, _)], "Attention" | "AdditiveAttention" | "Functional") => {
            named.insert((*argument).into(), json!(masks));
        }
        ([(argument, _)], _) => {
            named.extend(masks.into_iter().next().flatten().map(|mask| ((*argument).into(), mask)));
        }
        _ => {
            let pairs = arguments.iter().zip(masks);
            named.extend(pairs.filter_map(|((argument, _), mask)| Some(((*argument).into(), mask?))));
        }
    }
    named
}

/// Gives the arguments of a call their names, and brings them into the order of the signature: a file has them as they were
/// written (`layer(value=v, query=q)`, `lstm(x, [h, c])`).
///
/// # Errors
/// If there are more arguments than the layer has, or one is given twice.
pub(crate) fn arrange(class: &str, args: &mut Vec<Value>, kwargs: &mut Config) -> Result<()> {
    let Some(names) = arguments(class) else { return Ok(()) };
    if args.len() > names.len() {
        let (found, most) = (args.len(), names.len());
        return Err(Error::config(class, format!("is called with {found} arguments, it has {most}")));
    }
    let mut given = std::mem::take(kwargs);
    for (name, value) in names.iter().zip(args.drain(..)) {
        if given.insert((*name).to_string(), value).is_some() {
            return Err(Error::config(class, format!("is called with two values for `{name}`")));
        }
    }
    for name in names {
        kwargs.extend(given.remove_entry(*name));
    }
    kwargs.extend(given);
    Ok(())
}

/// The option that stands for `count` tensors in this argument, if the layer can take them there; `None` where they are plain
/// inputs.
///
/// # Errors
/// If it takes no tensor there.
pub(crate) fn option_of(class: &str, argument: &str, count: usize) -> Result<Option<(&'static str, Value)>> {
    let found = TENSORS.iter().find(|(_, named)| *named == argument);
    match (found, argument) {
        // Other masks travel beside the values.
        (Some((option, "mask")), _) if class == "Softmax" => Ok(Some((*option, true.into()))),
        (Some((option, "initial_state")), _) => Ok(Some((*option, count.into()))),
        (Some((option, "attention_mask")), _) => Ok(Some((*option, true.into()))),
        (None, "query" | "value" | "key" | "inputs" | "sequences") => Ok(None),
        _ => Err(Error::config(class, format!("calls with a tensor for `{argument}` are not supported"))),
    }
}

/// The named arguments of a call of this layer. Tensors that have a name are taken out of `tensors`.
pub(crate) fn named(layer: &(impl Configure + ?Sized), tensors: &mut Vec<Value>) -> Config {
    let mut named = Config::new();
    for (option, value) in layer.call_config() {
        let on = value.as_bool().unwrap_or(false);
        let count = if option == STATES { value.as_u64().unwrap_or(0) as usize } else { usize::from(on) };
        match TENSORS.iter().find(|(stands, _)| *stands == option) {
            Some(_) if count == 0 => {}
            Some((_, argument)) => {
                let mut last = tensors.split_off(tensors.len().saturating_sub(count));
                let value =
                    if option == STATES { Value::Array(last) } else { last.pop().unwrap_or(Value::Null) };
                named.insert((*argument).into(), value);
            }
            None if on => _ = named.insert(option, value),
            None => {}
        }
    }
    named
}

/// A layer's configuration with the options of its call: what makes the same layer again.
pub(crate) fn whole_config(layer: &(impl Configure + ?Sized)) -> Config {
    let mut config = layer.config();
    config.extend(layer.call_config());
    config
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::layers::{LSTM, MultiHeadAttention};

    fn arranged(class: &str, args: Value, kwargs: Value) -> Result<Config> {
        let mut args = args.as_array().expect("a list").clone();
        let mut kwargs = kwargs.as_object().expect("an object").clone();
        arrange(class, &mut args, &mut kwargs)?;
        assert!(args.is_empty());
        Ok(kwargs)
    }

    #[test]
    fn arguments_have_the_order_of_the_signature() {
        let keys = |class, args, kwargs| {
            arranged(class, args, kwargs).map(|kwargs| kwargs.into_iter().collect::<Vec<_>>())
        };
        let attention = keys(
            "MultiHeadAttention",
            json!(["q"]),
            json!({"attention_mask": "m", "key": "k", "value": "v"}),
        );
        let pairs = |list: &[(&str, &str)]| {
            list.iter().map(|(key, value)| ((*key).to_string(), json!(value))).collect::<Vec<_>>()
        };
        let expected = [("query", "q"), ("value", "v"), ("key", "k"), ("attention_mask", "m")];
        assert_eq!(attention.expect("a call"), pairs(&expected));
        let lstm = keys("LSTM", json!([]), json!({"initial_state": "s", "sequences": "x"}));
        assert_eq!(lstm.expect("a call"), pairs(&[("sequences", "x"), ("initial_state", "s")]));
        assert!(keys("LSTM", json!(["x", "s"]), json!({"initial_state": "s"})).is_err());
        assert!(keys("Softmax", json!(["x", "m", "n"]), json!({})).is_err());
    }

    #[test]
    fn tensors_with_names_are_the_last() {
        let mut tensors = vec![json!("q"), json!("v"), json!("m")];
        let layer = MultiHeadAttention::new(2, 4).attention_mask_input(true).use_causal_mask(true);
        let named_ones = named(&layer, &mut tensors);
        assert_eq!(Value::Object(named_ones), json!({"use_causal_mask": true, "attention_mask": "m"}));
        assert_eq!(tensors, [json!("q"), json!("v")]);
        let mut tensors = vec![json!("x"), json!("h"), json!("c")];
        let named_ones = named(&LSTM::new(2).initial_state_inputs(2), &mut tensors);
        assert_eq!(Value::Object(named_ones), json!({"initial_state": ["h", "c"]}));
        assert_eq!(tensors, [json!("x")]);
        // More states than there are tensors: a plan refuses it, writing does not panic.
        assert_eq!(named(&LSTM::new(2).initial_state_inputs(2), &mut tensors).len(), 1);
    }
}
