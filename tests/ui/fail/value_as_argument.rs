use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { Flatten(x) }
}

fn main() {}
