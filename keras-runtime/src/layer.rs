//! The layer interface.

use std::sync::Arc;

use keras_kernels::activation::Activation;
use keras_kernels::conv::{Epilogue, MAX_SPATIAL};
use keras_kernels::elementwise::{Instr, Program, Value as Number};
use keras_kernels::random::Stream;
use keras_kernels::{Device, Grad, Shape, View};
use serde_json::{Map, Value};

use crate::engine::{Ending, Fuses, Role, Run};
use crate::plan::{Message, PlanResult, Spec, WeightSpec};
use crate::{Registry, Regularizer, Result};

/// A layer's configuration, as Keras writes it: `{"units": 10, "activation": "relu", ...}` without `name`,
/// `trainable` and `dtype`, which belong to the place of the layer in a model.
pub type Config = Map<String, Value>;

/// Reading and writing a layer's configuration. `#[derive(Layer)]` implements it.
pub trait Configure {
    /// The class name, as Keras knows it: `Conv2D`.
    fn class_name(&self) -> &'static str;

    /// The configuration.
    fn config(&self) -> Config;

    /// The options of a call that it has (`use_causal_mask`), `false` or 0 where they are off. A file has them in the call, not in
    /// the configuration.
    #[doc(hidden)]
    fn call_config(&self) -> Config {
        Config::new()
    }

    /// Where the class comes from: a module of Keras (`keras.src.ops.numpy`), or the path of a Rust module, which
    /// `#[derive(Layer)]` puts in.
    fn module(&self) -> &'static str {
        "keras.layers"
    }

    /// How a call of it is written where that is more than its tensors one after the other: positional arguments and named
    /// ones.
    #[doc(hidden)]
    fn arguments(&self, _tensors: &[Value]) -> Option<(Value, Config)> {
        None
    }
}

/// Making a layer, loss, metric, optimizer or schedule from its configuration, so that it can be registered ([`Registry`]).
/// `#[derive(Layer)]`, `#[loss]` and `#[metric]` implement it.
pub trait FromConfig: Sized {
    /// The name of the class (of the function), as files have it.
    const CLASS_NAME: &'static str;

    /// What this configuration describes. Missing keys take their default; of a layer, keys that its own configuration lacks are
    /// refused by who asks. The registry knows what may be inside it: other layers, functions of one's own.
    ///
    /// # Errors
    /// If a value cannot be honoured.
    fn from_config(config: &Config, registry: &Registry) -> Result<Self>;
}

/// What is the same for all layers during one pass.
pub struct Context<'a> {
    /// Runs the kernels.
    pub device: &'a Device,
    /// Whether this is a training step: dropout drops, batch normalization uses the batch.
    pub training: bool,
    /// The seed of the model.
    pub seed: u64,
    /// The number of the step, so that every step draws other numbers.
    pub step: u32,
}

/// One call of a layer with every buffer placed. The order of each list is that of the plan.
///
/// Float buffers have the model's float type; shapes are full, batch first.
#[derive(Default)]
pub struct Call {
    /// Number of this call in its graph: the stream of its random numbers.
    pub id: u32,
    /// Whether the layer's weights are trained (`trainable = false` otherwise).
    pub trainable: bool,
    /// Values it gets.
    pub inputs: Vec<View>,
    /// Values it yields.
    pub outputs: Vec<View>,
    /// Trainable weights.
    pub weights: Vec<View>,
    /// State variables, which a training pass may update.
    pub state: Vec<View>,
    /// Packed forms of the weights; filled by [`Layer::pack`].
    pub packed: Vec<View>,
    /// Filled by forward for backward. When no backward follows they lie in scratch memory.
    pub saved: Vec<View>,
    /// For forward alone.
    pub scratch: Vec<View>,
    /// For backward alone.
    pub backward_scratch: Vec<View>,
    /// Masks of the inputs: bool, `[batch, steps]`.
    pub input_masks: Vec<Option<View>>,
    /// Where a layer with [`crate::plan::MaskRule::Compute`] writes its mask.
    pub output_mask: Option<View>,
    /// Gradients of the outputs.
    pub output_grads: Vec<View>,
    /// Where gradients of the inputs go; `None` where nobody needs one.
    pub input_grads: Vec<Option<Grad>>,
    /// Where gradients of the weights go; `None` where the weight is not trained.
    pub weight_grads: Vec<Option<Grad>>,
    /// What it does for the calls after it, in inference; a layer that takes an ending ends with [`Call::epilogue`].
    pub ending: Ending,
    /// Zeros in front of each spatial dimension of its input that are not there, in inference; see [`Fuses::frame`].
    pub frame: [usize; MAX_SPATIAL],
    /// Calls of the layers inside a wrapper ([`Layer::inner_calls`]).
    pub inner: Vec<Call>,
    /// Elementwise programs, recorded when the buffers were placed ([`Layer::programs`]).
    pub programs: Vec<Option<Recorded>>,
}

/// An elementwise program with one result.
#[derive(Debug)]
pub struct Recorded {
    instrs: Vec<Instr>,
    output: [Number; 1],
}

impl Recorded {
    /// The program that yields this value.
    pub fn new(instrs: &[Instr], output: Number) -> Recorded {
        Recorded { instrs: instrs.to_vec(), output: [output] }
    }

    /// The program.
    pub fn program(&self) -> Program<'_> {
        Program { instrs: &self.instrs, outputs: &self.output }
    }
}

impl Call {
    /// The same buffers, before a layer made something of them.
    pub(crate) fn buffers(&self) -> Call {
        Call {
            id: self.id,
            trainable: self.trainable,
            inputs: self.inputs.clone(),
            outputs: self.outputs.clone(),
            weights: self.weights.clone(),
            state: self.state.clone(),
            packed: self.packed.clone(),
            saved: self.saved.clone(),
            scratch: self.scratch.clone(),
            backward_scratch: self.backward_scratch.clone(),
            input_masks: self.input_masks.clone(),
            output_mask: self.output_mask,
            output_grads: self.output_grads.clone(),
            input_grads: self.input_grads.clone(),
            weight_grads: self.weight_grads.clone(),
            ending: self.ending,
            frame: self.frame,
            inner: Vec::new(),
            programs: Vec::new(),
        }
    }

    /// The call with what its layer makes once its buffers are placed.
    pub(crate) fn placed(mut self, layer: &(impl Layer + ?Sized)) -> Call {
        self.inner = layer.inner_calls(&self);
        self.programs = layer.programs(&self);
        self
    }

    /// How its sums end: the bias, its own activation, and what the calls after it do.
    pub fn epilogue(&self, bias: Option<View>, own: Activation) -> Epilogue {
        self.ending.epilogue(bias, own)
    }

    /// Samples in the batch.
    pub fn batch(&self) -> usize {
        self.outputs[0].shape().dim(0)
    }

    /// This call's random numbers in this step; `use_` tells several draws of one call apart (below 16).
    pub fn stream(&self, cx: &Context<'_>, use_: u32) -> Stream {
        Stream { seed: cx.seed, id: self.id * 16 + use_, step: cx.step }
    }
}

/// A layer: a plan, a forward pass and its gradient.
///
/// Object safe: models in source and run-time graphs run the same layers. A layer also has an inherent
/// `const fn plan(&self, inputs: &[Spec]) -> PlanResult`, which const evaluation calls; [`Layer::plan_for`] calls it at
/// run time. Forward and backward allocate nothing and read no clock; all they need was planned.
///
/// Own layers are written with `#[derive(Layer)]` and `#[call]`, which implement this trait.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a layer",
    label = "expected a layer or a model",
    note = "a layer is a struct with `#[derive(Layer)]` and an `impl` block with `#[call]`"
)]
pub trait Layer: Configure + Send + Sync {
    /// The plan for inputs of these specs.
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult;

    /// Computes the outputs from the inputs.
    fn forward(&self, cx: &Context<'_>, call: &Call);

    /// Computes the gradients that `call` asks for, honouring each [`Grad`]'s mode.
    fn backward(&self, cx: &Context<'_>, call: &Call);

    /// Makes the packed forms of the weights. Called after weights changed and before the next forward.
    fn pack(&self, _cx: &Context<'_>, _call: &Call) {}

    /// What it does in inference to inputs of these specs, as far as the pass of the call before it can do that too.
    fn role(&self, _inputs: &[Spec]) -> Role {
        Role::Alone
    }

    /// What its pass can do for the calls around it.
    fn takes(&self, _inputs: &[Spec]) -> Fuses {
        Fuses::default()
    }

    /// Composes what it does to each channel in inference with `x * scale + shift`, which comes before it. Called after weights or state
    /// changed, of a layer that takes an ending, for its bias, and of one whose role is [`Role::Affine`].
    fn compose(&self, _cx: &Context<'_>, _call: &Call, _scale: View, _shift: View) {}

    /// Fills a weight that no [`crate::Initializer`] describes; returns whether it did.
    fn initialize(&self, _weight: &WeightSpec, _stream: Stream, _values: &mut [f64]) -> bool {
        false
    }

    /// The calls of layers inside it, whose buffers lie in those of `call`. Made once, when the buffers are placed, so that a
    /// wrapper's forward and backward find them in [`Call::inner`].
    fn inner_calls(&self, _call: &Call) -> Vec<Call> {
        Vec::new()
    }

    /// Elementwise programs that depend on the call: its types, masks, and which gradients it is asked for. Made once, when the
    /// buffers are placed, so that forward and backward find them in [`Call::programs`].
    fn programs(&self, _call: &Call) -> Vec<Option<Recorded>> {
        Vec::new()
    }

    /// A penalty on its outputs that is the layer's own; a member's `activity_regularizer` comes before it.
    fn activity_regularizer(&self) -> Option<Regularizer> {
        None
    }

    /// Whether it can honour masks of these shapes (of samples), one for each input.
    ///
    /// Masks travel beside the values of a graph, where a plan does not see them: this is asked when a network is made.
    ///
    /// # Errors
    /// What is wrong with them.
    fn check_masks(&self, _inputs: &[Spec], _masks: &[Option<Shape>]) -> Result<(), Message> {
        Ok(())
    }

    /// Runs call `at` forward and returns the number of the next one. A model that is used as a layer runs its own calls.
    #[doc(hidden)]
    fn run_forward(&self, run: &Run<'_>, at: usize) -> usize {
        run.leaf_forward(self, at)
    }

    /// Runs the call before `at` backward and returns its number.
    #[doc(hidden)]
    fn run_backward(&self, run: &Run<'_>, at: usize) -> usize {
        run.leaf_backward(self, at)
    }

    /// Values that do not depend on the input's numbers: skipped by gradient checks and by training.
    fn differentiable(&self) -> bool {
        true
    }
}

// A layer that was made at run time inside a wrapper.
impl Configure for Arc<dyn Layer> {
    fn class_name(&self) -> &'static str {
        (**self).class_name()
    }

    fn config(&self) -> Config {
        (**self).config()
    }

    fn call_config(&self) -> Config {
        (**self).call_config()
    }

    fn module(&self) -> &'static str {
        (**self).module()
    }

    fn arguments(&self, tensors: &[Value]) -> Option<(Value, Config)> {
        (**self).arguments(tensors)
    }
}

impl Layer for Arc<dyn Layer> {
    fn plan_for(&self, inputs: &[Spec]) -> PlanResult {
        (**self).plan_for(inputs)
    }

    fn forward(&self, cx: &Context<'_>, call: &Call) {
        (**self).forward(cx, call);
    }

    fn backward(&self, cx: &Context<'_>, call: &Call) {
        (**self).backward(cx, call);
    }

    fn pack(&self, cx: &Context<'_>, call: &Call) {
        (**self).pack(cx, call);
    }

    fn role(&self, inputs: &[Spec]) -> Role {
        (**self).role(inputs)
    }

    fn takes(&self, inputs: &[Spec]) -> Fuses {
        (**self).takes(inputs)
    }

    fn compose(&self, cx: &Context<'_>, call: &Call, scale: View, shift: View) {
        (**self).compose(cx, call, scale, shift);
    }

    fn initialize(&self, weight: &WeightSpec, stream: Stream, values: &mut [f64]) -> bool {
        (**self).initialize(weight, stream, values)
    }

    fn inner_calls(&self, call: &Call) -> Vec<Call> {
        (**self).inner_calls(call)
    }

    fn programs(&self, call: &Call) -> Vec<Option<Recorded>> {
        (**self).programs(call)
    }

    fn activity_regularizer(&self) -> Option<Regularizer> {
        (**self).activity_regularizer()
    }

    fn check_masks(&self, inputs: &[Spec], masks: &[Option<Shape>]) -> Result<(), Message> {
        (**self).check_masks(inputs, masks)
    }

    fn differentiable(&self) -> bool {
        (**self).differentiable()
    }
}

/// A weight in a layer's struct: it takes no space there, its numbers live in the network.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Weight(());

impl Weight {
    /// What `#[derive(Layer)]` puts into the field.
    #[doc(hidden)]
    pub const MARKER: Weight = Weight(());
}
