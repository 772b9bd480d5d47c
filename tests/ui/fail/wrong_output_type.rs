use keras::prelude::*;

model! {
    Net([i32; 20]) -> [i32; 20, 4] = [Embedding(10, 4)]
}

fn main() {}
