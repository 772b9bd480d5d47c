use keras::prelude::*;

model! {
    Net([20]) -> [16] = [LSTM(16)]
}

fn main() {}
