use keras::prelude::*;

#[loss]
fn own(y_true: Tensor, y_pred: Tensor, reduction: f64) -> Tensor {
    reduction * mean(square(y_true - y_pred), -1)
}

fn main() {}
