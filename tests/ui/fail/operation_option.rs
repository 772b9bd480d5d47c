use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { mean(x, axes = 1) }
}

fn main() {}
