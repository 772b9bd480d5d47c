use keras::prelude::*;

model! {
    Net([0, 3]) -> [0, 4] = [Dense(4)]
}

fn main() {}
