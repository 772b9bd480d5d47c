use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { mean(x, axis = "rows") }
}

fn main() {}
