//! The values of one call: their specs and places, worked out by const evaluation and again before each pass.

use keras_kernels::DType;

use crate::plan::{Message, Plan, Spec, catalogue};

/// Where a value of a call lies.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Nowhere: it exists inside a chain alone, or is a number.
    Nowhere,
    Input(usize),
    Output(usize),
    Weight(usize),
    State(usize),
    /// Kept for backward, from this element on (of a sample, if the value is batched).
    Saved(usize),
    /// For forward alone.
    Scratch(usize),
}

/// Where `#[call]` wants a value.
#[derive(Clone, Copy, Debug)]
pub enum Room {
    /// It stays inside a chain.
    Nowhere,
    /// It is this output of the layer.
    Output(usize),
    /// Backward reads it.
    Saved,
    /// Forward alone reads it.
    Scratch,
}

/// Buffers are of four classes: float or integer, batched or not.
pub(super) const CLASSES: usize = 4;

pub(super) const fn class(spec: &Spec) -> usize {
    2 * !spec.dtype().is_float() as usize + !spec.batched() as usize
}

const NONE: usize = usize::MAX;

/// Specs and places of up to `N` values, numbered in the order in which they are added.
#[derive(Clone, Copy)]
pub struct Trace<const N: usize> {
    specs: [Spec; N],
    places: [Place; N],
    grads: [usize; N],
    len: usize,
    saved: [usize; CLASSES],
    scratch: [usize; CLASSES],
    backward: [usize; CLASSES],
    /// Which way through the `if`s of `call` this is.
    pub path: usize,
}

impl<const N: usize> Trace<N> {
    /// The inputs.
    pub const fn new(inputs: &[Spec], path: usize) -> Self {
        let mut trace = Trace {
            specs: [Spec::POISON; N],
            places: [Place::Nowhere; N],
            grads: [NONE; N],
            len: 0,
            saved: [0; CLASSES],
            scratch: [0; CLASSES],
            backward: [0; CLASSES],
            path,
        };
        let mut i = 0;
        while i < inputs.len() {
            trace.push(inputs[i], Place::Input(i));
            i += 1;
        }
        trace
    }

    const fn push(&mut self, spec: Spec, place: Place) {
        self.specs[self.len] = spec;
        self.places[self.len] = place;
        self.len += 1;
    }

    /// A field of the layer: a weight or state variable of `declared`, or a number.
    pub const fn field(&mut self, declared: &Plan, is_weight: bool, name: &str) -> Result<(), Message> {
        if !is_weight {
            self.push(Spec::fixed(keras_kernels::Shape::SCALAR), Place::Nowhere);
            return Ok(());
        }
        let mut i = 0;
        while i < declared.weights.len() {
            let weight = &declared.weights.as_slice()[i];
            if same(weight.name, name) {
                self.push(Spec::fixed(weight.shape), Place::Weight(i));
                return Ok(());
            }
            i += 1;
        }
        let mut i = 0;
        while i < declared.state.len() {
            let state = &declared.state.as_slice()[i];
            if same(state.name, name) {
                self.push(Spec::fixed(state.shape), Place::State(i));
                return Ok(());
            }
            i += 1;
        }
        Err(Message::new("`call` uses the weight `")
            .text(name)
            .text("`, which the layer does not have with these options"))
    }

    /// The result of the operation `what`.
    pub const fn value(
        &mut self,
        spec: Result<Spec, Message>,
        what: &str,
        room: Room,
    ) -> Result<(), Message> {
        let spec = match spec {
            Ok(spec) => spec,
            Err(message) => return Err(Message::new("`").text(what).text("`: ").text(message.as_str())),
        };
        let place = match room {
            Room::Nowhere => Place::Nowhere,
            Room::Output(i) => Place::Output(i),
            Room::Saved => Place::Saved(take(&mut self.saved, &spec)),
            Room::Scratch => Place::Scratch(take(&mut self.scratch, &spec)),
        };
        self.push(spec, place);
        Ok(())
    }

    /// A value of another shape in the same place as value `of`.
    pub const fn alias(&mut self, spec: Result<Spec, Message>, what: &str, of: usize) -> Result<(), Message> {
        match self.value(spec, what, Room::Nowhere) {
            Ok(()) => {}
            Err(message) => return Err(message),
        }
        self.places[self.len - 1] = self.places[of];
        Ok(())
    }

    /// Makes room for the gradient of value `at`; the gradients of outputs and leaves are given.
    pub const fn grad(&mut self, at: usize) {
        if let Place::Saved(_) | Place::Scratch(_) = self.places[at] {
            self.grads[at] = take(&mut self.backward, &self.specs[at]);
        }
    }

    /// Value `at` shares the gradient of value `of`.
    pub const fn share_grad(&mut self, at: usize, of: usize) {
        self.grads[at] = self.grads[of];
    }

    /// A buffer of an operation's own.
    pub const fn room(&mut self, spec: Spec) {
        let place =
            if spec.size() == 0 { Place::Nowhere } else { Place::Scratch(take(&mut self.scratch, &spec)) };
        self.push(spec, place);
    }

    /// A buffer of an operation's own, for backward.
    pub const fn extra(&mut self, spec: Spec) {
        self.push(spec, Place::Nowhere);
        if spec.size() > 0 {
            self.grads[self.len - 1] = take(&mut self.backward, &spec);
        }
    }

    /// The spec of a value.
    pub const fn spec(&self, at: usize) -> Spec {
        self.specs[at]
    }

    /// `x.dim(axis)`: 0 for the batch, whose size is not known.
    pub const fn dim(&self, at: usize, axis: isize) -> usize {
        match self.specs[at].axis(axis) {
            Some(axis) => self.specs[at].dim(axis),
            None => 0,
        }
    }

    /// The plan: `outputs` are values, `declared` has the weights.
    pub const fn plan(&self, declared: &Plan, outputs: &[usize], supports_masking: bool) -> Plan {
        let mut plan = Plan::new(self.specs[outputs[0]]);
        let mut i = 1;
        while i < outputs.len() {
            plan = plan.output(self.specs[outputs[i]]);
            i += 1;
        }
        plan.weights = declared.weights;
        plan.state = declared.state;
        if !supports_masking {
            plan.mask = crate::plan::MaskRule::Drop;
        }
        let mut c = 0;
        while c < CLASSES {
            if self.saved[c] > 0 {
                plan = plan.save(buffer(c, self.saved[c]));
            }
            if self.scratch[c] > 0 {
                plan = plan.scratch(buffer(c, self.scratch[c]));
            }
            if self.backward[c] > 0 {
                plan = plan.backward_scratch(buffer(c, self.backward[c]));
            }
            c += 1;
        }
        plan
    }

    pub(super) const fn place(&self, at: usize) -> Place {
        self.places[at]
    }

    pub(super) const fn grad_at(&self, at: usize) -> Option<usize> {
        if self.grads[at] == NONE { None } else { Some(self.grads[at]) }
    }

    /// Which buffer of the plan's list has this class.
    pub(super) const fn buffer_of(&self, list: List, class: usize) -> usize {
        let sizes = match list {
            List::Saved => &self.saved,
            List::Scratch => &self.scratch,
            List::Backward => &self.backward,
        };
        let mut n = 0;
        let mut c = 0;
        while c < class {
            n += (sizes[c] > 0) as usize;
            c += 1;
        }
        n
    }
}

/// Why a layer with `n` inputs cannot be called on these.
pub const fn call_refuses(inputs: &[Spec], n: usize) -> Option<Message> {
    if inputs.len() != n {
        return Some(catalogue::arity(n, inputs));
    }
    let mut i = 0;
    while i < n {
        if !inputs[i].batched() {
            return Some(Message::new("expects inputs with a batch, found ").spec(&inputs[i]));
        }
        i += 1;
    }
    catalogue::empty(inputs)
}

/// A list of buffers in a plan.
#[derive(Clone, Copy)]
pub(super) enum List {
    Saved,
    Scratch,
    Backward,
}

const fn take(sizes: &mut [usize; CLASSES], spec: &Spec) -> usize {
    let c = class(spec);
    let at = sizes[c];
    sizes[c] = at.saturating_add(spec.size());
    at
}

const fn buffer(class: usize, size: usize) -> Spec {
    let shape = keras_kernels::Shape::of(&[size]);
    let spec = if class.is_multiple_of(2) { Spec::sample(shape) } else { Spec::fixed(shape) };
    if class < 2 { spec } else { spec.with_dtype(DType::I32) }
}

/// Which fields `call` uses is not known of layers that are written by hand: the inherent constant that `#[call]` writes goes
/// before this one.
pub trait UsesUnknown {
    /// Nothing is known.
    const __USED: Option<&'static [&'static str]> = None;
}
impl<T: ?Sized> UsesUnknown for T {}

/// Stops const evaluation at a weight that `call` does not use. It says nothing where `call` names a field that there is not: the
/// name of this one may have been meant.
#[track_caller]
pub const fn assert_used(used: Option<&[&str]>, known: &[&str], weight: &str) {
    let Some(used) = used else { return };
    let mut i = 0;
    while i < used.len() {
        if same(used[i], weight) || !is_one_of(used[i], known) {
            return;
        }
        i += 1;
    }
    let message = Message::new("`call` does not use the weight `").text(weight);
    panic!("{}", message.text("`: it would never change").as_str());
}

/// Whether `name` is among `names`.
pub const fn is_one_of(name: &str, names: &[&str]) -> bool {
    let mut i = 0;
    while i < names.len() {
        if same(names[i], name) {
            return true;
        }
        i += 1;
    }
    false
}

const fn same(a: &str, b: &str) -> bool {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    if a.len() != b.len() {
        return false;
    }
    let mut i = 0;
    while i < a.len() {
        if a[i] != b[i] {
            return false;
        }
        i += 1;
    }
    true
}
