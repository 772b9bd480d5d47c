use keras::prelude::*;

model! {
    Net([None, 32]) -> [10] = [Dense(10)]
}

fn main() {}
