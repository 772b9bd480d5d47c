//! Plans: what a layer needs, computed by a `const fn` for models in source and for run-time graphs alike.

pub mod catalogue;
mod message;
mod named;
mod size;
mod spec;

pub use message::Message;
#[doc(hidden)]
pub use named::{Given, IntoFloat, float_of};
pub use size::{IntoSize, Ints, Size, Text};
pub use spec::Spec;

use keras_kernels::{Shape, View};

use crate::engine::GraphSpec;
use crate::{Constraint, Initializer, Regularizer};

/// A list in a const: up to `N` items.
#[derive(Clone, Copy, Debug)]
pub struct List<T: Copy, const N: usize> {
    items: [T; N],
    len: usize,
}

impl<T: Copy, const N: usize> List<T, N> {
    /// An empty list; `blank` fills the unused places.
    pub const fn new(blank: T) -> Self {
        List { items: [blank; N], len: 0 }
    }

    /// Appends an item.
    ///
    /// # Panics
    /// If the list is full.
    #[track_caller]
    pub const fn push(&mut self, item: T) {
        assert!(self.len < N, "a layer's plan is full: it has too many outputs, weights or buffers");
        self.items[self.len] = item;
        self.len += 1;
    }

    /// How many items.
    pub const fn len(&self) -> usize {
        self.len
    }

    /// Whether there are none.
    pub const fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The items.
    pub const fn as_slice(&self) -> &[T] {
        self.items.split_at(self.len).0
    }
}

/// Most inputs of one call that a plan looks at by value; merging layers take a slice of any length.
pub const MAX_OUTPUTS: usize = 6;
/// Most trainable weights of one layer.
pub const MAX_WEIGHTS: usize = 16;
/// Most state variables of one layer.
pub const MAX_STATE: usize = 6;
/// Most buffers of one kind (kept for backward; scratch); a recurrent layer in two directions has twice its own.
pub const MAX_BUFFERS: usize = 20;

/// One variable of a layer.
#[derive(Clone, Copy, Debug)]
pub struct WeightSpec {
    /// Its name, as Keras calls it: `kernel`.
    pub name: &'static str,
    /// Sub-objects that hold it, outermost first, as in a Keras file: `["cell"]`, `["query_dense"]`.
    pub path: List<&'static str, 4>,
    /// Its shape.
    pub shape: Shape,
    /// How it starts.
    pub initializer: Initializer,
    /// Penalty on it.
    pub regularizer: Option<Regularizer>,
    /// What it is projected onto after each step.
    pub constraint: Option<Constraint>,
}

impl WeightSpec {
    /// A weight of the layer itself.
    pub const fn new(name: &'static str, shape: Shape, initializer: Initializer) -> WeightSpec {
        WeightSpec { name, path: List::new(""), shape, initializer, regularizer: None, constraint: None }
    }

    /// With a penalty.
    #[must_use]
    pub const fn regularizer(mut self, regularizer: Option<Regularizer>) -> WeightSpec {
        self.regularizer = regularizer;
        self
    }

    /// With a projection.
    #[must_use]
    pub const fn constraint(mut self, constraint: Option<Constraint>) -> WeightSpec {
        self.constraint = constraint;
        self
    }

    /// Held by the sub-object `outer` (put in front of the path).
    #[must_use]
    pub const fn under(mut self, outer: &'static str) -> WeightSpec {
        let mut path = List::new("");
        path.push(outer);
        let mut i = 0;
        while i < self.path.len() {
            path.push(self.path.as_slice()[i]);
            i += 1;
        }
        self.path = path;
        self
    }
}

/// What becomes of the mask that comes with a layer's first input.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum MaskRule {
    /// The output has the same mask (most layers: `supports_masking`).
    Pass,
    /// The first output has the first input's mask, whatever other inputs have (attention, recurrent layers).
    First,
    /// The first output has the last input's mask (the end of a model that is applied to steps).
    Last,
    /// The output has none.
    Drop,
    /// If every input has a mask, the layer writes one, of the first's shape (`Add`); else there is none.
    All,
    /// If any input has a mask, the layer writes one, of this shape (`Concatenate`); else there is none.
    Any(Shape),
    /// The layer writes one: a bool for each element of this shape of a sample (`Embedding(mask_zero = true)`).
    Compute(Shape),
}

impl MaskRule {
    /// Whether the layer may write a mask.
    pub(crate) const fn computes(self) -> bool {
        matches!(self, MaskRule::All | MaskRule::Any(_) | MaskRule::Compute(_))
    }

    /// The shape (of a sample) of the mask that the layer writes, if its inputs have these masks.
    pub fn written(self, inputs: &[Option<View>]) -> Option<Shape> {
        let sample = |mask: &Option<View>| mask.map(|mask| mask.shape().remove(0));
        self.written_for(&inputs.iter().map(sample).collect::<Vec<_>>())
    }

    /// As [`MaskRule::written`], from the shapes (of samples) of the inputs' masks.
    pub(crate) fn written_for(self, inputs: &[Option<Shape>]) -> Option<Shape> {
        match self {
            MaskRule::Pass | MaskRule::First | MaskRule::Last | MaskRule::Drop => None,
            MaskRule::Compute(shape) => Some(shape),
            MaskRule::Any(shape) => inputs.iter().any(Option::is_some).then_some(shape),
            MaskRule::All if inputs.iter().all(Option::is_some) => inputs[0],
            MaskRule::All => None,
        }
    }
}

/// Everything that running a layer on given inputs takes. Whoever runs it only places buffers.
#[derive(Clone, Copy)]
pub struct Plan {
    /// What it yields.
    pub outputs: List<Spec, MAX_OUTPUTS>,
    /// Trainable weights, in Keras' order.
    pub weights: List<WeightSpec, MAX_WEIGHTS>,
    /// Variables that are saved but not trained (moving statistics).
    pub state: List<WeightSpec, MAX_STATE>,
    /// Buffers that forward fills and backward reads.
    pub saved: List<Spec, MAX_BUFFERS>,
    /// Buffers that live during forward.
    pub scratch: List<Spec, MAX_BUFFERS>,
    /// Buffers that live during backward.
    pub backward_scratch: List<Spec, MAX_BUFFERS>,
    /// Forms of the weights that are made once after each change of them ([`crate::Layer::pack`]).
    pub packed: List<Spec, MAX_BUFFERS>,
    /// Output 0 is input 0 in another shape: no kernel runs, they share memory.
    pub alias: bool,
    /// Whether it takes the steps of a sequence from the last to the first.
    pub backwards: bool,
    /// What becomes of the mask.
    pub mask: MaskRule,
    /// The graph, if this is a model that is used as a layer.
    pub model: Option<&'static GraphSpec>,
    /// How many steps each layer of `model` is applied to, if `TimeDistributed` is around it.
    pub steps: Option<usize>,
}

/// A plan, or why there is none.
pub type PlanResult = Result<Plan, Message>;

impl std::fmt::Debug for Plan {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let mut out = f.debug_struct("Plan");
        out.field("outputs", &self.outputs.as_slice()).field("weights", &self.weights.as_slice());
        out.field("state", &self.state.as_slice()).finish_non_exhaustive()
    }
}

impl Plan {
    /// The plan of a layer that yields one value and needs nothing.
    pub const fn new(output: Spec) -> Plan {
        Plan::none().output(output)
    }

    const fn none() -> Plan {
        let weight = WeightSpec::new("", Shape::SCALAR, Initializer::Zeros);
        Plan {
            outputs: List::new(Spec::POISON),
            weights: List::new(weight),
            state: List::new(weight),
            saved: List::new(Spec::POISON),
            scratch: List::new(Spec::POISON),
            backward_scratch: List::new(Spec::POISON),
            packed: List::new(Spec::POISON),
            alias: false,
            backwards: false,
            mask: MaskRule::Pass,
            model: None,
            steps: None,
        }
    }

    /// The plan of a layer that yields nothing yet: [`Plan::output`] follows.
    pub(crate) const NOTHING: Plan = Plan::none();

    /// The plan of a layer that failed, or whose inputs did: poisoned outputs.
    pub const POISON: Plan = {
        let mut plan = Plan::none();
        while plan.outputs.len() < MAX_OUTPUTS {
            plan.outputs.push(Spec::POISON);
        }
        plan
    };

    /// Yields one value more.
    #[must_use]
    pub const fn output(mut self, spec: Spec) -> Plan {
        self.outputs.push(spec);
        self
    }

    /// Has one trainable weight more.
    #[must_use]
    pub const fn weight(mut self, weight: WeightSpec) -> Plan {
        self.weights.push(weight);
        self
    }

    /// Has one state variable more.
    #[must_use]
    pub const fn state(mut self, state: WeightSpec) -> Plan {
        self.state.push(state);
        self
    }

    /// Keeps one buffer more from forward to backward.
    #[must_use]
    pub const fn save(mut self, spec: Spec) -> Plan {
        self.saved.push(spec);
        self
    }

    /// Needs one buffer more during forward.
    #[must_use]
    pub const fn scratch(mut self, spec: Spec) -> Plan {
        self.scratch.push(spec);
        self
    }

    /// Needs one buffer more during backward.
    #[must_use]
    pub const fn backward_scratch(mut self, spec: Spec) -> Plan {
        self.backward_scratch.push(spec);
        self
    }

    /// Has one packed form more.
    #[must_use]
    pub const fn pack(mut self, spec: Spec) -> Plan {
        self.packed.push(spec);
        self
    }

    /// Output 0 is input 0 in another shape.
    #[must_use]
    pub const fn alias(mut self) -> Plan {
        self.alias = true;
        self
    }

    /// With this rule for masks.
    #[must_use]
    pub const fn mask(mut self, mask: MaskRule) -> Plan {
        self.mask = mask;
        self
    }

    /// Refuses a plan of outputs, weights or buffers that no memory can hold. Whoever takes a layer into a graph asks this.
    ///
    /// # Errors
    /// Naming the first of them.
    pub const fn check_sizes(&self) -> Result<(), Message> {
        let mut i = 0;
        while i < self.outputs.len() {
            if self.outputs.as_slice()[i].shape().is_oversized() {
                return Err(catalogue::oversized("an output", &self.outputs.as_slice()[i].shape()));
            }
            i += 1;
        }
        let mut list = self.weights.as_slice();
        let mut kind = 0;
        while kind < 2 {
            let mut i = 0;
            while i < list.len() {
                if list[i].shape.is_oversized() {
                    return Err(catalogue::oversized(list[i].name, &list[i].shape));
                }
                i += 1;
            }
            list = self.state.as_slice();
            kind += 1;
        }
        let buffers = [&self.saved, &self.scratch, &self.backward_scratch, &self.packed];
        let mut kind = 0;
        while kind < buffers.len() {
            let mut i = 0;
            while i < buffers[kind].len() {
                if buffers[kind].as_slice()[i].shape().is_oversized() {
                    return Err(catalogue::oversized("a buffer", &buffers[kind].as_slice()[i].shape()));
                }
                i += 1;
            }
            kind += 1;
        }
        Ok(())
    }

    /// Numbers in all trainable weights.
    pub const fn params(&self) -> usize {
        let mut n = 0;
        let mut i = 0;
        while i < self.weights.len() {
            n += self.weights.as_slice()[i].shape.size();
            i += 1;
        }
        n
    }

    /// Numbers in all state variables.
    pub const fn state_size(&self) -> usize {
        let mut n = 0;
        let mut i = 0;
        while i < self.state.len() {
            n += self.state.as_slice()[i].shape.size();
            i += 1;
        }
        n
    }
}

/// Whether one of the values is poisoned; then a layer answers [`Plan::POISON`] and says nothing.
pub const fn any_poison(inputs: &[Spec]) -> bool {
    let mut i = 0;
    while i < inputs.len() {
        if inputs[i].is_poison() {
            return true;
        }
        i += 1;
    }
    false
}

/// `?` for plans in const functions: the value, or return the error.
#[macro_export]
macro_rules! plan_try {
    ($result:expr) => {
        match $result {
            Ok(value) => value,
            Err(message) => return Err(message),
        }
    };
}

/// The opening of almost every `plan`: answers poison with poison, and refuses any other number of inputs, and inputs without
/// elements.
#[macro_export]
macro_rules! plan_inputs {
    ($inputs:expr, $n:expr) => {
        if $crate::plan::any_poison($inputs) {
            return Ok($crate::plan::Plan::POISON);
        }
        if $inputs.len() != $n {
            return Err($crate::plan::catalogue::arity($n, $inputs));
        }
        if let Some(empty) = $crate::plan::catalogue::empty($inputs) {
            return Err(empty);
        }
    };
}

/// Stops const evaluation with a layer's error. The label names the layer: `` `Conv2D` (layer `stem`) ``.
#[track_caller]
pub const fn assert_layer(result: &PlanResult, label: &str) {
    if let Err(message) = result {
        panic!("{}", Message::new(label).text(": ").text(message.as_str()).as_str());
    }
}

/// The plan, or a poisoned one: later layers then say nothing.
pub const fn or_poison(result: &PlanResult) -> Plan {
    match result {
        Ok(plan) => *plan,
        Err(_) => Plan::POISON,
    }
}
