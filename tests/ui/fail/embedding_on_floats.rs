use keras::prelude::*;

model! {
    Net([20]) -> [20, 8] = [Embedding(100, 8)]
}

fn main() {}
