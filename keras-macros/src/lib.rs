//! Procedural macros of Keras for Rust. Thin entry points: the work is done by `keras-macros-core`, an ordinary library.

use proc_macro::TokenStream;

/// Declares a model: a type whose layers, shapes, memory and gradients are worked out at compile time.
#[proc_macro]
pub fn model(input: TokenStream) -> TokenStream {
    keras_macros_core::model::expand(input.into()).into()
}

/// Makes a struct a layer: constructor, options, configuration and weights from its fields.
#[proc_macro_derive(Layer, attributes(layer, config, weight))]
pub fn derive_layer(input: TokenStream) -> TokenStream {
    keras_macros_core::layer::expand(input.into()).into()
}

/// Implements a layer's plan, forward and backward from its `call` method.
#[proc_macro_attribute]
pub fn call(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    keras_macros_core::call::expand(item.into()).into()
}

/// Makes a loss of a function over symbolic tensors (see the doc of `keras::loss`).
#[proc_macro_attribute]
pub fn loss(arguments: TokenStream, item: TokenStream) -> TokenStream {
    use keras_macros_core::call::{Objective, expand_objective};
    expand_objective(Objective::Loss, arguments.into(), item.into()).into()
}

/// Makes a metric of a function over symbolic tensors.
#[proc_macro_attribute]
pub fn metric(arguments: TokenStream, item: TokenStream) -> TokenStream {
    use keras_macros_core::call::{Objective, expand_objective};
    expand_objective(Objective::Metric, arguments.into(), item.into()).into()
}

/// Makes an activation of a function over a symbolic tensor: a constant of the function's name, with its gradient, that options
/// take as `activation = swoosh`.
#[proc_macro_attribute]
pub fn activation(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    keras_macros_core::call::expand_activation(item.into()).into()
}
