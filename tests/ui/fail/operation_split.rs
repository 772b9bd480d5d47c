use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 4] { let (a, _) = split(x, 3, axis = -1); a }
}

fn main() {}
