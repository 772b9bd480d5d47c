use keras::prelude::*;

model! {
    Net([20, 8]) -> [20, 4] = [TimeDistributed(Dense(4, use_bais = false))]
}

fn main() {}
