use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { let y = Dens(64, activation = relu)(x); Dense(10)(y) }
}

fn main() {}
