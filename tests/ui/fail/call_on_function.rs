use keras::prelude::*;

#[call]
fn call(x: Tensor) -> Tensor {
    x
}

fn main() {}
