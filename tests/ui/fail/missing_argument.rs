use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(activation = relu), Dense(10)]
}

fn main() {}
