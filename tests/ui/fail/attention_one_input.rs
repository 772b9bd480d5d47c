use keras::prelude::*;

model! {
    Net(x: [20, 8]) -> [20, 8] { MultiHeadAttention(2, 4)(x) }
}

fn main() {}
