use keras::prelude::*;

#[loss(sparce)]
fn own(y_true: Tensor, y_pred: Tensor) -> Tensor {
    mean(square(y_true - y_pred), -1)
}

model! {
    Net([8]) -> [8] = [Dense(8)]
}

fn main() {
    Model::<Net>::new(Device::cpu()).compile(SGD::new(0.1), own, metrics![]);
}
