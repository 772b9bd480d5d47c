use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 8] { cast(x, f16) }
}

fn main() {}
