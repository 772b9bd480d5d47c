use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let mut model = Model::<Mlp>::new(Device::default());
    model.dense_mut().set_kernel(&keras::ndarray::Array2::<f64>::zeros((784, 10))).unwrap();
}
