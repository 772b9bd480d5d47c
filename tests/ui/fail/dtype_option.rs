use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(10, dtype = f64)]
}

fn main() {}
