use keras::prelude::*;

model! {
    Net(a: [8], b: [9]) -> [4] { let d = Dense(4); d(a) + d(b) }
}

fn main() {}
