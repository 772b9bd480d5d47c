use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 8] { ops::sqtr(x) }
}

fn main() {}
