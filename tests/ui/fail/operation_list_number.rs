use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 9] { ops::concatenate([x, 1.0], axis = -1) }
}

fn main() {}
