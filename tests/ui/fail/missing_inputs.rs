use keras::prelude::*;

model! {
    Net -> [10] = [Dense(10)]
}

fn main() {}
