use keras::prelude::*;

model! {
    Net<const H: usize = 32>(x: [32]) -> [10] { let y = Dense(H)(x); Dense(10)(x + y) }
}
keras::check!(Net<31>);

fn main() {}
