use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(64, activation = rellu), Dense(10)]
}

fn main() {}
