use keras::prelude::*;

model! {
    Net([20, 8]) -> [8] = [Bidirectional(LSTM(4), merge_mode = summ)]
}

fn main() {}
