use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(64, name = "a"), Dense(10, name = "a")]
}

fn main() {}
