use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { Net()(x) }
}

fn main() {}
