use keras::prelude::*;

model! {
    Net([-1, 32]) -> [10] = [Dense(10)]
}

fn main() {}
