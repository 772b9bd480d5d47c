use keras::prelude::*;

model! {
    Net([4, 8]) -> [3, 4, 8] = [RepeatVector(3)]
}

fn main() {}
