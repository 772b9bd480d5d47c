use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [2, 8] { x[.., 3..3] }
}

fn main() {}
