//! Attention layers: <https://keras.io/api/layers/attention_layers/>.

mod additive_attention;
mod attention;
mod band;
mod group_query_attention;
mod heads;
mod multi_head_attention;
mod projected;
mod sums;
mod weighted;

pub use additive_attention::AdditiveAttention;
pub use attention::{Attention, ScoreMode};
pub use group_query_attention::GroupQueryAttention;
pub use multi_head_attention::MultiHeadAttention;
