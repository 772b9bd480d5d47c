use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let y: Tensor = Dense(10)(x); y }
}

fn main() {}
