use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let y = Dense(64)(x) Dense(10)(y) }
}

fn main() {}
