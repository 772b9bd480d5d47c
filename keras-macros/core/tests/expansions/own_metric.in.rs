#[metric]
fn within(y_true: Tensor, y_pred: Tensor, near: f64, strict: bool) -> Tensor {
    let error = abs(y_true - y_pred);
    if strict { less(error, near) } else { less_equal(error, near) }
}
