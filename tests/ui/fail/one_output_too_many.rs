use keras::prelude::*;

model! {
    Net(x: [8]) -> (a: [4], b: [4]) { let y = Dense(4)(x); (y, y, y) }
}

fn main() {}
