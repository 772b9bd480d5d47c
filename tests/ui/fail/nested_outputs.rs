use keras::prelude::*;

model! { Heads(x: [8]) -> (a: [4], b: [2]) { (Dense(4)(x), Dense(2)(x)) } }

model! {
    Net(x: [8]) -> [4] { Dense(4)(Heads()(x)) }
}

fn main() {}
