use keras::prelude::*;

model! {
    Net([20, 8]) -> [20, 4] = [TimeDistributed(Dense(4), backward_layer = Dense(4))]
}

fn main() {}
