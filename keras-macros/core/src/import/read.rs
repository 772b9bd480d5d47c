//! From `config.json` to a [`Model`].

use std::collections::HashMap;

use serde_json::{Map, Value};

use super::calls::{self, Arguments, Tensor};
use super::layers::class;
use super::model::{Call, Form, Input, Kind, Model, Part, Shape, Source};
use super::values::{self, NONE};
use super::{Result, operations, own};
use crate::naming::snake;

/// Deepest nesting of models.
const DEPTH: usize = 32;

/// The model that a configuration describes: `config.json` of a `.keras` file, or `Model.to_json()`.
///
/// # Errors
/// What cannot be written as source, with the layer that it is in.
pub fn read(json: &Value) -> Result<Model> {
    model(json, Place { depth: DEPTH, frozen: false })
}

/// Where a model is.
#[derive(Clone, Copy)]
struct Place {
    /// How many models may be inside one another from here on.
    depth: usize,
    /// Whether a model around it is frozen.
    frozen: bool,
}

type Config = Map<String, Value>;

fn model(json: &Value, place: Place) -> Result<Model> {
    if place.depth == 0 {
        return Err(format!("models are nested more than {DEPTH} deep"));
    }
    let config = config(json)?;
    let place = Place { depth: place.depth - 1, frozen: place.frozen || !trainable(config) };
    match class_name(json)? {
        "Sequential" => sequential(config, place),
        "Functional" | "Model" => functional(config, place),
        other => Err(format!(
            "its class is `{other}`: only Sequential and Functional models can be read, a subclassed model is Python code"
        )),
    }
}

fn class_name(json: &Value) -> Result<&str> {
    json.get("class_name")
        .and_then(Value::as_str)
        .ok_or_else(|| "is not a model of Keras: it lacks `class_name`".into())
}

fn config(json: &Value) -> Result<&Config> {
    json.get("config")
        .and_then(Value::as_object)
        .ok_or_else(|| "is not a model of Keras: it lacks `config`".into())
}

fn text<'a>(config: &'a Config, key: &str) -> Result<&'a str> {
    config.get(key).and_then(Value::as_str).ok_or_else(|| format!("a configuration lacks a text at `{key}`"))
}

fn layers(config: &Config) -> Result<&[Value]> {
    config
        .get("layers")
        .and_then(Value::as_array)
        .map(Vec::as_slice)
        .ok_or_else(|| "a model lacks `layers`".into())
}

fn trainable(config: &Config) -> bool {
    config.get("trainable").and_then(Value::as_bool).unwrap_or(true)
}

fn empty(config: &Config, sequential: bool) -> Result<Model> {
    Ok(Model {
        name: text(config, "name")?.to_string(),
        sequential,
        inputs: Vec::new(),
        parts: Vec::new(),
        calls: Vec::new(),
        outputs: Vec::new(),
    })
}

fn sequential(config: &Config, place: Place) -> Result<Model> {
    let mut out = empty(config, true)?;
    let mut now = Source::Input(0);
    for json in layers(config)? {
        if class_name(json)? == "InputLayer" {
            out.inputs.push(input(json)?);
            continue;
        }
        let part = part(json, place)?;
        let (outputs, form) = (part.outputs, Form::Layer { options: Vec::new(), states: 0 });
        out.parts.push(part);
        out.calls.push(Call { part: out.parts.len() - 1, inputs: vec![now], outputs, form });
        now = Source::Call { call: out.calls.len() - 1, output: 0 };
    }
    if out.inputs.is_empty() {
        let built = config.get("build_input_shape").and_then(dims);
        let built =
            built.map(|dims| Input { name: "input_layer".into(), shape: Shape { dims, dtype: None } });
        out.inputs.extend(built);
    }
    let Some(last) = out.parts.last() else { return Err(format!("the model `{}` has no layers", out.name)) };
    out.outputs.push((last.name.clone(), now));
    Ok(out)
}

/// Dimensions of a sample from a shape with a batch dimension.
fn dims(shape: &Value) -> Option<Vec<Option<usize>>> {
    let dim =
        |d: &Value| if d.is_null() { Some(None) } else { Some(Some(usize::try_from(d.as_u64()?).ok()?)) };
    shape.as_array()?.iter().skip(1).map(dim).collect()
}

fn input(json: &Value) -> Result<Input> {
    let config = config(json)?;
    let name = text(config, "name")?.to_string();
    let wrong = |message: String| format!("layer `{name}` (InputLayer): {message}");
    for key in ["sparse", "ragged", "optional"] {
        if config.get(key).and_then(Value::as_bool) == Some(true) {
            return Err(wrong(format!("`{key}` inputs are not supported")));
        }
    }
    let shape = config.get("batch_shape").or_else(|| config.get("batch_input_shape")).and_then(dims);
    let dims = shape.ok_or_else(|| wrong("lacks a shape at `batch_shape`".into()))?;
    let dtype = match config.get("dtype").and_then(Value::as_str).unwrap_or("float32") {
        "float32" | "float16" | "bfloat16" => None,
        "float64" => Some("f64"),
        // Masks: false is 0, true is 1.
        "bool" | "int8" | "int16" | "uint16" | "int32" => Some("i32"),
        "int64" | "uint32" => Some("i64"),
        "uint8" => Some("u8"),
        other => return Err(wrong(format!("a model in source has no inputs of type {other}"))),
    };
    Ok(Input { name, shape: Shape { dims, dtype } })
}

/// A layer, model or operation.
fn part(json: &Value, place: Place) -> Result<Part> {
    let (class, config) = (class_name(json)?, config(json)?);
    let name = text(config, "name")?.to_string();
    let module = json.get("module").and_then(Value::as_str).unwrap_or("");
    if matches!(class, "Sequential" | "Functional") {
        let model = model(json, place)?;
        let outputs = model.outputs.len();
        let kind = Kind::Model(Box::new(model), !place.frozen && trainable(config));
        return Ok(Part { stem: String::new(), name, kind, outputs });
    }
    if let ("TimeDistributed", Some(inner)) = (class, config.get("layer"))
        && matches!(class_name(inner), Ok("Sequential" | "Functional"))
    {
        if config.get("activity_regularizer").is_some_and(|json| !json.is_null()) {
            return Err(format!(
                "layer `{name}` ({class}): an `activity_regularizer` of a wrapped model is not there"
            ));
        }
        let trained = !place.frozen && trainable(config) && trainable(self::config(inner)?);
        let kind = Kind::Steps(Box::new(model(inner, place)?), trained);
        return Ok(Part { stem: snake(class), name, kind, outputs: 1 });
    }
    if module.starts_with("keras.src.ops") {
        return Ok(Part { name, stem: String::new(), kind: Kind::Operation, outputs: 1 });
    }
    let what = |e| format!("layer `{name}` ({class}): {e}");
    let mut options = Vec::new();
    if place.frozen || !trainable(config) {
        options.push("trainable = false".to_string());
    }
    if let Some(activity) = config.get("activity_regularizer").filter(|json| !json.is_null()) {
        let activity = values::Kind::Regularizer.print(activity);
        let activity = activity.map_err(|e| what(format!("`activity_regularizer`: expected {e}")))?;
        options.push(format!("activity_regularizer = {activity}"));
    }
    let constructor = constructor(json, options).map_err(what)?;
    Ok(Part { stem: snake(class), outputs: outputs(class, config), kind: Kind::Layer(constructor), name })
}

/// How many values a call of a layer yields.
fn outputs(class: &str, config: &Config) -> usize {
    let set = |config: &Config, key: &str| config.get(key) == Some(&Value::Bool(true));
    let states = |class: &str, config: &Config| match class {
        "LSTM" if set(config, "return_state") => 2,
        "GRU" | "SimpleRNN" if set(config, "return_state") => 1,
        _ => 0,
    };
    match class {
        "Bidirectional" => {
            let inner =
                config.get("layer").and_then(|json| Some((class_name(json).ok()?, self::config(json).ok()?)));
            let merged = config.get("merge_mode").is_none_or(|mode| !mode.is_null());
            2 - usize::from(merged) + 2 * inner.map_or(0, |(class, config)| states(class, config))
        }
        class => 1 + states(class, config),
    }
}

/// `Dense(64, activation = relu)`, with options that stand after its own.
fn constructor(json: &Value, more: Vec<String>) -> Result<String> {
    let (name, config) = (class_name(json)?, config(json)?);
    if own::is_own(json) {
        return own::constructor(json, &more);
    }
    let Some(class) = class(name) else {
        return Err(match name {
            "Lambda" | "__lambda__" => {
                "Python code inside a file is never run: replace it by a layer of your own"
            }
            _ => "this layer of Keras is not there yet",
        }
        .into());
    };
    let wrapped = |key: &str| match config.get(key) {
        Some(json) if json.is_object() => Some(inner(json)),
        _ => None,
    };
    let mut arguments = Vec::new();
    let wraps = matches!(name, "Bidirectional" | "TimeDistributed");
    if wraps {
        arguments.push(wrapped("layer").ok_or("its configuration lacks `layer`")??);
    }
    let value = |name: &str, kind: values::Kind, json: &Value| {
        kind.print(json).map_err(|expected| {
            let found: String = json.to_string().chars().take(80).collect();
            format!("`{name}`: expected {expected}, found {found}")
        })
    };
    for field in &class.arguments {
        let json =
            config.get(field.name).ok_or_else(|| format!("its configuration lacks `{}`", field.name))?;
        arguments.push(value(field.name, field.kind, json)?);
    }
    for (field, default) in &class.options {
        let Some(json) = config.get(field.name) else { continue };
        let text = value(field.name, field.kind, json)?;
        if text != *default && text != NONE {
            arguments.push(format!("{} = {text}", field.name));
        } else if text != *default {
            return Err(format!("`{}` cannot be none", field.name));
        }
    }
    if let (Some(backward), Some(forward)) = (config.get("backward_layer"), config.get("layer"))
        && backward.is_object()
        && direction(forward, true) != direction(backward, false)
    {
        arguments.push(format!("backward_layer = {}", inner(backward)?));
    }
    arguments.extend(more);
    Ok(format!("{name}({})", arguments.join(", ")))
}

/// The layer in a wrapper.
fn inner(json: &Value) -> Result<String> {
    let (class, config) = (class_name(json)?, config(json)?);
    if matches!(class, "Sequential" | "Functional") {
        return Err(format!("a wrapper around a model (`{class}`) is not supported in source"));
    }
    let refused = config.get("activity_regularizer").is_some_and(|json| !json.is_null());
    if refused {
        return Err(format!(
            "an `activity_regularizer` of the `{class}` inside it is not supported in source"
        ));
    }
    constructor(json, Vec::new()).map_err(|e| format!("the `{class}` inside it: {e}"))
}

/// The layer of one direction of `Bidirectional` as text, turned around or not, to tell whether it has a backward layer of its
/// own.
fn direction(json: &Value, turn: bool) -> Result<String> {
    let mut json = json.clone();
    if let Some(config) = json.get_mut("config").and_then(Value::as_object_mut) {
        let backwards = config.get("go_backwards") == Some(&Value::Bool(true));
        config.insert("go_backwards".into(), Value::Bool(backwards != turn));
        config.remove("zero_output_for_mask");
    }
    inner(&json)
}

fn functional(config: &Config, place: Place) -> Result<Model> {
    let mut out = empty(config, false)?;
    let name = out.name.clone();
    let structure = |key: &str| {
        let refs = config.get(key).and_then(calls::structure);
        refs.ok_or_else(|| format!("model `{name}`: `{key}` is not understood"))
    };
    let (inputs, outputs) = (structure("input_layers")?, structure("output_layers")?);
    let layers = layers(config)?;
    let masks = calls::masks(layers, &outputs);
    let mut slots: HashMap<String, Input> = HashMap::new();
    let mut graph = Graph::default();
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    for json in layers {
        if json["config"]["name"].as_str().is_some_and(|name| masks.contains(name)) {
            continue;
        }
        if class_name(json)? == "InputLayer" {
            let input = input(json)?;
            slots.insert(input.name.clone(), input);
            continue;
        }
        let mut part = part(json, place)?;
        if let Some(name) = json.get("name").and_then(Value::as_str) {
            part.name = name.to_string();
        }
        let nodes = json.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut calls = Vec::with_capacity(nodes.len());
        for node in nodes {
            let mut call = Arguments::parse(node).map_err(|e| format!("layer `{}`: {e}", part.name))?;
            if !matches!(part.kind, Kind::Operation) {
                call.arrange(class_name(json)?).map_err(|e| format!("layer `{}`: {e}", part.name))?;
            }
            let mut tensors = Vec::new();
            call.kwargs.get("mask").iter().for_each(|mask| calls::collect(mask, &mut tensors));
            if !tensors.is_empty() && tensors.iter().all(|tensor| masks.contains(&tensor.layer)) {
                call.kwargs.remove("mask");
            }
            calls.push(call);
        }
        if graph.parts.insert(part.name.clone(), out.parts.len()).is_some() {
            return Err(format!("two layers are called `{}`", part.name));
        }
        calls.reverse();
        waiting.push(Waiting { part: out.parts.len(), json, calls });
        out.parts.push(part);
    }
    for (key, tensor) in inputs {
        let slot = slots.get(&tensor.layer);
        let mut slot =
            slot.cloned().ok_or_else(|| format!("the input `{}` is not an InputLayer", tensor.layer))?;
        slot.name = key.unwrap_or(slot.name);
        graph.inputs.insert(tensor.layer, out.inputs.len());
        out.inputs.push(slot);
    }
    graph.resolve(&mut out, waiting)?;
    for (key, mut tensor) in outputs {
        let part = graph.parts.get(&tensor.layer).map(|at| &out.parts[*at]);
        // A Functional model counts a node of its own before its calls.
        if part.is_some_and(|part| matches!(&part.kind, Kind::Model(model, _) if !model.sequential)) {
            tensor.node = tensor.node.saturating_sub(1);
        }
        let source = graph.source(&out, &tensor);
        let source = source.ok_or_else(|| format!("the output `{}` is not there", tensor.layer))?;
        out.outputs.push((key.unwrap_or(tensor.layer), source));
    }
    Ok(out)
}

/// The calls of a part that are not in order yet, the next one last.
struct Waiting<'a> {
    part: usize,
    json: &'a Value,
    calls: Vec<Arguments>,
}

/// What is known while a Functional model's calls are put in order.
#[derive(Default)]
struct Graph {
    parts: HashMap<String, usize>,
    inputs: HashMap<String, usize>,
    /// Calls of each part.
    nodes: HashMap<usize, Vec<usize>>,
}

impl Graph {
    /// The value that a tensor is, once its call is resolved.
    fn source(&self, out: &Model, tensor: &Tensor) -> Option<Source> {
        if let Some(at) = self.inputs.get(&tensor.layer) {
            return Some(Source::Input(*at));
        }
        let call = *self.nodes.get(self.parts.get(&tensor.layer)?)?.get(tensor.node)?;
        (tensor.output < out.calls[call].outputs).then_some(Source::Call { call, output: tensor.output })
    }

    /// Puts calls in order, as Keras does: part after part, and again for those that had to wait.
    fn resolve(&mut self, out: &mut Model, mut waiting: Vec<Waiting<'_>>) -> Result<()> {
        loop {
            let mut progress = false;
            for Waiting { part, json, calls } in &mut waiting {
                while let Some(call) = calls.last() {
                    let sources =
                        call.tensors().iter().map(|t| self.source(out, t)).collect::<Option<Vec<_>>>();
                    let Some(inputs) = sources else { break };
                    let name = &out.parts[*part].name;
                    let call = form(&out.parts[*part], json, call, inputs)
                        .map_err(|e| format!("layer `{name}` ({}): {e}", class_name(json).unwrap_or("?")))?;
                    out.calls.push(Call { part: *part, ..call });
                    self.nodes.entry(*part).or_default().push(out.calls.len() - 1);
                    calls.pop();
                    progress = true;
                }
            }
            waiting.retain(|waiting| !waiting.calls.is_empty());
            if waiting.is_empty() {
                return Ok(());
            }
            if !progress {
                let names: Vec<&str> = waiting.iter().map(|w| &out.parts[w.part].name[..]).collect();
                return Err(format!(
                    "these layers are called on values that nothing yields: {}",
                    names.join(", ")
                ));
            }
        }
    }
}

/// One call.
fn form(part: &Part, json: &Value, call: &Arguments, inputs: Vec<Source>) -> Result<Call> {
    let made = |outputs, form, inputs| Ok(Call { part: 0, inputs, outputs, form });
    if inputs.is_empty() {
        return Err("is called without a value".into());
    }
    if let Kind::Operation = part.kind {
        let (form, outputs) = operations::form(class_name(json)?, config(json)?, call)?;
        return made(outputs, form, inputs);
    }
    let (mut options, mut states, mut outputs) = (Vec::new(), 0, part.outputs);
    for (key, value) in &call.kwargs {
        let mut tensors = Vec::new();
        calls::collect(value, &mut tensors);
        match (&key[..], value) {
            // What was recorded when the model was made; who runs it decides anew.
            ("training", _) | (_, Value::Null) => {}
            // Tensors are inputs.
            ("query" | "value" | "key" | "inputs" | "sequences", _) => {}
            ("attention_mask", _) if !tensors.is_empty() => {
                options.push("attention_mask_input = true".to_string())
            }
            ("mask", _) if part.stem == "softmax" && !tensors.is_empty() => {
                options.push("mask_input = true".to_string())
            }
            ("initial_state", _) if !tensors.is_empty() => states = tensors.len(),
            (key, _) if !tensors.is_empty() => {
                return Err(format!("calls with a tensor for `{key}` are not supported"));
            }
            ("use_causal_mask", Value::Bool(true)) => options.push(format!("{key} = true")),
            ("return_attention_scores", Value::Bool(true)) => {
                options.push(format!("{key} = true"));
                outputs = 2;
            }
            ("use_causal_mask" | "return_attention_scores", Value::Bool(false)) => {}
            (key, _) => return Err(format!("cannot be called with `{key}`")),
        }
    }
    // The values of `initial_state` must be the last ones: they follow the others in a call.
    if states > 0 && !options.is_empty() {
        return Err("cannot be called with an initial state and a mask".into());
    }
    made(outputs, Form::Layer { options, states }, inputs)
}
