use keras::prelude::*;

model! {
    Net([32]) -> [32] = [Dropout(1.5)]
}

fn main() {}
