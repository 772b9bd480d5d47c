use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { for i in 0..3 { Dense(32)(x) } x }
}

fn main() {}
