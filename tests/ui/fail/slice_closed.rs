use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [2, 8] { x[.., 0..=1] }
}

fn main() {}
