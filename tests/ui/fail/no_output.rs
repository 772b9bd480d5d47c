use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let _y = Dense(10)(x); }
}

fn main() {}
