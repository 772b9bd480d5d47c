//! The layers that can run in both directions.

use crate::layer::{FromConfig, Layer};
use crate::layers::rnn::{GRU, LSTM, SimpleRNN};

/// A recurrent layer that [`Bidirectional`](crate::layers::Bidirectional) can run in both directions.
#[diagnostic::on_unimplemented(
    message = "`Bidirectional` cannot run `{Self}` in both directions",
    label = "expected a recurrent layer: `SimpleRNN`, `LSTM` or `GRU`"
)]
pub trait Recurrent: Layer + FromConfig + Clone {
    /// The same layer, taking its steps in this direction.
    fn directed(&self, go_backwards: bool, zero_output_for_mask: bool) -> Self;
    /// Whether it goes backwards.
    fn goes_backwards(&self) -> bool;
    /// Whether it yields the outputs of all steps.
    fn returns_sequences(&self) -> bool;
    /// How many initial states it takes as inputs.
    fn initial_states(&self) -> usize;
}

macro_rules! recurrent {
    ($($layer:ty),*) => { $(
        impl Recurrent for $layer {
            fn directed(&self, go_backwards: bool, zero_output_for_mask: bool) -> Self {
                (*self).go_backwards(go_backwards).zero_output_for_mask(zero_output_for_mask)
            }
            fn goes_backwards(&self) -> bool {
                self.go_backwards
            }
            fn returns_sequences(&self) -> bool {
                self.return_sequences
            }
            fn initial_states(&self) -> usize {
                self.initial_state_inputs
            }
        }
    )* };
}
recurrent!(GRU, LSTM, SimpleRNN);
