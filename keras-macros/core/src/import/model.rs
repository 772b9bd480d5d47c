//! A model between a file and source: its layers as constructors, and the calls of them.

use std::collections::HashMap;

/// A model.
#[derive(Debug)]
pub struct Model {
    /// Its name in Keras.
    pub name: String,
    /// Whether it is a plain list of layers.
    pub sequential: bool,
    /// Inputs, in the order in which data is given. A Sequential model that was never built has none.
    pub inputs: Vec<Input>,
    /// Layers, models and operations, in Keras' order.
    pub parts: Vec<Part>,
    /// Calls of parts, in an order in which they can be computed.
    pub calls: Vec<Call>,
    /// Names of the outputs, and which values they are.
    pub outputs: Vec<(String, Source)>,
}

/// An input.
#[derive(Clone, Debug)]
pub struct Input {
    /// Its name.
    pub name: String,
    /// Shape of a sample.
    pub shape: Shape,
}

/// The shape of a sample as it is declared.
#[derive(Clone, Debug, PartialEq)]
pub struct Shape {
    /// Dimensions; `None` for one that data decides.
    pub dims: Vec<Option<usize>>,
    /// Element type; `None` for the float type.
    pub dtype: Option<&'static str>,
}

/// The shapes of a model's outputs where they are known, which takes the layers' own rules.
#[derive(Clone, Debug, Default)]
pub struct Shapes {
    /// Those of its outputs, in order.
    pub outputs: Vec<Shape>,
    /// Those of the models inside it, by name.
    pub models: HashMap<String, Shapes>,
}

/// A layer, model or operation in a model.
#[derive(Debug)]
pub struct Part {
    /// Its name in Keras.
    pub name: String,
    /// The name that `model!` gives it unless it is told another one, without a number.
    pub stem: String,
    /// What it is.
    pub kind: Kind,
    /// How many values a call yields.
    pub outputs: usize,
}

/// What a part is.
#[derive(Debug)]
pub enum Kind {
    /// A layer: its constructor, `Dense(64, activation = relu)`.
    Layer(String),
    /// A model inside the model, and whether its weights are trained.
    Model(Box<Model>, bool),
    /// A `TimeDistributed` around a model, and whether its weights are trained.
    Steps(Box<Model>, bool),
    /// An operation; each call has its own text.
    Operation,
}

/// A call of a part.
#[derive(Debug)]
pub struct Call {
    /// Which part.
    pub part: usize,
    /// What it is called on.
    pub inputs: Vec<Source>,
    /// How many values it yields.
    pub outputs: usize,
    /// How it is written.
    pub form: Form,
}

/// How a call is written.
#[derive(Debug)]
pub enum Form {
    /// `layer(x, y, option = value)`: what follows the first values. `initial_state = [..]` takes the values from there on.
    Layer {
        /// Options of this call alone: `use_causal_mask = true`.
        options: Vec<String>,
        /// How many of the last inputs are initial states.
        states: usize,
    },
    /// An expression in which `{0}`, `{1}` stand for the inputs, and the stem of its name.
    Operation(String, String),
}

/// A value of a model.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Source {
    /// An input.
    Input(usize),
    /// An output of a call.
    Call {
        /// Which call.
        call: usize,
        /// Which of its outputs.
        output: usize,
    },
}
