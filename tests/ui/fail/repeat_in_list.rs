use keras::prelude::*;

model! {
    Net([32]) -> [10] = [Dense(10); 3]
}

fn main() {}
