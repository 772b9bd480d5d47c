use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [8] { let y = x; x[.., y] }
}

fn main() {}
