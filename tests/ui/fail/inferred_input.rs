use keras::prelude::*;

model! {
    Net(_) -> [10] = [Dense(10)]
}

fn main() {}
