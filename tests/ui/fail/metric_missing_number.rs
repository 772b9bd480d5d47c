use keras::prelude::*;

#[metric]
fn own(y_true: Tensor, y_pred: Tensor, tolerance: f64) -> Tensor {
    less(abs(y_true - y_pred), tolerance)
}

model! {
    Net([8]) -> [8] = [Dense(8)]
}

fn main() {
    Model::<Net>::new(Device::cpu()).compile(SGD::new(0.1), MeanSquaredError::new(), metrics![own]);
}
