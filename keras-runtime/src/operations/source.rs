//! Operations in source: what functions and operators in the body of `model!` become.

use serde_json::{Map, Value, json};

use super::compute::{self, Kind};
use super::modules;
use super::setting::{Argument, Index, Options, Setting};
use crate::config::ConfigValue;
use crate::engine::{Fuses, Role};
use crate::layer::{Call, Config, Configure, Context, Layer, Recorded};
use crate::model::{NoWeights, Weighted};
use crate::plan::{Message, PlanResult, Spec};

/// A call of an operation.
#[derive(Clone, Copy)]
pub struct Operation {
    class: &'static str,
    arguments: &'static [Argument],
    settings: &'static [(&'static str, Setting)],
    /// How many tensors it is called on.
    tensors: usize,
    kind: Result<Kind, Message>,
}

impl Operation {
    /// The operation of a class on so many tensors, with these arguments and options.
    pub const fn new(
        class: &'static str,
        tensors: usize,
        arguments: &'static [Argument],
        settings: &'static [(&'static str, Setting)],
    ) -> Operation {
        let kind = compute::kind(&Options { class, settings, arguments });
        Operation { class, arguments, settings, tensors, kind }
    }

    /// What it needs for inputs of these specs.
    ///
    /// # Errors
    /// If an option is not what it must be, or it does not fit the inputs.
    pub const fn plan(&self, inputs: &[Spec]) -> PlanResult {
        match &self.kind {
            Ok(kind) => super::plan(kind, self.tensors, inputs),
            Err(message) => Err(*message),
        }
    }

    fn kind(&self) -> &Kind {
        self.kind.as_ref().expect("a model whose operations are wrong does not compile")
    }
}

impl Configure for Operation {
    fn class_name(&self) -> &'static str {
        self.class
    }

    fn config(&self) -> Config {
        self.settings.iter().map(|(key, setting)| (key.to_string(), setting.to_json())).collect()
    }

    fn module(&self) -> &'static str {
        modules::known(self.class, "").map_or("", |(_, module)| module)
    }

    fn arguments(&self, tensors: &[Value]) -> Option<(Value, Map<String, Value>)> {
        Some((self.arguments.iter().map(|argument| argument.to_json(tensors)).collect(), Map::new()))
    }
}

impl Layer for Operation {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        self.plan(inputs)
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        self.kind().compute().pack(cx, call);
    }

    fn role(&self, _inputs: &[Spec]) -> Role {
        self.kind().compute().role()
    }

    fn takes(&self, inputs: &[Spec]) -> Fuses {
        self.kind().compute().takes(inputs)
    }

    fn programs(&self, call: &Call) -> Vec<Option<Recorded>> {
        self.kind().compute().programs(call)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        self.kind().compute().forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        self.kind().compute().backward(cx, call);
    }
}

impl Weighted for Operation {
    type Weights<N> = NoWeights<N>;
}

impl Setting {
    /// As Keras writes it.
    fn to_json(self) -> Value {
        match self {
            Setting::Flag(flag) => json!(flag),
            Setting::Int(n) => json!(n),
            Setting::Float(n) => n.to_json(),
            Setting::Ints(ints) => json!(ints.as_slice()),
            Setting::Pairs(pairs) => json!(pairs.as_slice()),
            Setting::Text(text) => json!(text.as_str()),
            Setting::Unknown => Value::Null,
        }
    }
}

impl Argument {
    /// As Keras writes it.
    fn to_json(self, tensors: &[Value]) -> Value {
        match self {
            Argument::Tensor(at) => tensors.get(at).cloned().unwrap_or(Value::Null),
            Argument::Tensors => json!(tensors),
            Argument::Number { value, whole: true } => json!(value as i64),
            Argument::Number { value, whole: false } => value.to_json(),
            Argument::Constant { shape, dtype, values } => {
                let mut rest = values.iter();
                json!({
                    "class_name": "__numpy__",
                    "config": {"value": nested(&shape.to_vec(), &mut rest), "dtype": dtype.name()},
                })
            }
            Argument::Places { at, list: false } => json!(at.get(0)),
            Argument::Places { at, .. } => json!(at.as_slice()),
            Argument::Key(key) => key.as_slice().iter().map(part).collect(),
            Argument::Absent | Argument::Unknown => Value::Null,
        }
    }
}

/// An array as nested lists.
fn nested(dims: &[usize], values: &mut std::slice::Iter<'_, f64>) -> Value {
    match dims {
        [] => values.next().map_or(Value::Null, ConfigValue::to_json),
        [n, rest @ ..] => (0..*n).map(|_| nested(rest, values)).collect(),
    }
}

/// One part of an index.
fn part(part: &Index) -> Value {
    match *part {
        Index::At(at) => json!(at),
        Index::New => Value::Null,
        Index::Rest => json!({"class_name": "__ellipsis__", "config": {}}),
        Index::Range { start, stop, step } => {
            let step = (step != 1).then_some(step);
            json!({"class_name": "__slice__", "config": {"start": start, "stop": stop, "step": step}})
        }
    }
}
