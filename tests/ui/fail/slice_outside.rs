use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { x[.., 4] }
}

fn main() {}
