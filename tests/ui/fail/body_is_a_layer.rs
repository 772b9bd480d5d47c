use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { Dense(10)(x); Dense(10)(x) }
}

fn main() {}
