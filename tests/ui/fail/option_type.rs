use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(64, activation = same), Dense(10)]
}

fn main() {}
