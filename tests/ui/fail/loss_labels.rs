use keras::prelude::*;

#[loss(sparse)]
fn own(y_true: Tensor, y_pred: Tensor) -> Tensor {
    sum(y_true * y_pred, -1)
}

model! {
    Net([8]) -> [4] = [Dense(4)]
}

fn main() {
    let (x, y) = (Batch::<D1<8>>::zeros(16), Batch::<D1<4>>::zeros(16));
    let mut net = Model::<Net>::new(Device::cpu()).compile(SGD::new(0.1), own, metrics![]);
    net.evaluate(&x, &y).unwrap();
}
