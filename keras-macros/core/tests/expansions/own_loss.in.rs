/// The fourth power of the error.
#[loss]
pub fn quartic(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(square(square(y_true - y_pred)), -1)
}

#[loss(sparse)]
fn focal(y_true: Tensor, y_pred: Tensor, gamma: f64) -> Tensor {
    -sum(y_true * power(1.0 - softmax(y_pred, -1), gamma) * log_softmax(y_pred, -1), -1)
}
