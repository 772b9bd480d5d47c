use keras::prelude::*;

model! {
    Net(a: [4, 8], b: [3, 8]) -> [4, 8] { a * b }
}

fn main() {}
