use keras::prelude::*;

model! {
    Net([32]) -> [10] = [#[frozen] Dense(10)]
}

fn main() {}
