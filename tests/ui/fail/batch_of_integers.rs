use keras::prelude::*;

model! {
    Mlp([28, 28, 1]) -> [10] = [Flatten, Dense(10, activation = softmax)]
}

fn main() {
    let x: Batch<D1<3>> = Batch::new(vec![1, 2, 3]).unwrap();
}
