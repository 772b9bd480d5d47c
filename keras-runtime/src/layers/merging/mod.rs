//! Merging layers: <https://keras.io/api/layers/merging_layers/>.

mod add;
mod average;
mod concatenate;
mod dot;
mod elementwise;
mod maximum;
mod minimum;
mod multiply;
mod subtract;

pub use add::Add;
pub use average::Average;
pub use concatenate::Concatenate;
pub use dot::Dot;
pub use maximum::Maximum;
pub use minimum::Minimum;
pub use multiply::Multiply;
pub use subtract::Subtract;
