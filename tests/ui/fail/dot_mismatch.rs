use keras::prelude::*;

model! {
    Net(a: [8], b: [9]) -> [1] { dot(a, b, axes = 1) }
}

fn main() {}
