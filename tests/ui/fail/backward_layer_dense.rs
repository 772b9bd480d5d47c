use keras::prelude::*;

model! {
    Net([20, 8]) -> [8] = [Bidirectional(LSTM(4), backward_layer = Dense(4))]
}

fn main() {}
