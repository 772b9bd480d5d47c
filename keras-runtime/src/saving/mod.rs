//! Files: `.keras`, `.weights.h5` and NumPy's arrays.
//!
//! The formats are those of Keras 3; a file that is read is untrusted.

mod archive;
mod array;
pub mod atomic;
mod hdf5;
pub(crate) mod json;
mod tree;

pub use array::{Array, Stored};
pub use tree::Group;
