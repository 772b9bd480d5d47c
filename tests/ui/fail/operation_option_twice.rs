use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { mean(x, 1, axis = 1) }
}

fn main() {}
