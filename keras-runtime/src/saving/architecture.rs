//! A model's structure as the JSON that Keras writes: `Model.to_json()`.

use keras_kernels::DType;
use serde_json::{Map, Value, json};

use super::order::{Entry, entries};
use crate::ConfigValue;
use crate::Result;
use crate::config::origin;
use crate::engine::{Body, Definition, Member, Node, Source};
use crate::layer::Config;
use crate::layers::calls;
use crate::plan::Spec;
use crate::policy::{INNER, Policy};

/// Layers that take a list of tensors as one argument.
const TAKE_LISTS: [&str; 10] = [
    "Add",
    "Average",
    "Concatenate",
    "Dot",
    "Maximum",
    "Minimum",
    "Multiply",
    "Subtract",
    "Attention",
    "AdditiveAttention",
];

/// The configuration of a model whose numbers are of type `float`; `compile_config` is `{}` for one that was never
/// compiled.
///
/// # Errors
/// If a layer is of a kind that Keras' files cannot describe.
pub fn architecture(definition: &Definition, float: DType, compile_config: Value) -> Result<Value> {
    let mut model = Writer { float }.model(definition, &definition.name, true)?;
    model.insert("compile_config".into(), compile_config);
    Ok(Value::Object(model))
}

struct Writer {
    float: DType,
}

impl Writer {
    fn dtype(&self, spec: &Spec) -> &'static str {
        if spec.dtype().is_float() { self.float.name() } else { spec.dtype().name() }
    }

    fn policy(&self, policy: Policy) -> Value {
        json!({
            "module": "keras", "class_name": "DTypePolicy", "config": {"name": policy.name(self.float)},
            "registered_name": null,
        })
    }

    fn model(&self, definition: &Definition, name: &str, trainable: bool) -> Result<Map<String, Value>> {
        let model = if definition.sequential {
            self.sequential(definition, name, trainable)?
        } else {
            self.functional(definition, name, trainable)?
        };
        match model {
            Value::Object(model) => Ok(model),
            _ => Ok(Map::new()),
        }
    }

    fn sequential(&self, definition: &Definition, name: &str, trainable: bool) -> Result<Value> {
        let mut layers = Vec::with_capacity(definition.members.len() + 1);
        let input = definition.inputs.first();
        layers.extend(input.map(|input| Value::Object(self.input(&input.name, &input.spec))));
        for (at, member) in definition.members.iter().enumerate() {
            layers.push(Value::Object(self.member(definition, at, member)?));
        }
        let shape = input.map_or(Value::Null, |input| shape(&input.spec));
        Ok(json!({
            "module": "keras",
            "class_name": "Sequential",
            "config": {
                "name": name, "trainable": trainable, "dtype": self.policy(Policy::Full), "layers": layers,
                "build_input_shape": shape,
            },
            "registered_name": null,
            "build_config": {"input_shape": shape},
        }))
    }

    fn functional(&self, definition: &Definition, name: &str, trainable: bool) -> Result<Value> {
        let mut layers = Vec::with_capacity(definition.members.len() + definition.inputs.len());
        for entry in entries(definition) {
            let (name, mut layer, nodes) = match entry {
                Entry::Input(at) => {
                    let input = &definition.inputs[at];
                    (&input.name, self.input(&input.name, &input.spec), Vec::new())
                }
                Entry::Member(at) => {
                    let member = &definition.members[at];
                    let calls = definition.nodes.iter().filter(|node| node.member == at);
                    let nodes =
                        calls.map(|node| self.node(definition, member, node)).collect::<Result<_>>()?;
                    (&member.name, self.member(definition, at, member)?, nodes)
                }
            };
            layer.insert("name".into(), json!(name));
            layer.insert("inbound_nodes".into(), Value::Array(nodes));
            layers.push(Value::Object(layer));
        }
        let inputs = definition.inputs.iter().map(|input| json!([input.name, 0, 0])).collect();
        let outputs = definition.outputs.iter().map(|output| {
            let (name, node, tensor) = history(definition, output.source);
            // A Functional model counts a node of its own before its calls.
            let own = matches!(output.source, Source::Node { node, .. }
                if matches!(&definition.members[definition.nodes[node].member].body,
                    Body::Model(m) if !m.sequential && !m.each_step));
            json!([name, node + usize::from(own), tensor])
        });
        Ok(json!({
            "module": "keras.src.models.functional",
            "class_name": "Functional",
            "config": {
                "name": name, "trainable": trainable, "layers": layers,
                "input_layers": one_or_list(inputs), "output_layers": one_or_list(outputs.collect()),
            },
            "registered_name": "Functional",
            "build_config": {"input_shape": null},
        }))
    }

    fn input(&self, name: &str, spec: &Spec) -> Map<String, Value> {
        let config = json!({
            "batch_shape": shape(spec), "dtype": self.dtype(spec), "sparse": false, "ragged": false, "name": name,
            "optional": false,
        });
        envelope("keras.layers", "InputLayer", config, Value::Null)
    }

    fn member(&self, definition: &Definition, at: usize, member: &Member) -> Result<Map<String, Value>> {
        let layer = match &member.body {
            Body::Model(model) if model.each_step => return self.each_step(definition, at, member, model),
            Body::Model(model) => {
                let mut json = self.model(model, &member.name, member.trainable)?;
                json.insert("compile_config".into(), json!({}));
                return Ok(json);
            }
            Body::Layer(layer) => layer,
        };
        let mut config = Config::new();
        config.insert("name".into(), json!(member.name));
        if member.is_operation() {
            config.extend(layer.config());
            let class = layer.class_name();
            return Ok(envelope(layer.module(), class, Value::Object(config), json!(class)));
        }
        config.insert("trainable".into(), json!(member.trainable));
        let policy = self.policy(member.policy);
        config.insert("dtype".into(), policy.clone());
        if let Some(regularizer) = &member.activity_regularizer {
            config.insert("activity_regularizer".into(), regularizer.to_json());
        }
        config.extend(layer.config());
        if member.policy != Policy::Full || self.float != DType::F32 {
            for key in INNER {
                if let Some(inner) = config.get_mut(key).filter(|inner| inner.is_object()) {
                    inner["config"]["dtype"] = policy.clone();
                }
            }
        }
        // A dimension that the input decides is None in Keras' shapes.
        for key in ["output_shape", "noise_shape"] {
            if let Some(Value::Array(dims)) = config.get_mut(key) {
                dims.iter_mut().filter(|dim| **dim == json!(-1)).for_each(|dim| *dim = Value::Null);
            }
        }
        let (module, registered) = origin(&**layer);
        let mut json = envelope(&module, layer.class_name(), Value::Object(config), registered);
        if let Some(first) = definition.nodes.iter().find(|node| node.member == at) {
            let shapes = first.inputs.iter().map(|source| shape(&definition.spec_of(*source)));
            let shapes: Vec<Value> = shapes.collect();
            // Layers that take several tensors by name are built by their first call.
            if TAKE_LISTS.contains(&layer.class_name()) {
                json.insert("build_config".into(), json!({"input_shape": shapes}));
            } else if let [one] = &shapes[..] {
                json.insert("build_config".into(), json!({"input_shape": one}));
            }
        }
        Ok(json)
    }

    /// A `TimeDistributed` around a model.
    fn each_step(
        &self,
        definition: &Definition,
        at: usize,
        member: &Member,
        model: &Definition,
    ) -> Result<Map<String, Value>> {
        let inner = self.model(model, &model.name, member.trainable)?;
        let config = json!({
            "name": member.name, "trainable": member.trainable, "dtype": self.policy(member.policy), "layer": inner,
        });
        let mut json = envelope("keras.layers", "TimeDistributed", config, Value::Null);
        let call = definition.nodes.iter().find(|node| node.member == at);
        if let Some(input) = call.and_then(|node| node.inputs.first()) {
            let shape = shape(&definition.spec_of(*input));
            json.insert("build_config".into(), json!({"input_shape": shape}));
        }
        Ok(json)
    }

    /// One call: its tensors, and the options that it alone has.
    fn node(&self, definition: &Definition, member: &Member, node: &Node) -> Result<Value> {
        let tensor = |source: &Source| {
            let spec = definition.spec_of(*source);
            let (name, node, output) = history(definition, *source);
            json!({
                "class_name": "__keras_tensor__",
                "config": {
                    "shape": shape(&spec), "dtype": self.dtype(&spec), "keras_history": [name, node, output],
                },
            })
        };
        let mut tensors: Vec<Value> = node.inputs.iter().map(tensor).collect();
        let called = node.call.as_ref().or(match &member.body {
            Body::Layer(layer) => Some(layer),
            Body::Model(_) => None,
        });
        if let Some((args, kwargs)) = called.and_then(|layer| layer.arguments(&tensors)) {
            return Ok(json!({"args": args, "kwargs": kwargs}));
        }
        let mut kwargs = called.map_or_else(Config::new, |layer| calls::named(&**layer, &mut tensors));
        let mut masks: Vec<_> = node.masks.iter().map(|mask| mask.as_ref().map(tensor)).collect();
        masks.resize(if masks.is_empty() { 0 } else { tensors.len() }, None);
        kwargs.extend(calls::named_masks(member.class_name(), masks));
        // A model takes its inputs as one argument, too.
        let inputs_of_model = matches!(member.body, Body::Model(_)) && tensors.len() > 1;
        let in_list = inputs_of_model || TAKE_LISTS.contains(&member.class_name());
        let args = if in_list { json!([tensors]) } else { json!(tensors) };
        Ok(json!({"args": args, "kwargs": kwargs}))
    }
}

fn envelope(module: &str, class: &str, config: Value, registered: Value) -> Map<String, Value> {
    let entries = [
        ("module", json!(module)),
        ("class_name", json!(class)),
        ("config", config),
        ("registered_name", registered),
    ];
    entries.into_iter().map(|(key, value)| (key.to_string(), value)).collect()
}

/// A shape with the batch dimension in front.
fn shape(spec: &Spec) -> Value {
    let batch = spec.batched().then_some(Value::Null);
    batch.into_iter().chain(spec.shape().dims().map(Value::from)).collect()
}

/// Which output of which call of which layer a value is.
fn history(definition: &Definition, source: Source) -> (&str, usize, usize) {
    match source {
        Source::Input(at) => (&definition.inputs[at].name, 0, 0),
        Source::Node { node, output } => {
            let member = definition.nodes[node].member;
            let before = definition.nodes[..node].iter().filter(|n| n.member == member).count();
            (&definition.members[member].name, before, output)
        }
    }
}

fn one_or_list(mut items: Vec<Value>) -> Value {
    match items.len() {
        1 => items.remove(0),
        _ => Value::Array(items),
    }
}
