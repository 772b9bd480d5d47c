use keras::prelude::*;

model! {
    Net(x: [32]) -> (a: [32], a: [32]) { (x, x) }
}

fn main() {}
