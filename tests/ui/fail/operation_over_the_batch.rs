use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { sum(x, axis = 0) }
}

fn main() {}
