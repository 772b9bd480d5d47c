use keras::prelude::*;

model! { Step(x: [8]) -> (y: [2], z: [3]) { (Dense(2)(x), Dense(3)(x)) } }
model! {
    Net([20, 8]) -> [20, 2] = [TimeDistributed(Step)]
}

fn main() {}
