//! Procedural macros of Keras for Rust. Thin entry points: the work is done by `keras-macros-core`, an ordinary library.

use keras_macros_core::call::{Objective, expand_objective};
use proc_macro::TokenStream;

/// Declares a model: a type whose layers, shapes, memory and gradients are worked out at compile time.
#[proc_macro]
pub fn model(input: TokenStream) -> TokenStream {
    keras_macros_core::model::expand(input.into()).into()
}

/// Makes a struct a layer: constructor, options, configuration, weights and typed access to them from its fields.
///
/// * A field is configuration. Without a default it is an argument of `new`; `#[config(default = ..)]` makes it an option with a
///   setter. `key = ".."` names it in files, `skip` leaves it out of them.
/// * `#[weight([shape], init = .., regularizer = .., constraint = .., when = .., trainable = ..)]` on a field of type `Weight` makes
///   it a weight (default `init = GlorotUniform`). The shape and the options are Rust over `input` (the first input's spec) and the
///   other fields.
/// * `#[layer(class_name = "..", supports_masking)]` on the struct names it in files, and lets masks pass.
///
/// What the layer computes comes from `#[call]`, or from an `impl Layer` by hand.
#[proc_macro_derive(Layer, attributes(layer, config, weight))]
pub fn derive_layer(input: TokenStream) -> TokenStream {
    keras_macros_core::layer::expand(input.into()).into()
}

/// Implements a layer's plan, forward and backward from its `call` method.
///
/// Stands before `impl MyLayer { fn call(&self, x: Tensor, ..) -> Tensor { .. } }`, with one or more tensors on both sides. The body
/// is `let`, assignments, blocks, `if` on the layer's options, operators and the functions of `keras::ops`, which are in scope;
/// `self.name` is a weight or a number. Shapes are proved where a model uses the layer. A function without a gradient does not compile
/// where one is needed.
#[proc_macro_attribute]
pub fn call(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    keras_macros_core::call::expand(item.into()).into()
}

/// Makes a loss of a function `fn name(y_true: Tensor, y_pred: Tensor) -> Tensor` over the functions of `keras::ops`.
///
/// The function yields one number a row (what the last axis holds), or one an element, which are averaged; reductions are over the
/// last axis, `-1`, or over everything, `[]`. The gradient is derived. Numbers after the tensors (`gamma: f64`) are parameters: then
/// `name(2.0)` is the loss, otherwise `name` is. It has setters `reduction` (default `sum_over_batch_size`) and `name`, serves as a
/// metric too, and takes labels of the output's shape alone; with `#[loss(sparse)]` labels are numbers of classes, which the function
/// sees as rows of zeros and ones. Files hold its name.
#[proc_macro_attribute]
pub fn loss(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand_objective(Objective::Loss, arguments.into(), item.into()).into()
}

/// Makes a metric of a function `fn name(y_true: Tensor, y_pred: Tensor) -> Tensor` over the functions of `keras::ops`.
///
/// As `#[loss]`, but it needs no gradient: comparisons, `round` and `argmax` are values like others. The mean over all rows since the
/// epoch began is reported under the function's name. With `#[metric(sparse)]` labels are numbers of classes.
#[proc_macro_attribute]
pub fn metric(arguments: TokenStream, item: TokenStream) -> TokenStream {
    expand_objective(Objective::Metric, arguments.into(), item.into()).into()
}

/// Makes an activation of a function `fn name(x: Tensor) -> Tensor` that works element by element: a constant of its name, with its
/// gradient, that options take as `activation = name`.
#[proc_macro_attribute]
pub fn activation(_arguments: TokenStream, item: TokenStream) -> TokenStream {
    keras_macros_core::call::expand_activation(item.into()).into()
}
