//! Models at run time: what a file describes ([`Blueprint`]), bound to the shapes of data, and run by the same engine
//! as models in source.

mod bind;
mod casting;
pub(crate) mod compile;
mod files;
mod functional;
mod keras_tensor;
mod loaded;
mod masks;
mod nodes;
mod parse;
mod predict;
mod predict_function;
mod sequential;
mod training;

use std::sync::Arc;

use keras_kernels::DType;

use crate::engine::{Handle, Source};
use crate::layer::Layer;
use crate::{Policy, Regularizer};

pub use files::{load_model, model_from_json, model_from_yaml};
pub use functional::Functional;
pub use keras_tensor::{Dimension, Input, IntoTensors, KerasTensor, On, Shared};
pub use loaded::LoadedModel;
pub use parse::parse;
pub use predict_function::PredictFunction;
pub use sequential::Sequential;
pub use training::{LossList, Prepared, TrainingBatch};

/// A model as its configuration describes it. Dimensions may be unknown until data comes.
#[derive(Clone)]
pub struct Blueprint {
    /// Its name.
    pub name: String,
    /// Whether it is a plain list of layers.
    pub sequential: bool,
    /// Whether it is applied to every step of a sequence alone: the model of a `TimeDistributed`.
    pub each_step: bool,
    /// Whether its weights are trained.
    pub trainable: bool,
    /// Inputs, in the order in which data is given. A Sequential model that was never built has none.
    pub inputs: Vec<Slot>,
    /// Layers, models and operations, in Keras' order.
    pub parts: Vec<Part>,
    /// Calls of parts, in an order in which they can be computed.
    pub calls: Vec<PartCall>,
    /// Names of the outputs (of the operations that yield them, so not always distinct), and which values they are.
    pub outputs: Vec<(String, Source)>,
    /// Names that data is given by where the model takes a dict.
    pub input_keys: Option<Vec<String>>,
    /// Names of the outputs where the model yields a dict.
    pub output_keys: Option<Vec<String>>,
    /// The float type that its layers were made for.
    pub float: DType,
}

/// An input of a model.
#[derive(Clone, Debug, PartialEq)]
pub struct Slot {
    /// Its name.
    pub name: String,
    /// Dimensions of a sample; `None` for one that data decides.
    pub dims: Vec<Option<usize>>,
    /// Element type.
    pub dtype: DType,
}

/// A layer, model or operation in a model.
#[derive(Clone)]
pub struct Part {
    /// Its name.
    pub name: String,
    /// What it is.
    pub kind: PartKind,
    /// Whether its weights are trained.
    pub trainable: bool,
    /// Penalty on its outputs.
    pub activity_regularizer: Option<Regularizer>,
    /// In which types its numbers are.
    pub policy: Policy,
}

/// What a part is.
#[derive(Clone)]
pub enum PartKind {
    /// A layer.
    Layer(Arc<dyn Layer>),
    /// A model inside the model.
    Model(Arc<Blueprint>),
    /// An operation (`x * 2`): it has no entry among the weights. Each call has a layer of its own.
    Operation,
}

/// A call of a part.
#[derive(Clone)]
pub struct PartCall {
    /// Which part.
    pub part: usize,
    /// The layer with options that this call alone has; always there for an operation.
    pub layer: Option<Handle>,
    /// What it is called on.
    pub inputs: Vec<Source>,
    /// Masks that the call names for its inputs. Empty where it names none.
    pub masks: Vec<Option<Source>>,
}
