use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(64)(x), Dense(10)]
}

fn main() {}
