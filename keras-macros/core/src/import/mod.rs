//! Files of Keras as source: a `.keras` file, or an architecture in JSON, becomes the text of `model!`.
//!
//! `model! { pub Net(..) -> .. = "net.keras" }` lowers the very text that `keras import net.keras` prints: there is one way from
//! a file to a model in source.
//!
//! The stages: [`file`] takes a file's JSON out of it, [`read`] turns the JSON into a [`model::Model`] of layers and calls (with
//! [`layers`] for the classes, [`values`] for their options, [`calls`] for arguments, [`operations`] for `x * 2`), and [`print`] writes
//! it, with [`body`]. A file is untrusted: sizes are bounded, nothing panics.

mod body;
mod calls;
mod file;
mod layers;
mod model;
mod operations;
mod own;
mod print;
mod read;
mod values;

pub use calls::signature as call_arguments;
pub use file::{Content, open};
pub use layers::{Class, Field, class, classes};
pub use model::{Input, Model, Shape, Shapes};
pub use print::{Printed, is_type_name, variable};
pub use read::read;
pub use values::Kind;

/// What is wrong with a file, without its name.
pub type Result<T, E = String> = std::result::Result<T, E>;
