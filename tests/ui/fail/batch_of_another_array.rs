use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let array = keras::ndarray::Array2::<f64>::zeros((8, 3));
    let x: Batch<D1<3>> = Batch::from_array(array.view()).unwrap();
}
