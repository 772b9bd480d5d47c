//! The layers that source can name: their arguments as constructors take them, with defaults as `model!` writes them.
//!
//! Macros know no layer, so this table repeats what the structs of the run time say. A test holds it against them
//! (`tests/import.rs` of the package `keras`): classes, arguments, their order, and defaults.

use std::sync::OnceLock;

use super::values::Kind;

/// A class of layers.
#[derive(Debug)]
pub struct Class {
    /// Its name.
    pub name: &'static str,
    /// Arguments of its constructor.
    pub arguments: Vec<Field>,
    /// Options, with their defaults as they are written.
    pub options: Vec<(Field, &'static str)>,
}

/// An argument or option, by its key in a file.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Field {
    /// Its name.
    pub name: &'static str,
    /// What its values are.
    pub kind: Kind,
}

/// All classes. A wrapper's first argument, the layer that it wraps, is not listed.
pub fn classes() -> &'static [Class] {
    static ALL: OnceLock<Vec<Class>> = OnceLock::new();
    ALL.get_or_init(|| {
        TABLE.iter().flat_map(|(names, fields)| names.split(' ').map(|name| parse(name, fields))).collect()
    })
}

/// The class of this name.
pub fn class(name: &str) -> Option<&'static Class> {
    classes().iter().find(|class| class.name == name)
}

/// `units: int, activation: activation = linear`.
fn parse(name: &'static str, fields: &'static str) -> Class {
    let mut class = Class { name, arguments: Vec::new(), options: Vec::new() };
    for field in fields.split(", ").filter(|field| !field.is_empty()) {
        let (left, default) = match field.split_once(" = ") {
            Some((left, default)) => (left, Some(default)),
            None => (field, None),
        };
        // A name without a kind does not occur: the tests read the whole table.
        let (name, kind) = left.split_once(": ").unwrap_or((left, ""));
        let field = Field { name, kind: Kind::named(kind) };
        match default {
            Some(default) => class.options.push((field, default)),
            None => class.arguments.push(field),
        }
    }
    class
}

macro_rules! joined {
    ($($name:ident = $text:expr;)*) => { $( macro_rules! $name { () => { $text }; } )* };
}
joined! {
    kernel_and_bias = "kernel_initializer: initializer = glorot_uniform, bias_initializer: initializer = zeros, \
        kernel_regularizer: regularizer = none, bias_regularizer: regularizer = none, \
        kernel_constraint: constraint = none, bias_constraint: constraint = none";
    gamma_and_beta = "beta_regularizer: regularizer = none, gamma_regularizer: regularizer = none, \
        beta_constraint: constraint = none, gamma_constraint: constraint = none";
    recurrent = "kernel_regularizer: regularizer = none, recurrent_regularizer: regularizer = none, \
        bias_regularizer: regularizer = none, kernel_constraint: constraint = none, \
        recurrent_constraint: constraint = none, bias_constraint: constraint = none, dropout: float = 0.0, \
        recurrent_dropout: float = 0.0, seed: seed = none, return_sequences: bool = false, \
        return_state: bool = false, go_backwards: bool = false, stateful: bool = false, unroll: bool = false";
    recurrent_start = "kernel_initializer: initializer = glorot_uniform, recurrent_initializer: initializer = orthogonal, \
        bias_initializer: initializer = zeros";
}

/// Classes that take the same, and what they take.
const TABLE: &[(&str, &str)] = &[
    ("Activation", "activation: activation"),
    ("ActivityRegularization", "l1: float = 0.0, l2: float = 0.0"),
    ("Add Average Identity Maximum Minimum Multiply Subtract TimeDistributed", ""),
    ("AdditiveAttention", "use_scale: bool = true, dropout: float = 0.0, seed: seed = none"),
    ("AlphaDropout Dropout", "rate: float, noise_shape: partial_shape = none, seed: seed = none"),
    (
        "Attention",
        "use_scale: bool = false, score_mode: score_mode = ::keras::layers::ScoreMode::Dot, dropout: float = 0.0, seed: seed = none",
    ),
    (
        "AveragePooling1D AveragePooling2D AveragePooling3D MaxPooling1D MaxPooling2D MaxPooling3D",
        "pool_size: size, strides: size = none, padding: word = valid, data_format: word = channels_last",
    ),
    (
        "BatchNormalization",
        concat!(
            "axis: int = -1, momentum: float = 0.99, epsilon: float = 0.001, center: bool = true, scale: bool = true, \
             beta_initializer: initializer = zeros, gamma_initializer: initializer = ones, \
             moving_mean_initializer: initializer = zeros, moving_variance_initializer: initializer = ones, ",
            gamma_and_beta!(),
            ", renorm: bool = false, renorm_clipping: clipping = none, renorm_momentum: float = 0.99, \
             synchronized: bool = false"
        ),
    ),
    ("Bidirectional", "merge_mode: merge_mode = concat"),
    ("Concatenate", "axis: int = -1"),
    (
        "Conv1D Conv2D Conv3D",
        concat!(
            "filters: int, kernel_size: size, strides: size = 1, padding: word = valid, data_format: word = channels_last, \
             dilation_rate: size = 1, groups: int = 1, activation: activation = linear, use_bias: bool = true, ",
            kernel_and_bias!()
        ),
    ),
    (
        "Conv1DTranspose Conv2DTranspose Conv3DTranspose",
        concat!(
            "filters: int, kernel_size: size, strides: size = 1, padding: word = valid, output_padding: size = none, \
             data_format: word = channels_last, dilation_rate: size = 1, activation: activation = linear, use_bias: bool = true, ",
            kernel_and_bias!()
        ),
    ),
    ("Cropping1D", "cropping: borders"),
    ("Cropping2D Cropping3D", "cropping: borders, data_format: word = channels_last"),
    (
        "Dense",
        concat!("units: int, activation: activation = linear, use_bias: bool = true, ", kernel_and_bias!()),
    ),
    (
        "DepthwiseConv1D DepthwiseConv2D",
        "kernel_size: size, strides: size = 1, padding: word = valid, depth_multiplier: int = 1, \
         data_format: word = channels_last, dilation_rate: size = 1, activation: activation = linear, use_bias: bool = true, \
         depthwise_initializer: initializer = glorot_uniform, bias_initializer: initializer = zeros, \
         depthwise_regularizer: regularizer = none, bias_regularizer: regularizer = none, \
         depthwise_constraint: constraint = none, bias_constraint: constraint = none",
    ),
    ("Dot", "axes: axes, normalize: bool = false"),
    ("ELU", "alpha: float = 1.0"),
    (
        "EinsumDense",
        concat!(
            "equation: text, output_shape: partial_shape, activation: activation = linear, bias_axes: text = none, ",
            kernel_and_bias!()
        ),
    ),
    (
        "Embedding",
        "input_dim: int, output_dim: int, embeddings_initializer: initializer = random_uniform, \
         embeddings_regularizer: regularizer = none, embeddings_constraint: constraint = none, mask_zero: bool = false",
    ),
    ("Flatten", "data_format: word = channels_last"),
    (
        "GRU",
        concat!(
            "units: int, activation: activation = tanh, recurrent_activation: activation = sigmoid, use_bias: bool = true, ",
            recurrent_start!(),
            ", ",
            recurrent!(),
            ", reset_after: bool = true, zero_output_for_mask: bool = false"
        ),
    ),
    ("GaussianDropout", "rate: float, seed: seed = none"),
    ("GaussianNoise", "stddev: float, seed: seed = none"),
    (
        "GlobalAveragePooling1D GlobalAveragePooling2D GlobalAveragePooling3D GlobalMaxPooling1D GlobalMaxPooling2D \
         GlobalMaxPooling3D",
        "data_format: word = channels_last, keepdims: bool = false",
    ),
    (
        "GroupNormalization",
        concat!(
            "groups: int = 32, axis: int = -1, epsilon: float = 0.001, center: bool = true, scale: bool = true, \
             beta_initializer: initializer = zeros, gamma_initializer: initializer = ones, ",
            gamma_and_beta!()
        ),
    ),
    (
        "GroupQueryAttention",
        concat!(
            "head_dim: int, num_query_heads: int, num_key_value_heads: int, dropout: float = 0.0, use_bias: bool = true, \
             sliding_window: int = none, use_gate: bool = false, seed: seed = none, ",
            kernel_and_bias!()
        ),
    ),
    (
        "LSTM",
        concat!(
            "units: int, activation: activation = tanh, recurrent_activation: activation = sigmoid, use_bias: bool = true, ",
            recurrent_start!(),
            ", unit_forget_bias: bool = true, ",
            recurrent!(),
            ", zero_output_for_mask: bool = false"
        ),
    ),
    (
        "LayerNormalization",
        concat!(
            "axis: ints = [-1], epsilon: float = 0.001, center: bool = true, scale: bool = true, rms_scaling: bool = false, \
             beta_initializer: initializer = zeros, gamma_initializer: initializer = ones, ",
            gamma_and_beta!()
        ),
    ),
    ("LeakyReLU", "negative_slope: float = 0.3"),
    ("Masking", "mask_value: float = 0.0"),
    (
        "MultiHeadAttention",
        concat!(
            "num_heads: int, key_dim: int, value_dim: int = none, dropout: float = 0.0, use_bias: bool = true, \
             output_shape: ints = none, attention_axes: ints = none, sliding_window: int = none, use_gate: bool = false, \
             seed: seed = none, ",
            kernel_and_bias!()
        ),
    ),
    (
        "PReLU",
        "alpha_initializer: initializer = zeros, alpha_regularizer: regularizer = none, alpha_constraint: constraint = none, \
         shared_axes: ints = none",
    ),
    ("Permute", "dims: ints"),
    ("RMSNormalization", "axis: ints = [-1], epsilon: float = 1e-6"),
    ("ReLU", "max_value: float = none, negative_slope: float = 0.0, threshold: float = 0.0"),
    ("RepeatVector", "n: int"),
    ("Rescaling", "scale: float, offset: float = 0.0"),
    ("Reshape", "target_shape: ints"),
    (
        "SeparableConv1D SeparableConv2D",
        "filters: int, kernel_size: size, strides: size = 1, padding: word = valid, data_format: word = channels_last, \
         dilation_rate: size = 1, depth_multiplier: int = 1, activation: activation = linear, use_bias: bool = true, \
         depthwise_initializer: initializer = glorot_uniform, pointwise_initializer: initializer = glorot_uniform, \
         bias_initializer: initializer = zeros, depthwise_regularizer: regularizer = none, \
         pointwise_regularizer: regularizer = none, bias_regularizer: regularizer = none, \
         depthwise_constraint: constraint = none, pointwise_constraint: constraint = none, bias_constraint: constraint = none",
    ),
    (
        "SimpleRNN",
        concat!(
            "units: int, activation: activation = tanh, use_bias: bool = true, ",
            recurrent_start!(),
            ", ",
            recurrent!(),
            ", zero_output_for_mask: bool = false"
        ),
    ),
    ("Softmax", "axis: axes = -1"),
    ("SpatialDropout1D", "rate: float, seed: seed = none"),
    (
        "SpatialDropout2D SpatialDropout3D",
        "rate: float, data_format: word = channels_last, seed: seed = none",
    ),
    ("UnitNormalization", "axis: ints = [-1]"),
    ("UpSampling1D", "size: int"),
    ("UpSampling2D", "size: size, data_format: word = channels_last, interpolation: word = nearest"),
    ("UpSampling3D", "size: size, data_format: word = channels_last"),
    ("ZeroPadding1D ZeroPadding2D ZeroPadding3D", "padding: borders, data_format: word = channels_last"),
];
