use keras::prelude::*;

model! { Step([4]) -> [2] = [Dense(2)] }
model! {
    Net([20, 8]) -> [20, 2] = [TimeDistributed(Step)]
}

fn main() {}
