use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let mut model = Model::<Mlp>::new(Device::default());
    let kernel = model.dense().kernal();
}
