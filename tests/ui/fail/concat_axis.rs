use keras::prelude::*;

model! {
    Net(a: [8], b: [8]) -> [16] { concat(a, b, axis = 5) }
}

fn main() {}
