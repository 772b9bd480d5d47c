use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let d = Dense(32); Dense(10)(x + d) }
}

fn main() {}
