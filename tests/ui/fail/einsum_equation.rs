use keras::prelude::*;

model! {
    Net([4, 8]) -> [4, 2] = [EinsumDense("abc,cd->abe", [4, 2])]
}

fn main() {}
