use keras::prelude::*;

model! {
    Net([100]) -> [100, 16] = [Embedding(1000, 16)]
}

fn main() {}
