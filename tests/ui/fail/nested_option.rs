use keras::prelude::*;

model! { Tower([6, 8]) -> [6, 8] = [Dense(8)] }

model! {
    Net(x: [6, 8]) -> [6, 8] { Tower(trainabel = false)(x) }
}

fn main() {}
