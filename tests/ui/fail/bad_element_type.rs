use keras::prelude::*;

model! {
    Net([str; 32]) -> [10] = [Embedding(8, 10)]
}

fn main() {}
