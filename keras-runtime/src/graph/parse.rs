//! From `config.json` to a [`Blueprint`].

use std::collections::HashMap;
use std::sync::Arc;

use keras_kernels::DType;
use serde_json::Value;

use super::masks;
use super::nodes::{self, Arguments, TensorRef};
use super::{Blueprint, Part, PartCall, PartKind, Slot};
use crate::engine::{Handle, Source};
use crate::layer::{Config, Layer};
use crate::layers::calls;
use crate::registry::Origin;
use crate::{ConfigValue, Error, Policy, Registry, Regularizer, Result};

/// Deepest nesting of models.
const DEPTH: usize = 32;

/// The model that a configuration describes: `Model.to_json()` of Keras, or `config.json` of a file.
///
/// # Errors
/// If it is not a Sequential or Functional model, if a class is unknown, or if a value cannot be honoured.
pub fn parse(json: &Value, registry: &Registry) -> Result<Blueprint> {
    if class_name(json).is_err() {
        let message = "lacks `class_name`: the JSON of a model is what `model.to_json()` of Keras yields";
        return Err(Error::config("configuration", message));
    }
    model(json, registry, DEPTH)
}

fn model(json: &Value, registry: &Registry, depth: usize) -> Result<Blueprint> {
    if depth == 0 {
        return Err(Error::config("model", format!("models are nested more than {DEPTH} deep")));
    }
    let class = class_name(json)?;
    match class {
        "Sequential" => sequential(config(json)?, registry, depth),
        "Functional" | "Model" => functional(config(json)?, registry, depth),
        other => {
            let module = json.get("module").and_then(Value::as_str).unwrap_or("");
            Err(Error::config(
                format!("class `{other}` of module `{module}`"),
                "only Sequential and Functional models can be read: a subclassed model is Python code",
            ))
        }
    }
}

fn class_name(json: &Value) -> Result<&str> {
    let name = json.get("class_name").and_then(Value::as_str);
    name.ok_or_else(|| Error::config("configuration", "lacks `class_name`"))
}

fn config(json: &Value) -> Result<&Config> {
    let config = json.get("config").and_then(Value::as_object);
    config.ok_or_else(|| Error::config("configuration", "lacks `config`"))
}

fn text<'a>(config: &'a Config, class: &str, key: &str) -> Result<&'a str> {
    let text = config.get(key).and_then(Value::as_str);
    text.ok_or_else(|| Error::config(class, format!("lacks a text at `{key}`")))
}

fn list<'a>(config: &'a Config, class: &str, key: &str) -> Result<&'a [Value]> {
    let list = config.get(key).and_then(Value::as_array);
    list.map(Vec::as_slice).ok_or_else(|| Error::config(class, format!("lacks a list at `{key}`")))
}

fn trainable(config: &Config) -> bool {
    config.get("trainable").and_then(Value::as_bool).unwrap_or(true)
}

fn sequential(config: &Config, registry: &Registry, depth: usize) -> Result<Blueprint> {
    let mut out = empty(config, "Sequential", true)?;
    let mut current = Source::Input(0);
    for json in list(config, "Sequential", "layers")? {
        if class_name(json)? == "InputLayer" {
            out.inputs.push(slot(json)?);
            continue;
        }
        let part = part(json, registry, depth, &mut out.float)?;
        out.parts.push(part);
        let (part, inputs, masks) = (out.parts.len() - 1, vec![current], Vec::new());
        out.calls.push(PartCall { part, layer: None, inputs, masks });
        current = Source::node(out.calls.len() - 1);
    }
    if out.inputs.is_empty() {
        out.inputs.extend(built_input(config));
    }
    let name = out.parts.last().map_or_else(|| out.name.clone(), |part| part.name.clone());
    out.outputs.push((name, current));
    Ok(out)
}

/// The input of a Sequential model without an InputLayer that was built nevertheless.
fn built_input(config: &Config) -> Option<Slot> {
    let dims = dims(config.get("build_input_shape")?)?;
    Some(Slot { name: "input_layer".into(), dims, dtype: DType::F32 })
}

fn empty(config: &Config, class: &str, sequential: bool) -> Result<Blueprint> {
    let name = text(config, class, "name")?;
    Ok(Blueprint { trainable: trainable(config), ..Blueprint::empty(name, sequential) })
}

/// Dimensions of a sample from a shape with a batch dimension.
fn dims(shape: &Value) -> Option<Vec<Option<usize>>> {
    let all = shape.as_array()?;
    let dim =
        |d: &Value| if d.is_null() { Some(None) } else { Some(Some(usize::try_from(d.as_u64()?).ok()?)) };
    all.iter().skip(1).map(dim).collect()
}

/// An InputLayer.
fn slot(json: &Value) -> Result<Slot> {
    let config = config(json)?;
    let name = text(config, "InputLayer", "name")?.to_string();
    let what = || format!("layer `{name}` (InputLayer)");
    for key in ["sparse", "ragged", "optional"] {
        if config.get(key).and_then(Value::as_bool) == Some(true) {
            return Err(Error::config(what(), format!("`{key}` inputs are not supported")));
        }
    }
    let shape = config.get("batch_shape").or_else(|| config.get("batch_input_shape"));
    let dims = shape.and_then(dims).ok_or_else(|| Error::config(what(), "lacks a shape at `batch_shape`"))?;
    let dtype = match config.get("dtype").and_then(Value::as_str).unwrap_or("float32") {
        "float32" | "float16" | "bfloat16" => DType::F32,
        "float64" => DType::F64,
        "int8" | "int16" | "uint16" | "int32" => DType::I32,
        "int64" | "uint32" => DType::I64,
        "uint8" => DType::U8,
        "bool" => DType::Bool,
        other => return Err(Error::config(what(), format!("inputs of type {other} are not supported"))),
    };
    Ok(Slot { dims, dtype, name })
}

/// A layer, model or operation; one in 64 bits raises the model's floats to them.
fn part(json: &Value, registry: &Registry, depth: usize, floats: &mut DType) -> Result<Part> {
    let class = class_name(json)?;
    let config = config(json)?;
    let module = json.get("module").and_then(Value::as_str).unwrap_or("");
    let name = text(config, class, "name")?.to_string();
    let what = || format!("layer `{name}` ({class})");
    let kind = match class {
        "Sequential" | "Functional" => PartKind::Model(Arc::new(model(json, registry, depth - 1)?)),
        "TimeDistributed" if wraps_a_model(config) => {
            if config.get("activity_regularizer").is_some_and(|json| !json.is_null()) {
                return Err(Error::config(
                    what(),
                    "an `activity_regularizer` of a wrapped model is not there",
                ));
            }
            let model = model(&config["layer"], registry, depth - 1)?;
            PartKind::Model(Arc::new(Blueprint { each_step: true, ..model }))
        }
        _ if module.starts_with("keras.src.ops") => PartKind::Operation,
        _ => {
            let layer = made(json, class, registry, config);
            PartKind::Layer(layer.map_err(|e| Error::config(what(), e.to_string()))?)
        }
    };
    let activity = config.get("activity_regularizer").map_or(Ok(None), Option::<Regularizer>::from_json);
    let activity_regularizer =
        activity.map_err(|e| Error::config(what(), format!("`activity_regularizer`: expected {e}")))?;
    if matches!(activity_regularizer, Some(Regularizer::Orthogonal { .. })) {
        return Err(Error::config(what(), "an orthogonal regularizer is for matrices, not for activities"));
    }
    let (policy, float) = match &kind {
        PartKind::Model(model) => (Policy::Full, model.float),
        // A layer with an option of this name has no policy of floats.
        PartKind::Layer(layer) if layer.config().contains_key("dtype") => (Policy::Full, DType::F32),
        PartKind::Layer(_) => Policy::of(config).map_err(|e| Error::config(what(), e.to_string()))?,
        PartKind::Operation => (Policy::Full, DType::F32),
    };
    if float == DType::F64 {
        *floats = DType::F64;
    }
    let frozen_inside = matches!(&kind, PartKind::Model(model) if !model.trainable);
    let trainable = trainable(config) && !frozen_inside;
    Ok(Part { name, kind, trainable, activity_regularizer, policy })
}

/// Whether the layer of a wrapper is a model.
fn wraps_a_model(config: &Config) -> bool {
    let class = config.get("layer").and_then(|layer| layer.get("class_name")).and_then(Value::as_str);
    matches!(class, Some("Sequential" | "Functional"))
}

/// The layer that a file names, with this configuration.
fn made(json: &Value, class: &str, registry: &Registry, config: &Config) -> Result<Arc<dyn Layer>> {
    let plain = Origin { class, registered: None, module: "" };
    registry.layer(&Origin::of(json).unwrap_or(plain), config)
}

fn functional(config: &Config, registry: &Registry, depth: usize) -> Result<Blueprint> {
    let mut out = empty(config, "Functional", false)?;
    let what = format!("model `{}`", out.name);
    // Where each named thing is: an input, or a part with the nodes that are resolved already.
    let mut slots: HashMap<String, Slot> = HashMap::new();
    let mut places: HashMap<String, usize> = HashMap::new();
    let mut waiting: Vec<Waiting<'_>> = Vec::new();
    let layers = list(config, "Functional", "layers")?;
    let masks = masks::recorded(layers, config);
    for json in layers {
        if json["config"]["name"].as_str().is_some_and(|name| masks.contains(name)) {
            continue;
        }
        if class_name(json)? == "InputLayer" {
            let slot = slot(json)?;
            slots.insert(slot.name.clone(), slot);
            continue;
        }
        let mut part = part(json, registry, depth, &mut out.float)?;
        if let Some(name) = json.get("name").and_then(Value::as_str) {
            part.name = name.to_string();
        }
        let calls = json.get("inbound_nodes").and_then(Value::as_array).map_or(&[][..], Vec::as_slice);
        let mut calls =
            calls.iter().map(|call| Arguments::parse(&part.name, call)).collect::<Result<Vec<_>>>()?;
        for call in &mut calls {
            masks::forget(call, &masks);
            if !matches!(part.kind, PartKind::Operation) {
                let class = class_name(json)?;
                calls::arrange(class, &mut call.args, &mut call.kwargs)?;
                masks::take(class, call)
                    .map_err(|message| Error::config(format!("layer `{}` ({class})", part.name), message))?;
            }
        }
        if places.insert(part.name.clone(), out.parts.len()).is_some() {
            return Err(Error::config(&what, format!("two layers are called `{}`", part.name)));
        }
        waiting.push(Waiting { part: out.parts.len(), json, calls });
        out.parts.push(part);
    }
    let structure = |key: &str| {
        let refs = config.get(key).and_then(nodes::structure);
        refs.ok_or_else(|| Error::config(&what, format!("`{key}` is not understood")))
    };
    let (inputs, input_keys) = structure("input_layers")?;
    let mut input_at: HashMap<String, usize> = HashMap::new();
    for input in inputs {
        let slot = slots.get(&input.layer).ok_or_else(|| {
            Error::config(&what, format!("its input `{}` is not an InputLayer", input.layer))
        })?;
        input_at.insert(input.layer, out.inputs.len());
        out.inputs.push(slot.clone());
    }
    let mut graph = Graph { places, input_at, nodes: HashMap::new(), registry };
    graph.resolve(&mut out, waiting)?;
    let (outputs, output_keys) = structure("output_layers")?;
    for mut output in outputs {
        // A Functional model counts a node of its own before its calls.
        let is_functional = graph.places.get(&output.layer).is_some_and(
            |at| matches!(&out.parts[*at].kind, PartKind::Model(m) if !m.sequential && !m.each_step),
        );
        if is_functional {
            output.node = output.node.saturating_sub(1);
        }
        let source = graph
            .source(&output)
            .ok_or_else(|| Error::config(&what, format!("its output `{}` is not there", output.layer)))?;
        out.outputs.push((output.layer, source));
    }
    (out.input_keys, out.output_keys) = (input_keys, output_keys);
    Ok(out)
}

/// Calls of a part that are not resolved yet, and the part as the file has it.
struct Waiting<'a> {
    part: usize,
    json: &'a Value,
    calls: Vec<Arguments>,
}

/// What is known while a Functional model's calls are put in order.
struct Graph<'a> {
    places: HashMap<String, usize>,
    input_at: HashMap<String, usize>,
    /// Call numbers of each part's nodes.
    nodes: HashMap<usize, Vec<usize>>,
    registry: &'a Registry,
}

impl Graph<'_> {
    /// The value that a tensor is, once its call is resolved.
    fn source(&self, tensor: &TensorRef) -> Option<Source> {
        if let Some(at) = self.input_at.get(&tensor.layer) {
            return Some(Source::Input(*at));
        }
        let node = *self.nodes.get(self.places.get(&tensor.layer)?)?.get(tensor.node)?;
        Some(Source::Node { node, output: tensor.output })
    }

    /// Puts calls in order, as Keras does: part after part, and again for those that had to wait.
    fn resolve(&mut self, out: &mut Blueprint, mut waiting: Vec<Waiting<'_>>) -> Result<()> {
        while waiting.iter().any(|w| !w.calls.is_empty()) {
            let mut progress = false;
            for Waiting { part, json, calls } in &mut waiting {
                let mut done = 0;
                for call in calls.iter() {
                    let sources: Option<Vec<Source>> =
                        call.tensors().iter().map(|t| self.source(t)).collect();
                    let Some(inputs) = sources else { break };
                    let Some(masks) = call
                        .masks
                        .iter()
                        .map(|mask| mask.as_ref().map_or(Some(None), |t| self.source(t).map(Some)))
                        .collect::<Option<Vec<_>>>()
                    else {
                        break;
                    };
                    let layer = self.layer_of_call(&out.parts[*part], json, call)?;
                    out.calls.push(PartCall { part: *part, layer, inputs, masks });
                    self.nodes.entry(*part).or_default().push(out.calls.len() - 1);
                    done += 1;
                }
                calls.drain(..done);
                progress |= done > 0;
            }
            if !progress {
                let names: Vec<&str> = waiting
                    .iter()
                    .filter(|w| !w.calls.is_empty())
                    .map(|w| out.parts[w.part].name.as_str())
                    .collect();
                let message =
                    format!("these layers are called on values that nothing yields: {}", names.join(", "));
                return Err(Error::config(format!("model `{}`", out.name), message));
            }
        }
        Ok(())
    }

    /// The layer with the options of one call, if it has any.
    fn layer_of_call(&self, part: &Part, json: &Value, call: &Arguments) -> Result<Option<Handle>> {
        let config = config(json)?;
        let class = class_name(json)?;
        let what = || format!("layer `{}` ({class})", part.name);
        if let PartKind::Operation = part.kind {
            let module = json.get("module").and_then(Value::as_str).unwrap_or("");
            let arguments = crate::operations::Arguments::new(&call.args, &call.kwargs);
            let operation = crate::operations::parse(class, module, config, arguments)
                .map_err(|e| Error::config(format!("operation `{}`", part.name), e.to_string()))?;
            return Ok(Some(Handle::Shared(Arc::new(operation))));
        }
        let mut options = Config::new();
        for (key, value) in &call.kwargs {
            let mut tensors = Vec::new();
            nodes::collect(value, &mut tensors);
            match key.as_str() {
                // What was recorded when the model was made; who runs it decides anew.
                "training" => {}
                _ if value.is_null() => {}
                _ if !tensors.is_empty() => {
                    let option = calls::option_of(class, key, tensors.len());
                    let option = option.map_err(|e| Error::config(what(), e.to_string()))?;
                    options.extend(option.map(|(option, value)| (option.to_string(), value)));
                }
                _ => {
                    options.insert(key.clone(), value.clone());
                }
            }
        }
        match &part.kind {
            PartKind::Operation => Err(Error::config(what(), "an operation has no options of a call")),
            PartKind::Model(_) if options.is_empty() => Ok(None),
            PartKind::Layer(_) if options.is_empty() => Ok(None),
            PartKind::Model(_) => Err(Error::config(what(), "a model cannot be called with options")),
            PartKind::Layer(_) => {
                let mut with = config.clone();
                with.extend(options.clone());
                let layer = made(json, class, self.registry, &with);
                let layer = layer.map_err(|e| Error::config(what(), e.to_string()))?;
                let known = calls::whole_config(&*layer);
                if let Some(key) = options.keys().find(|key| !known.contains_key(key.as_str())) {
                    return Err(Error::config(what(), format!("cannot be called with `{key}`")));
                }
                Ok(Some(Handle::Shared(layer)))
            }
        }
    }
}
