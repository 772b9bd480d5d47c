//! The engine: graphs, their memory, and running them.
//!
//! Two front ends, one engine: `model!` writes a [`GraphSpec`] of consts, a file or a builder makes a [`Definition`]
//! directly; both become a [`Network`], which places every buffer once for each batch size and shape ([`Program`]) and then
//! only calls layers.

mod buffer;
mod definition;
mod flat;
mod form;
mod fusion;
mod masking;
mod masks;
pub mod memory;
mod network;
mod plans;
mod program;
mod role;
mod run;
mod spec;
mod steps;
mod variables;

pub use definition::{Body, Definition, Handle, Input, Member, Node, Output, shared_plan};
pub use flat::{Flat, FlatNode, Leaf};
pub use form::Structure;
pub use network::{Network, walk_backward, walk_forward};
pub use plans::KEPT_PLANS;
pub use program::Program;
pub use role::{Ending, Fuses, Role, rectifies};
pub use run::Run;
pub(crate) use run::copy;
pub use spec::{GraphSpec, InputSpec, LayerSpec, NodeSpec, OutputSpec, Source};
pub use variables::{Kind, Variable};
