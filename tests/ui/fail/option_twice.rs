use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(10, use_bias = false, use_bias = true)]
}

fn main() {}
