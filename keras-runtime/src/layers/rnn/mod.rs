//! Recurrent layers and wrappers: <https://keras.io/api/layers/recurrent_layers/>.

mod gru;
mod lstm;
mod sequence;
mod simple_rnn;

pub use gru::GRU;
pub use lstm::LSTM;
pub use simple_rnn::SimpleRNN;
