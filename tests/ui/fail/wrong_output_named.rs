use keras::prelude::*;

model! {
    Net(x: [8]) -> (a: [4], b: [2]) { let y = Dense(4)(x); (y, Dense(3)(y)) }
}

fn main() {}
