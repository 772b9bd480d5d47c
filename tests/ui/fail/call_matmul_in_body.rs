use keras::prelude::*;

model! {
    Net(x: [8]) -> [8] {
        matmul(Dense(8)(x), x)
    }
}

fn main() {}
