use keras::prelude::*;

#[activation]
fn own(x: Tensor, alpha: f64) -> Tensor {
    alpha * x
}

model! {
    Net([8]) -> [8] = [Dense(8, activation = own)]
}

fn main() {}
