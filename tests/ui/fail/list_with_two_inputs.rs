use keras::prelude::*;

model! {
    Net(a: [32], b: [32]) -> [10] = [Dense(10)]
}

fn main() {}
