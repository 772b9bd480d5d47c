use keras::prelude::*;

model! {
    Net(x: [32]) -> [10] { match 1 { _ => Dense(10)(x) } }
}

fn main() {}
