use keras::prelude::*;

#[activation]
fn own(x: Tensor) -> Tensor {
    if x { x } else { 0.0 * x }
}

model! {
    Net([8]) -> [8] = [Dense(8, activation = own)]
}

fn main() {}
