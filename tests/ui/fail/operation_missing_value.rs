use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 8] { arctan2(x) }
}

fn main() {}
