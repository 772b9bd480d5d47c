use keras::prelude::*;

model! {
    Net([i32; 20]) -> [2] = [Embedding(100, 8), LSTM(16, return_sequences = true), Dense(2)]
}

fn main() {}
