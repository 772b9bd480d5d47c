//! Models of any shape, written at run time.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use keras_kernels::{DType, Device};

use super::keras_tensor::{KerasTensor, Member, Node, Origin};
use super::{Blueprint, LoadedModel, Part, PartCall, PartKind};
use crate::engine::{Handle, Source};
use crate::saving::snake_case;
use crate::{Error, Policy, Result};

/// A model from symbolic tensors: everything that lies between its inputs and its outputs.
///
/// ```
/// use keras_runtime::graph::{Functional, Input, On, Shared};
/// use keras_runtime::layers::{Concatenate, Dense};
/// use keras_runtime::{Activation, Device};
///
/// let (user, item) = (Input::new([32]).name("user").tensor(), Input::new([32]).name("item").tensor());
/// let encoder = Shared::new(Dense::new(16).activation(Activation::RELU)).name("encoder");
/// let both = Concatenate::new().on([&encoder.on(&user)?, &encoder.on(&item)?])?;
/// let score = Dense::new(1).on(&(&both * 0.5))?;
/// let mut model = Functional::new("ranker", [&user, &item], [&score]).build(Device::default())?;
/// assert_eq!(model.count_params(), Some(32 * 16 + 16 + 32 + 1));
/// # Ok::<(), keras_runtime::Error>(())
/// ```
pub struct Functional {
    name: String,
    inputs: Vec<KerasTensor>,
    outputs: Vec<KerasTensor>,
}

impl Functional {
    /// A model of this name, from these inputs to these outputs.
    pub fn new<'a>(
        name: impl Into<String>,
        inputs: impl super::IntoTensors<'a>,
        outputs: impl super::IntoTensors<'a>,
    ) -> Functional {
        Functional { name: name.into(), inputs: inputs.tensors(), outputs: outputs.tensors() }
    }

    /// The model with fresh weights.
    ///
    /// # Errors
    /// If an output does not come from the inputs, two layers have one name, or a layer cannot take what it gets.
    pub fn build(self, device: Device) -> Result<LoadedModel> {
        self.build_with(device, 0)
    }

    /// As [`Functional::build`], with weights that are a function of the seed.
    ///
    /// # Errors
    /// See [`Functional::build`].
    pub fn build_with(self, device: Device, seed: u64) -> Result<LoadedModel> {
        LoadedModel::from_blueprint(self.blueprint()?, device, seed)
    }

    fn blueprint(&self) -> Result<Blueprint> {
        let what = || format!("model `{}`", self.name);
        let mut blueprint = Blueprint::empty(&self.name, false);
        let mut names = Names::default();
        let mut inputs: HashMap<u64, usize> = HashMap::new();
        for tensor in &self.inputs {
            let Origin::Input { slot, named } = &tensor.node.origin else {
                return Err(Error::config(what(), "its inputs must be tensors of `Input`s"));
            };
            if inputs.insert(tensor.node.id, blueprint.inputs.len()).is_some() {
                return Err(Error::config(what(), format!("`{}` is an input twice", slot.name)));
            }
            let mut slot = slot.clone();
            slot.name = names.take(named.then_some(&slot.name), "input_layer", &what)?;
            blueprint.inputs.push(slot);
        }
        let order = self.order(&inputs)?;
        // Members in the order in which they were made.
        let members: BTreeMap<u64, &Arc<Member>> =
            order.iter().map(|(member, _)| (member.id, *member)).collect();
        let mut parts: HashMap<u64, usize> = HashMap::new();
        for (id, member) in members {
            let class = member.layer.class_name();
            let name = names.take(member.name.as_ref(), &snake_case(class), &what)?;
            parts.insert(id, blueprint.parts.len());
            blueprint.parts.push(Part {
                name,
                kind: if member.operation {
                    PartKind::Operation
                } else {
                    PartKind::Layer(Arc::clone(&member.layer))
                },
                trainable: member.trainable,
                activity_regularizer: member.activity_regularizer,
                policy: Policy::Full,
            });
        }
        let mut calls: HashMap<u64, usize> = HashMap::new();
        let source = |calls: &HashMap<u64, usize>, tensor: &KerasTensor| match inputs.get(&tensor.node.id) {
            Some(at) => Source::Input(*at),
            None => Source::Node { node: calls[&tensor.node.id], output: tensor.output },
        };
        for (member, node) in order {
            let Origin::Call { inputs: called_on, .. } = &node.origin else { continue };
            let layer = member.operation.then(|| Handle::Shared(Arc::clone(&member.layer)));
            let inputs = called_on.iter().map(|tensor| source(&calls, tensor)).collect();
            calls.insert(node.id, blueprint.calls.len());
            blueprint.calls.push(PartCall { part: parts[&member.id], layer, inputs, masks: Vec::new() });
        }
        for tensor in &self.outputs {
            let from = source(&calls, tensor);
            let name = match from {
                Source::Input(at) => blueprint.inputs[at].name.clone(),
                Source::Node { node, .. } => blueprint.parts[blueprint.calls[node].part].name.clone(),
            };
            blueprint.outputs.push((name, from));
        }
        Ok(blueprint)
    }

    /// The calls between inputs and outputs, each after those that it depends on.
    fn order(&self, inputs: &HashMap<u64, usize>) -> Result<Vec<(&Arc<Member>, &Node)>> {
        let (mut order, mut done) = (Vec::new(), HashSet::new());
        // A stack of its own: models may be thousands of calls deep. The flag says that what is before it is done.
        let mut stack: Vec<(&KerasTensor, bool)> = self.outputs.iter().rev().map(|t| (t, false)).collect();
        while let Some((tensor, ready)) = stack.pop() {
            let node = &*tensor.node;
            if inputs.contains_key(&node.id) || done.contains(&node.id) {
                continue;
            }
            // Tells why an operator failed.
            tensor.spec()?;
            match &node.origin {
                Origin::Call { of, .. } if ready => {
                    done.insert(node.id);
                    order.push((of.member(), node));
                }
                Origin::Call { inputs, .. } => {
                    stack.push((tensor, true));
                    stack.extend(inputs.iter().rev().map(|t| (t, false)));
                }
                Origin::Input { slot, .. } => {
                    let message = format!("depends on `{}`, which is not among its inputs", slot.name);
                    return Err(Error::config(format!("model `{}`", self.name), message));
                }
                Origin::Broken => {}
            }
        }
        Ok(order)
    }
}

/// Names of layers, all different.
#[derive(Default)]
pub(super) struct Names {
    taken: HashSet<String>,
    next: HashMap<String, usize>,
}

impl Names {
    /// The name that was given, or `stem`, `stem_1`, `stem_2`, ...
    pub(super) fn take(
        &mut self,
        given: Option<&String>,
        stem: &str,
        what: &dyn Fn() -> String,
    ) -> Result<String> {
        if let Some(name) = given {
            return match self.taken.insert(name.clone()) {
                true => Ok(name.clone()),
                false => Err(Error::config(what(), format!("two layers are called `{name}`"))),
            };
        }
        let next = self.next.entry(stem.to_string()).or_insert(0);
        loop {
            let name = if *next == 0 { stem.to_string() } else { format!("{stem}_{next}") };
            *next += 1;
            if self.taken.insert(name.clone()) {
                return Ok(name);
            }
        }
    }
}

impl Blueprint {
    /// A model without inputs, layers and outputs.
    pub(super) fn empty(name: &str, sequential: bool) -> Blueprint {
        Blueprint {
            name: name.into(),
            sequential,
            each_step: false,
            trainable: true,
            inputs: Vec::new(),
            parts: Vec::new(),
            calls: Vec::new(),
            outputs: Vec::new(),
            input_keys: None,
            output_keys: None,
            float: DType::F32,
        }
    }
}
