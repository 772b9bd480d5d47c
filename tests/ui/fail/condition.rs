use keras::prelude::*;

model! {
    Net<const DEEP: bool = true>(x: [32]) -> [32] { if DEEP { Dense(32)(x) } else { x } }
}

fn main() {}
