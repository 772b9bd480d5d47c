use keras::prelude::*;

model! {
    Net([2, 3]) -> [3, 2] = [Permute([1, 1])]
}

fn main() {}
