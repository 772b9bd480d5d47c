use keras::prelude::*;

model! {
    Net(x: [32]) -> [32] { let block = |x, units| Dense(units)(x); block(x) }
}

fn main() {}
