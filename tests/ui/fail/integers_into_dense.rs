use keras::prelude::*;

model! {
    Net([i32; 20]) -> [4] = [Dense(4)]
}

fn main() {}
