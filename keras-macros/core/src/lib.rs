//! The compiler front end of Keras for Rust, as an ordinary library: it is unit-tested, and the command line uses it too.
//!
//! Each macro is a folder whose files are its stages.

pub mod call;
mod errors;
pub mod import;
pub mod layer;
pub mod model;
mod naming;
mod similar;
mod spans;
