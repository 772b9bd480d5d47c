use keras::prelude::*;

model! {
    Net([20, 8]) -> [8] = [Bidirectional(LSTM(4), backward_layer = GRU(3, go_backwards = true), merge_mode = sum)]
}

fn main() {}
