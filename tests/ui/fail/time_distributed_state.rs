use keras::prelude::*;

model! {
    Net([20, 8]) -> [20, 8] = [TimeDistributed(BatchNormalization())]
}

fn main() {}
