use keras::prelude::*;

model! {
    Net([32], [32]) -> [10] { Dense(10)(x) }
}

fn main() {}
