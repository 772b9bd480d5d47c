use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(64, activatoin = relu), Dense(10)]
}

fn main() {}
