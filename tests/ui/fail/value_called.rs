use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let y = Dense(10)(x); y(x) }
}

fn main() {}
