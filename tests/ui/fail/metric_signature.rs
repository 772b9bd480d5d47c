use keras::prelude::*;

#[metric]
fn own(&self, y_true: Tensor, y_pred: Tensor) -> Tensor {
    abs(y_true - y_pred)
}

fn main() {}
