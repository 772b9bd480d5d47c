use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 8] { x + true }
}

fn main() {}
