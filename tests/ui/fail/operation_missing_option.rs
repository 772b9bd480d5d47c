use keras::prelude::*;

model! {
    Net(x: [4, 8]) -> [4, 1, 8] { expand_dims(x) }
}

fn main() {}
