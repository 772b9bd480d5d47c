use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [5, 6] { ops::reshape(x, (-1, 5, 6)) }
}

fn main() {}
