use keras::prelude::*;

model! {
    Net(x: [32]) -> [33] { concat(x, 1.0) }
}

fn main() {}
