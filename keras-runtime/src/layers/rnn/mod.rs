//! Recurrent layers and wrappers: <https://keras.io/api/layers/recurrent_layers/>.

mod access;
pub(crate) mod bidirectional;
mod gru;
mod lstm;
mod sequence;
mod simple_rnn;
pub(crate) mod time_distributed;

pub use bidirectional::{Bidirectional, MergeMode, Recurrent};
pub use gru::GRU;
pub use lstm::LSTM;
pub use simple_rnn::SimpleRNN;
pub use time_distributed::TimeDistributed;
