use keras::prelude::*;

model! {
    Net([32]) [10] = [Dense(10)]
}

fn main() {}
