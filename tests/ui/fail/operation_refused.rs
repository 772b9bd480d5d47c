use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 8] { sort(x, axis = 1) }
}

fn main() {}
