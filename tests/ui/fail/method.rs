use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { x.relu() }
}

fn main() {}
