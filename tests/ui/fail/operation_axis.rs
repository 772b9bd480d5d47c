use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { ops::mean(x, axis = 3) }
}

fn main() {}
