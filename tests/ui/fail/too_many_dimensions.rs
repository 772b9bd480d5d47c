use keras::prelude::*;

model! {
    Net([1, 2, 3, 4, 5, 6, 7]) -> [10] = [Flatten, Dense(10)]
}

fn main() {}
