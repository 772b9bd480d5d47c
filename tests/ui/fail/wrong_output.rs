use keras::prelude::*;

model! {
    pub Mlp([28, 28, 1]) -> [10] = [Dense(128, activation = relu), Dense(10)]
}

fn main() {}
