use keras::prelude::*;

model! {
    Net(x: [4, 8], y: [4, 7]) -> [4, 8, 2] { stack([x, y], axis = -1) }
}

fn main() {}
