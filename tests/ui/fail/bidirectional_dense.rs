use keras::prelude::*;

model! {
    Net([20, 8]) -> [20, 8] = [Bidirectional(Dense(4))]
}

fn main() {}
