use keras::prelude::*;

model! {
    Net([32]) -> [10.5] = [Dense(10)]
}

fn main() {}
