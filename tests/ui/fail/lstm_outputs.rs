use keras::prelude::*;

model! {
    Net(x: [20, 8]) -> [16] { LSTM(16, return_state = true)(x) }
}

fn main() {}
