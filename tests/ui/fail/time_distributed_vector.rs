use keras::prelude::*;

model! {
    Net([8]) -> [4] = [TimeDistributed(Dense(4))]
}

fn main() {}
