use keras::prelude::*;

model! {
    Net(x: [20, 8]) -> [16] { let (y, _state) = LSTM(16, return_state = true)(x); y }
}

fn main() {}
