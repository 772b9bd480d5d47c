use keras::prelude::*;

model! { Pair(a: [8], b: [8]) -> [4] { Dense(4)(a + b) } }

model! {
    Net(x: [8]) -> [4] { Pair()(x) }
}

fn main() {}
