use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] {
        let y = Dense(64, activation = relu)(x);
        Dense(10)(x + y)
    }
}

fn main() {}
