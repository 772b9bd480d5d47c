use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let d = Dense(64); Dense(10)(x) }
}

fn main() {}
