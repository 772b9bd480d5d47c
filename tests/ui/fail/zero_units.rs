use keras::prelude::*;

model! {
    Net([3]) -> [4] = [Dense(0), Dense(4)]
}

fn main() {}
