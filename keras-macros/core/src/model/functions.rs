//! The functions of a body: lower-case names for layers without weights.

/// What a function stands for.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub enum Function {
    /// A layer of `keras::layers`.
    Layer(&'static str),
    /// An activation; with options it is the activation layer of the second name.
    Activation(&'static str, Option<&'static str>),
}

const LAYERS: &[(&str, &str)] = &[
    ("add", "Add"),
    ("average", "Average"),
    ("concat", "Concatenate"),
    ("concatenate", "Concatenate"),
    ("dot", "Dot"),
    ("dropout", "Dropout"),
    ("flatten", "Flatten"),
    ("maximum", "Maximum"),
    ("minimum", "Minimum"),
    ("multiply", "Multiply"),
    ("permute", "Permute"),
    ("reshape", "Reshape"),
    ("subtract", "Subtract"),
];

/// What the constructors of those that have any take by position. The others join values alone.
const PARAMETERS: &[(&str, &str)] =
    &[("dot", "axes"), ("dropout", "rate"), ("permute", "dims"), ("reshape", "target_shape")];

const ACTIVATIONS: &[&str] = &[
    "celu",
    "elu",
    "exponential",
    "gelu",
    "glu",
    "hard_shrink",
    "hard_sigmoid",
    "hard_silu",
    "hard_swish",
    "hard_tanh",
    "leaky_relu",
    "linear",
    "log_sigmoid",
    "log_softmax",
    "mish",
    "relu",
    "relu6",
    "selu",
    "sigmoid",
    "silu",
    "soft_shrink",
    "softmax",
    "softplus",
    "softsign",
    "sparse_plus",
    "sparse_sigmoid",
    "sparsemax",
    "squareplus",
    "swish",
    "tanh",
    "tanh_shrink",
];

const WITH_OPTIONS: &[(&str, &str)] =
    &[("elu", "ELU"), ("leaky_relu", "LeakyReLU"), ("relu", "ReLU"), ("softmax", "Softmax")];

/// Words that are values of options, so that a variable may hold one.
const WORDS: &[&str] = &["causal", "same", "valid"];

fn find(table: &[(&str, &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(key, _)| *key == name).map(|(_, class)| *class)
}

/// The function of this name.
pub fn function(name: &str) -> Option<Function> {
    if let Some(class) = find(LAYERS, name) {
        return Some(Function::Layer(class));
    }
    let word = ACTIVATIONS.iter().find(|word| **word == name)?;
    Some(Function::Activation(word, find(WITH_OPTIONS, name)))
}

/// The name of what a function takes by position besides values: `axes` of `dot`.
pub fn parameter(name: &str) -> Option<&'static str> {
    find(PARAMETERS, name)
}

/// Whether this is the value of an option: `relu`, `same`.
pub fn is_word(name: &str) -> bool {
    ACTIVATIONS.contains(&name) || WORDS.contains(&name)
}

/// All names.
pub fn names() -> impl Iterator<Item = &'static str> {
    LAYERS.iter().map(|(name, _)| *name).chain(ACTIVATIONS.iter().copied())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_name_is_a_function() {
        assert!(names().all(|name| function(name).is_some()));
        assert_eq!(function("concat"), Some(Function::Layer("Concatenate")));
        assert_eq!(function("relu"), Some(Function::Activation("relu", Some("ReLU"))));
        assert_eq!(function("same"), None);
        assert!(is_word("same") && is_word("relu") && !is_word("concat"));
    }
}
