use keras::prelude::*;

model! {
    Net(x: [32], y: [32]) -> [10] { Dense(10)(x, y) }
}

fn main() {}
