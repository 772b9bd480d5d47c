use keras::prelude::*;

model! {
    Net([20, 8]) -> [8] = [Bidirectional()]
}

fn main() {}
