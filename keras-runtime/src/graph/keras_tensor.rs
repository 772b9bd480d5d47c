//! Symbolic tensors: a Functional model is written by calling layers on them.

use std::ops::{Add, Div, Mul, Neg, Sub};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use keras_kernels::DType;
use serde_json::{Value, json};

use super::Slot;
use crate::layer::{Config, Layer};
use crate::operations::arguments::tensor_at;
use crate::operations::{self, Arguments};
use crate::plan::{Message, Spec};
use crate::{Error, Regularizer, Result};

/// Layers and inputs are listed in the order in which they were made, as in Keras.
static NEXT: AtomicU64 = AtomicU64::new(0);

fn next() -> u64 {
    NEXT.fetch_add(1, Ordering::Relaxed)
}

/// An input of a Functional model.
///
/// ```
/// use keras_runtime::graph::Input;
///
/// let image = Input::new([28, 28, 1]).name("image").tensor();
/// let words = Input::new([None]).dtype(keras_runtime::DType::I32).tensor();
/// ```
#[derive(Clone, Debug)]
pub struct Input {
    pub(super) slot: Slot,
    named: bool,
}

/// A dimension of an input: a number, or `None` where the data decides.
pub trait Dimension: Copy {
    /// The number, if it is known.
    fn known(self) -> Option<usize>;
}

impl Dimension for usize {
    fn known(self) -> Option<usize> {
        Some(self)
    }
}

impl Dimension for Option<usize> {
    fn known(self) -> Option<usize> {
        self
    }
}

impl Input {
    /// Samples of these dimensions: numbers, or `Option`s with `None` for what data decides.
    pub fn new<D: Dimension, const N: usize>(dims: [D; N]) -> Input {
        Input::of(dims.into_iter().map(Dimension::known).collect())
    }

    /// As [`Input::new`], for a number of dimensions that is known at run time.
    pub fn of(dims: Vec<Option<usize>>) -> Input {
        let slot = Slot { name: "input_layer".into(), dims, dtype: DType::F32 };
        Input { slot, named: false }
    }

    /// Its name (`input_layer`, `input_layer_1`, ...).
    #[must_use]
    pub fn name(mut self, name: impl Into<String>) -> Input {
        self.slot.name = name.into();
        self.named = true;
        self
    }

    /// Its element type (float).
    #[must_use]
    pub fn dtype(mut self, dtype: DType) -> Input {
        self.slot.dtype = dtype;
        self
    }

    /// The tensor that it is.
    pub fn tensor(self) -> KerasTensor {
        let specs = self.slot.spec().map(|spec| vec![spec]);
        let Input { slot, named } = self;
        let origin = Origin::Input { slot, named };
        KerasTensor { node: Arc::new(Node { id: next(), origin, specs: Ok(specs) }), output: 0 }
    }
}

/// A layer of a run-time model with its name; calls of the same one share its weights.
///
/// ```
/// use keras_runtime::graph::{Input, Shared};
/// use keras_runtime::layers::Dense;
///
/// let encoder = Shared::new(Dense::new(16)).name("encoder");
/// let (user, item) = (Input::new([32]).tensor(), Input::new([32]).tensor());
/// let (user, item) = (encoder.on(&user)?, encoder.on(&item)?);
/// # Ok::<(), keras_runtime::Error>(())
/// ```
#[derive(Clone)]
pub struct Shared(Arc<Member>);

pub(super) struct Member {
    pub id: u64,
    pub name: Option<String>,
    pub layer: Arc<dyn Layer>,
    pub trainable: bool,
    pub activity_regularizer: Option<Regularizer>,
    pub operation: bool,
}

impl Shared {
    /// A layer under its class's name (`dense`, `dense_1`, ...).
    pub fn new(layer: impl Layer + 'static) -> Shared {
        Shared::of(Arc::new(layer), false)
    }

    fn of(layer: Arc<dyn Layer>, operation: bool) -> Shared {
        let (name, trainable, activity_regularizer) = (None, true, None);
        Shared(Arc::new(Member { id: next(), name, layer, trainable, activity_regularizer, operation }))
    }

    fn with(self, change: impl FnOnce(&mut Member)) -> Shared {
        let Member { id, name, layer, trainable, activity_regularizer, operation } = &*self.0;
        let (name, layer) = (name.clone(), Arc::clone(layer));
        let (id, trainable, operation) = (*id, *trainable, *operation);
        let activity_regularizer = *activity_regularizer;
        let mut member = Member { id, name, layer, trainable, activity_regularizer, operation };
        change(&mut member);
        Shared(Arc::new(member))
    }

    /// Its name. Set it before the first call.
    #[must_use]
    pub fn name(self, name: impl Into<String>) -> Shared {
        self.with(|member| member.name = Some(name.into()))
    }

    /// Whether its weights are trained (true). Set it before the first call.
    #[must_use]
    pub fn trainable(self, trainable: bool) -> Shared {
        self.with(|member| member.trainable = trainable)
    }

    /// A penalty on what it yields (none). Set it before the first call.
    #[must_use]
    pub fn activity_regularizer(self, regularizer: Regularizer) -> Shared {
        self.with(|member| member.activity_regularizer = Some(regularizer))
    }

    pub(super) fn member(&self) -> &Arc<Member> {
        &self.0
    }

    /// Calls it; its first result.
    ///
    /// # Errors
    /// If it cannot take these tensors.
    pub fn on<'a>(&self, inputs: impl IntoTensors<'a>) -> Result<KerasTensor> {
        let node = Arc::new(self.call(inputs.tensors())?);
        Ok(KerasTensor { node, output: 0 })
    }

    /// Calls it; all its results.
    ///
    /// # Errors
    /// If it cannot take these tensors, or it is not known yet how many results there are: a dimension is open.
    pub fn all_on<'a>(&self, inputs: impl IntoTensors<'a>) -> Result<Vec<KerasTensor>> {
        let node = Arc::new(self.call(inputs.tensors())?);
        let Ok(Some(specs)) = &node.specs else {
            let message = "how many results it has is not known while a dimension of the inputs is open";
            return Err(Error::Argument(format!("{}: {message}", self.0.layer.class_name())));
        };
        Ok((0..specs.len()).map(|output| KerasTensor { node: Arc::clone(&node), output }).collect())
    }

    fn call(&self, inputs: Vec<KerasTensor>) -> Result<Node> {
        let specs = match self.plan(&inputs) {
            Ok(specs) => Ok(specs),
            Err(error) if self.0.operation => Err(error.to_string()),
            Err(error) => return Err(error),
        };
        Ok(Node { id: next(), origin: Origin::Call { of: self.clone(), inputs }, specs })
    }

    /// What it yields, where the dimensions are known.
    fn plan(&self, inputs: &[KerasTensor]) -> Result<Option<Vec<Spec>>> {
        let mut specs = Vec::with_capacity(inputs.len());
        for input in inputs {
            match input.spec()? {
                Some(spec) => specs.push(spec),
                None => return Ok(None),
            }
        }
        let plan = self.0.layer.plan_for(&specs).map_err(|message| self.error(message))?;
        Ok(Some(plan.outputs.as_slice().to_vec()))
    }

    fn error(&self, message: Message) -> Error {
        let class = self.0.layer.class_name().to_string();
        let layer = self.0.name.clone().unwrap_or_else(|| crate::saving::snake_case(&class));
        Error::Plan { layer, class, message }
    }
}

/// Calling a layer on symbolic tensors: `Dense::new(64).on(&x)?`.
pub trait On: Layer + Sized + 'static {
    /// Calls it; its first result. [`Shared`] calls a layer more than once, gives it a name, or yields all results.
    ///
    /// # Errors
    /// If it cannot take these tensors.
    fn on<'a>(self, inputs: impl IntoTensors<'a>) -> Result<KerasTensor> {
        Shared::new(self).on(inputs)
    }
}

impl<L: Layer + Sized + 'static> On for L {}

/// One tensor, or an array or slice of them.
pub trait IntoTensors<'a> {
    /// The tensors.
    fn tensors(self) -> Vec<KerasTensor>;
}

impl<'a> IntoTensors<'a> for &'a KerasTensor {
    fn tensors(self) -> Vec<KerasTensor> {
        vec![self.clone()]
    }
}

impl<'a, const N: usize> IntoTensors<'a> for [&'a KerasTensor; N] {
    fn tensors(self) -> Vec<KerasTensor> {
        self.into_iter().cloned().collect()
    }
}

impl<'a> IntoTensors<'a> for &'a [KerasTensor] {
    fn tensors(self) -> Vec<KerasTensor> {
        self.to_vec()
    }
}

/// A value of a model that is being written: it has a shape, and no numbers.
///
/// Layers are called on it (`layer.on(&x)?`), and `+`, `-`, `*`, `/` work with other tensors and with numbers.
#[derive(Clone)]
pub struct KerasTensor {
    pub(super) node: Arc<Node>,
    pub(super) output: usize,
}

pub(super) struct Node {
    pub id: u64,
    pub origin: Origin,
    /// What it yields, where dimensions are known; or why an operator fails, which the next call tells.
    pub specs: std::result::Result<Option<Vec<Spec>>, String>,
}

pub(super) enum Origin {
    Input {
        slot: Slot,
        named: bool,
    },
    Call {
        of: Shared,
        inputs: Vec<KerasTensor>,
    },
    /// An operator that could not be made.
    Broken,
}

impl KerasTensor {
    /// Shape of a sample and element type; `None` while a dimension is open.
    ///
    /// # Errors
    /// If an operator before it was given tensors that do not fit.
    pub fn spec(&self) -> Result<Option<Spec>> {
        match &self.node.specs {
            Ok(Some(specs)) => Ok(specs.get(self.output).copied()),
            Ok(None) => Ok(None),
            Err(message) => Err(Error::Argument(message.clone())),
        }
    }

    /// An operation of `keras.ops.numpy` without options. Its error, if there is one, is told by the next call.
    fn operation(class: &str, args: Vec<Value>, inputs: Vec<KerasTensor>) -> KerasTensor {
        let operation =
            operations::parse(class, "keras.src.ops.numpy", &Config::new(), Arguments::positional(args));
        let node = operation.and_then(|operation| Shared::of(Arc::new(operation), true).call(inputs));
        let broken =
            |error: Error| Node { id: next(), origin: Origin::Broken, specs: Err(error.to_string()) };
        KerasTensor { node: Arc::new(node.unwrap_or_else(broken)), output: 0 }
    }
}

impl std::fmt::Debug for KerasTensor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.spec() {
            Ok(Some(spec)) => write!(f, "KerasTensor({:?})", spec.shape()),
            Ok(None) => f.write_str("KerasTensor(?)"),
            Err(error) => write!(f, "KerasTensor({error})"),
        }
    }
}

macro_rules! operators {
    ($($trait:ident $method:ident $class:literal);*) => { $(
        impl $trait<&KerasTensor> for &KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: &KerasTensor) -> KerasTensor {
                let args = vec![tensor_at(0), tensor_at(1)];
                KerasTensor::operation($class, args, vec![self.clone(), other.clone()])
            }
        }
        impl $trait<KerasTensor> for KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: KerasTensor) -> KerasTensor {
                (&self).$method(&other)
            }
        }
        impl $trait<&KerasTensor> for KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: &KerasTensor) -> KerasTensor {
                (&self).$method(other)
            }
        }
        impl $trait<KerasTensor> for &KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: KerasTensor) -> KerasTensor {
                self.$method(&other)
            }
        }
        impl $trait<f64> for &KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: f64) -> KerasTensor {
                KerasTensor::operation($class, vec![tensor_at(0), json!(other)], vec![self.clone()])
            }
        }
        impl $trait<f64> for KerasTensor {
            type Output = KerasTensor;
            fn $method(self, other: f64) -> KerasTensor {
                (&self).$method(other)
            }
        }
        impl $trait<&KerasTensor> for f64 {
            type Output = KerasTensor;
            fn $method(self, other: &KerasTensor) -> KerasTensor {
                KerasTensor::operation($class, vec![json!(self), tensor_at(0)], vec![other.clone()])
            }
        }
    )* };
}
operators! {
    Add add "Add";
    Sub sub "Subtract";
    Mul mul "Multiply";
    Div div "TrueDivide"
}

impl Neg for &KerasTensor {
    type Output = KerasTensor;
    fn neg(self) -> KerasTensor {
        KerasTensor::operation("Negative", vec![tensor_at(0)], vec![self.clone()])
    }
}

impl Neg for KerasTensor {
    type Output = KerasTensor;
    fn neg(self) -> KerasTensor {
        -&self
    }
}
