use keras::prelude::*;

model! {
    Net(x: [20, 8], h: [16], c: [12]) -> [16] { LSTM(16)(x, initial_state = (h, c)) }
}

fn main() {}
