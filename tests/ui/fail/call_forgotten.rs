use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let y = relu(x); Dense(10) }
}

fn main() {}
