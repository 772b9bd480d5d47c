use keras::prelude::*;

model! {
    Net(x: [32]) -> (a: [10], b: [2]) { Dense(10)(x) + Dense(10)(x) }
}

fn main() {}
