use keras::prelude::*;

model! {
    Net<const H: usize = 64>(x: [32]) -> [10] { let y = Dense(H)(x); Dense(10)(x + y) }
}

fn main() {}
