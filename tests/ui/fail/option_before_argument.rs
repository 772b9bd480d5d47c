use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(use_bias = false, 10)]
}

fn main() {}
