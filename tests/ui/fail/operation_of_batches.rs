use keras::prelude::*;

model! {
    Net(x: [4, 8], y: [8]) -> [4, 8] { x * y }
}

fn main() {}
